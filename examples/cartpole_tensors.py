"""Many cartpoles at once through the tensor API, kept upright by a controller that is four numbers.

    python -m mjgym examples/cartpole_tensors.py --num_envs 64

The force on a cart is a weighted sum of its position, its speed, its pole's lean and the rate of the lean;
the weights are those of a linear-quadratic regulator for a cart and a pole of 1 kg each.
"""

import math
import os

from isaacgym import gymapi, gymtorch, gymutil  # isort: skip (before torch, as Isaac Gym asks for)
import torch

POSITION_GAIN = 4.5  # N/m
SPEED_GAIN = 17.0  # N s/m
LEAN_GAIN = 115.0  # N/rad
LEAN_RATE_GAIN = 28.0  # N s/rad

custom_parameters = [
    {"name": "--num_envs", "type": int, "default": 64, "help": "cartpoles"},
    {"name": "--num_steps", "type": int, "default": 600, "help": "steps to simulate without a window"},
]
args = gymutil.parse_arguments("Balanced cartpoles", headless=True, custom_parameters=custom_parameters)
device = args.sim_device if args.use_gpu_pipeline else "cpu"
torch.manual_seed(0)

gym = gymapi.acquire_gym()

sim_params = gymapi.SimParams()
sim_params.dt = 1.0 / 60.0
sim_params.substeps = 2
sim_params.up_axis = gymapi.UP_AXIS_Z
sim_params.gravity = gymapi.Vec3(0.0, 0.0, -9.81)
sim_params.use_gpu_pipeline = args.use_gpu_pipeline
sim_params.physx.num_threads = args.num_threads
sim_params.physx.use_gpu = args.use_gpu
sim = gym.create_sim(args.compute_device_id, args.graphics_device_id, args.physics_engine, sim_params)
if sim is None:
    raise RuntimeError("create_sim failed")

asset_options = gymapi.AssetOptions()
asset_options.fix_base_link = True
asset_root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "assets")
cartpole_asset = gym.load_asset(sim, asset_root, "urdf/cartpole.urdf", asset_options)
num_dofs = gym.get_asset_dof_count(cartpole_asset)

pose = gymapi.Transform(gymapi.Vec3(0.0, 0.0, 2.0))
for i in range(args.num_envs):
    env = gym.create_env(
        sim, gymapi.Vec3(-2.0, -2.0, 0.0), gymapi.Vec3(2.0, 2.0, 4.0), int(math.sqrt(args.num_envs))
    )
    cartpole = gym.create_actor(env, cartpole_asset, pose, "cartpole", i, 1)
    dof_props = gym.get_actor_dof_properties(env, cartpole)
    dof_props["driveMode"][0] = gymapi.DOF_MODE_EFFORT
    dof_props["driveMode"][1] = gymapi.DOF_MODE_NONE
    dof_props["stiffness"].fill(0.0)
    dof_props["damping"].fill(0.0)
    gym.set_actor_dof_properties(env, cartpole, dof_props)
    if i == 0:
        cart = gym.find_actor_dof_handle(env, cartpole, "slider_to_cart")
        pole = gym.find_actor_dof_handle(env, cartpole, "cart_to_pole")

gym.prepare_sim(sim)

viewer = None
if not args.headless:
    viewer = gym.create_viewer(sim, gymapi.CameraProperties())
if viewer is not None:
    gym.viewer_camera_look_at(viewer, None, gymapi.Vec3(20.0, 0.0, 8.0), gymapi.Vec3(0.0, 0.0, 2.0))

dof_states = gymtorch.wrap_tensor(gym.acquire_dof_state_tensor(sim)).view(args.num_envs, num_dofs, 2)
positions, velocities = dof_states[..., 0], dof_states[..., 1]

# Every cartpole starts somewhere else, with its pole up to 0.2 rad from upright.
positions.copy_(torch.empty(args.num_envs, num_dofs, device=device).uniform_(-0.2, 0.2))
velocities.zero_()
gym.set_dof_state_tensor(sim, gymtorch.unwrap_tensor(dof_states))

forces = torch.zeros(args.num_envs, num_dofs, device=device)
while viewer is not None or gym.get_frame_count(sim) < args.num_steps:
    gym.refresh_dof_state_tensor(sim)
    # A positive angle leans towards -y, against the direction in which the cart counts.
    lean, lean_rate = -positions[:, pole], -velocities[:, pole]
    forces[:, cart] = (
        POSITION_GAIN * positions[:, cart]
        + SPEED_GAIN * velocities[:, cart]
        + LEAN_GAIN * lean
        + LEAN_RATE_GAIN * lean_rate
    )
    gym.set_dof_actuation_force_tensor(sim, gymtorch.unwrap_tensor(forces))
    gym.simulate(sim)
    gym.fetch_results(sim, True)
    if viewer is not None:
        if gym.query_viewer_has_closed(viewer):
            break
        gym.step_graphics(sim)
        gym.draw_viewer(viewer, sim, True)
        gym.sync_frame_time(sim)

gym.refresh_dof_state_tensor(sim)
upright = int((positions[:, pole].abs() < 0.1).sum())
print(
    f"after {gym.get_sim_time(sim):.1f} s: {upright} of {args.num_envs} poles are upright; "
    f"largest lean {positions[:, pole].abs().max():.4f} rad, "
    f"farthest cart {positions[:, cart].abs().max():.3f} m from the middle"
)

if viewer is not None:
    gym.destroy_viewer(viewer)
gym.destroy_sim(sim)
