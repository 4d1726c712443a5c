"""Installs mjgym, Isaac Gym's Python API on MuJoCo, with everything that Gaitway needs.

Only mjgym goes into site-packages: any script of yours may then run `python -m mjgym SCRIPT`. The application
(train.py with tasks, learning, app and cfg) runs from its repository.
"""

from setuptools import find_packages, setup

REQUIREMENTS = [
    "torch>=2.6",  # every rollout tensor, the networks and the data-parallel workers
    "mujoco>=4.0",  # the physics: mujoco.batch steps many simulations on a C++ thread pool
    "hydra-core>=1.3",  # composes cfg/ with the command line, and runs sweeps
    "omegaconf>=2.3",  # the composed configuration, and its merge into typed dataclasses
    "PyYAML>=6.0",  # reads overrides and lists of clips, safely
    "numpy>=1.26",  # the arrays that MuJoCo shares with torch
    "gymnasium>=1.1",  # observation and action spaces, and environments other than ours
    "tensorboard>=2.14",  # the writer of training curves
    "rich>=13",  # the console while training
]

EXTRAS = {
    # The second physics engine: the same models on CUDA (or, for tests, on Warp's CPU device).
    "warp": ["mujoco-warp>=4.0", "warp-lang>=1.15"],
    # Video files of trained policies; imageio-ffmpeg brings the encoder.
    "video": ["imageio>=2.30", "imageio-ffmpeg>=0.5"],
    # Clips of other systems: `python -m tools.motion convert`.
    "motion": [
        "mink>=1.0",  # inverse kinematics on MuJoCo, which brings other bodies' poses onto our character
        "bvhio>=1.5",  # reads the hierarchy of BVH files
        "scipy>=1.12",  # rotations from Euler angles in any order, and their means
    ],
    # Gymnasium's environments on C++ threads: task.env.backend=envpool.
    "envpool": ["envpool>=0.8"],
    # Meshes that MuJoCo does not take as they are: of other formats, or to be cut into convex parts.
    "meshes": [
        "coacd>=1.0",  # convex parts of ground that is neither a grid nor convex, and of vhacd_enabled
        "trimesh>=4.0",  # reads .dae, .glb, .ply and .off
        "pycollada>=0.8",  # which trimesh needs for .dae
    ],
    # Learning curves for reports.
    "plots": ["matplotlib>=3.8"],
    # What `make test` needs beside the extras above.
    "test": [
        "pytest>=8",
        "pytest-xdist>=3.5",  # the tests on every core
        "hypothesis>=6.100",  # random models, whole and broken, for the loaders
        "ruff>=0.9",  # lint and format
        "mypy>=1.15",  # types
        "scipy>=1.12",  # rotations and distributions to compare ours with
        "dtaidistance>=2.5",  # dynamic time warping to compare ours with
        "rl-games==1.6.5",  # the system we are compatible with: compared in tests and in benchmarks
    ],
}

setup(
    name="gaitway",
    version="0.1.0",
    description="Isaac Gym tasks and RL Games agents for physics-based characters, on open physics",
    license="Apache-2.0",
    license_files=["LICENSE", "NOTICE"],
    python_requires=">=3.11",
    packages=find_packages(include=["mjgym", "mjgym.*"]),
    install_requires=REQUIREMENTS,
    extras_require=EXTRAS,
)
