"""Parameters of a simulation and of the ground, such as `SimParams`, `PhysXParams` and `PlaneParams`.

Defaults are Isaac Gym's. Fields that only PhysX or FleX can honour are kept so that scripts run unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mjgym.partly import partly
from mjgym.structs.base import Struct
from mjgym.structs.enums import ContactCollection, UpAxis
from mjgym.structs.geometry import Transform, Vec3


@partly("only `num_threads` has an effect")
@dataclass(slots=True)
class PhysXParams(Struct):
    """Solver settings of PhysX; lengths in m, velocities in m/s."""

    always_use_articulations: bool = False
    bounce_threshold_velocity: float = 0.2
    contact_collection: ContactCollection = ContactCollection.CC_ALL_SUBSTEPS
    contact_offset: float = 0.02
    default_buffer_size_multiplier: float = 2.0
    friction_correlation_distance: float = 0.025
    friction_offset_threshold: float = 0.04
    max_depenetration_velocity: float = 100.0
    max_gpu_contact_pairs: int = 1024 * 1024
    num_position_iterations: int = 4
    num_subscenes: int = 0
    num_threads: int = 4
    num_velocity_iterations: int = 1
    rest_offset: float = 0.001
    solver_type: int = 1
    use_gpu: bool = False


@partly("kept: nothing has an effect")
@dataclass(slots=True)
class FlexParams(Struct):
    """Solver settings of FleX, which mjgym keeps and ignores."""

    contact_regularization: float = 1e-6
    deterministic_mode: bool = False
    dynamic_friction: float = 0.0
    friction_mode: int = 0
    geometric_stiffness: float = 0.0
    max_rigid_contacts: int = 0
    max_soft_contacts: int = 0
    num_inner_iterations: int = 20
    num_outer_iterations: int = 4
    particle_friction: float = 0.0
    relaxation: float = 0.75
    return_contacts: bool = True
    shape_collision_distance: float = 0.0
    shape_collision_margin: float = 0.0
    solver_type: int = 5
    static_friction: float = 0.0
    warm_start: float = 0.8


def _default_gravity() -> Vec3:
    return Vec3(0.0, -9.8, 0.0)


@partly("`dt`, `substeps`, `gravity`, `use_gpu_pipeline` and `physx.num_threads` have an effect")
@dataclass(slots=True)
class SimParams(Struct):
    """Settings of a simulation: step `dt` [s] split in `substeps`, `gravity` [m/s^2], and the solver's."""

    dt: float = 1.0 / 60.0
    enable_actor_creation_warning: bool = True
    flex: FlexParams = field(default_factory=FlexParams)
    gravity: Vec3 = field(default_factory=_default_gravity)
    num_client_threads: int = 0
    physx: PhysXParams = field(default_factory=PhysXParams)
    stress_visualization: bool = False
    stress_visualization_max: float = 1e5
    stress_visualization_min: float = 0.0
    substeps: int = 2
    up_axis: UpAxis = UpAxis.UP_AXIS_Y
    use_gpu_pipeline: bool = False


@partly("`static_friction` has no effect")
@dataclass(slots=True)
class PlaneParams(Struct):
    """The ground plane: the points x with normal . x + distance = 0, and its surface."""

    distance: float = 0.0
    dynamic_friction: float = 1.0
    normal: Vec3 = field(default_factory=lambda: Vec3(0.0, 1.0, 0.0))
    restitution: float = 0.0
    segmentation_id: int = 0
    static_friction: float = 1.0


@partly("`static_friction` and `segmentation_id` have no effect")
@dataclass(slots=True)
class TriangleMeshParams(Struct):
    """Size, pose and surface of a static triangle mesh."""

    dynamic_friction: float = 1.0
    nb_triangles: int = 0
    nb_vertices: int = 0
    restitution: float = 0.0
    segmentation_id: int = 0
    static_friction: float = 1.0
    transform: Transform = field(default_factory=Transform)


@partly("`static_friction` and `segmentation_id` have no effect")
@dataclass(slots=True)
class HeightFieldParams(Struct):
    """Samples, spacing [m], pose and surface of a height field, whose columns lie along x."""

    column_scale: float = 1.0
    dynamic_friction: float = 1.0
    nbColumns: int = 0
    nbRows: int = 0
    restitution: float = 0.0
    row_scale: float = 1.0
    segmentation_id: int = 0
    static_friction: float = 1.0
    transform: Transform = field(default_factory=Transform)
    vertical_scale: float = 1.0


@partly("`enable_tensors` and supersampling have no effect; only what is 1 cm to 1 km away is seen")
@dataclass(slots=True)
class CameraProperties(Struct):
    """A camera's image size [pixel], field of view [degree] and clipping planes [m]."""

    enable_tensors: bool = False
    far_plane: float = 2.0e6
    height: int = 900
    horizontal_fov: float = 90.0
    near_plane: float = 0.001
    supersampling_horizontal: int = 1
    supersampling_vertical: int = 1
    use_collision_geometry: bool = False
    width: int = 1600


@dataclass(slots=True)
class Version(Struct):
    """Version of the API that is provided."""

    major: int = 1
    minor: int = 0


@dataclass(slots=True)
class ActionEvent(Struct):
    """A keyboard or mouse action that a viewer reports."""

    action: str = ""
    value: float = 0.0
