"""Stacks of boxes that lean too far and fall over, one stack in each environment.

    python -m mjgym examples/falling_stack.py --num_envs 4

Every box lies a little further to the side than the one below it. The centre of mass of what rests on the
lowest box is beyond the edge of that box: the stack tips over to the side it leans to.
"""

import math

from isaacgym import gymapi, gymutil

SIZE = 0.2  # edge of a box [m]
SHIFT = 0.07  # how far each box lies to the side of the one below [m]

custom_parameters = [
    {"name": "--num_envs", "type": int, "default": 4, "help": "stacks"},
    {"name": "--num_boxes", "type": int, "default": 6, "help": "boxes in a stack"},
    {"name": "--num_steps", "type": int, "default": 180, "help": "steps to simulate without a window"},
]
args = gymutil.parse_arguments("Falling stacks", headless=True, custom_parameters=custom_parameters)

gym = gymapi.acquire_gym()

sim_params = gymapi.SimParams()
sim_params.dt = 1.0 / 60.0
sim_params.substeps = 2
sim_params.up_axis = gymapi.UP_AXIS_Z
sim_params.gravity = gymapi.Vec3(0.0, 0.0, -9.81)
sim_params.physx.num_threads = args.num_threads
sim_params.physx.use_gpu = args.use_gpu
sim = gym.create_sim(args.compute_device_id, args.graphics_device_id, args.physics_engine, sim_params)
if sim is None:
    raise RuntimeError("create_sim failed")

plane_params = gymapi.PlaneParams()
plane_params.normal = gymapi.Vec3(0.0, 0.0, 1.0)
gym.add_ground(sim, plane_params)

asset_options = gymapi.AssetOptions()
asset_options.density = 500.0
box_asset = gym.create_box(sim, SIZE, SIZE, SIZE, asset_options)

spacing = SIZE * args.num_boxes
envs = []
for i in range(args.num_envs):
    lower, upper = gymapi.Vec3(-spacing, -spacing, 0.0), gymapi.Vec3(spacing, spacing, spacing)
    env = gym.create_env(sim, lower, upper, int(math.sqrt(args.num_envs)))
    direction = 2.0 * math.pi * i / args.num_envs  # each stack leans to a side of its own
    for n in range(args.num_boxes):
        pose = gymapi.Transform()
        pose.p = gymapi.Vec3(
            n * SHIFT * math.cos(direction), n * SHIFT * math.sin(direction), (n + 0.5) * SIZE
        )
        pose.r = gymapi.Quat.from_axis_angle(gymapi.Vec3(0.0, 0.0, 1.0), direction)
        box = gym.create_actor(env, box_asset, pose, f"box{n}", i, 0)
        shade = n / max(1, args.num_boxes - 1)
        color = gymapi.Vec3(0.3 + 0.6 * shade, 0.45, 0.9 - 0.6 * shade)
        gym.set_rigid_body_color(env, box, 0, gymapi.MESH_VISUAL_AND_COLLISION, color)
    envs.append(env)

gym.prepare_sim(sim)

viewer = None
if not args.headless:
    viewer = gym.create_viewer(sim, gymapi.CameraProperties())
if viewer is not None:
    gym.viewer_camera_look_at(viewer, None, gymapi.Vec3(4.0, 4.0, 2.5), gymapi.Vec3(0.0, 0.0, 0.5))

while viewer is not None or gym.get_frame_count(sim) < args.num_steps:
    gym.simulate(sim)
    gym.fetch_results(sim, True)
    if viewer is not None:
        if gym.query_viewer_has_closed(viewer):
            break
        gym.step_graphics(sim)
        gym.draw_viewer(viewer, sim, True)
        gym.sync_frame_time(sim)

print(f"after {gym.get_sim_time(sim):.1f} s")
for i, env in enumerate(envs):
    handles = [gym.get_actor_rigid_body_handle(env, n, 0) for n in range(args.num_boxes)]
    places = [gym.get_rigid_transform(env, handle).p for handle in handles]
    fallen = sum(p.z < (n + 0.5) * SIZE - SIZE / 2 for n, p in enumerate(places))
    reach = max(math.hypot(p.x, p.y) for p in places)
    print(f"stack {i}: {fallen} of {args.num_boxes} boxes fell, the farthest lies {reach:.2f} m away")

if viewer is not None:
    gym.destroy_viewer(viewer)
gym.destroy_sim(sim)
