"""Names of Isaac Gym's API, so that one mjgym lacks can be told from one that is misspelt.

Plain lists, kept apart from what mjgym provides: an error says "not built yet" for these names and "near it:
..." for any other. Which of them are there is read off the code; `tools.api_table` writes it into
docs/mjgym.md, with the reasons given here for those that are not.
"""

from __future__ import annotations

from typing import Final

_METHODS: Final = """
    acquire_actor_root_state_tensor acquire_dof_force_tensor acquire_dof_state_tensor
    acquire_force_sensor_tensor acquire_jacobian_tensor acquire_mass_matrix_tensor
    acquire_net_contact_force_tensor acquire_particle_state_tensor acquire_pneumatic_pressure_tensor
    acquire_pneumatic_target_tensor acquire_rigid_body_state_tensor add_ground add_heightfield add_lines
    add_triangle_mesh apply_actor_dof_efforts apply_body_force_at_pos apply_body_forces apply_dof_effort
    apply_rigid_body_force_at_pos_tensors apply_rigid_body_force_tensors attach_camera_to_body attach_sim
    begin_aggregate clear_lines create_actor create_aggregate create_asset_force_sensor create_box
    create_camera_sensor create_capsule create_cloth_grid create_env create_performance_timers
    create_rigid_body_attractor create_sim create_sphere create_tet_grid create_texture_from_buffer
    create_texture_from_file create_usd_exporter create_viewer debug_print_asset destroy_camera_sensor
    destroy_env destroy_performance_timers destroy_sim destroy_usd_exporter destroy_viewer
    draw_env_rigid_contacts draw_env_soft_contacts draw_viewer enable_actor_dof_force_sensors
    end_access_image_tensors end_aggregate export_usd_asset export_usd_sim fetch_results
    find_actor_actuator_index find_actor_dof_handle find_actor_dof_index
    find_actor_fixed_tendon_joint_index find_actor_handle find_actor_index find_actor_joint_handle
    find_actor_joint_index find_actor_rigid_body_handle find_actor_rigid_body_index
    find_actor_tendon_index find_asset_actuator_index find_asset_dof_index find_asset_joint_index
    find_asset_rigid_body_index find_asset_tendon_index free_texture get_actor_actuator_count
    get_actor_actuator_joint_name get_actor_actuator_name get_actor_actuator_properties get_actor_asset
    get_actor_count get_actor_dof_count get_actor_dof_dict get_actor_dof_forces get_actor_dof_frames
    get_actor_dof_handle get_actor_dof_index get_actor_dof_names get_actor_dof_position_targets
    get_actor_dof_properties get_actor_dof_states get_actor_dof_velocity_targets
    get_actor_fixed_tendon_joint_coefficients get_actor_fixed_tendon_joint_name get_actor_force_sensor
    get_actor_force_sensor_count get_actor_handle get_actor_index get_actor_joint_count
    get_actor_joint_dict get_actor_joint_handle get_actor_joint_index get_actor_joint_names
    get_actor_joint_transforms get_actor_name get_actor_rigid_body_count get_actor_rigid_body_dict
    get_actor_rigid_body_handle get_actor_rigid_body_index get_actor_rigid_body_names
    get_actor_rigid_body_properties get_actor_rigid_body_shape_indices get_actor_rigid_body_states
    get_actor_rigid_shape_count get_actor_rigid_shape_properties get_actor_root_rigid_body_handle
    get_actor_scale get_actor_soft_body_count get_actor_soft_materials get_actor_tendon_count
    get_actor_tendon_name get_actor_tendon_offset get_actor_tendon_properties get_actor_tetrahedra_range
    get_actor_triangle_range get_asset_actuator_count get_asset_actuator_joint_name
    get_asset_actuator_name get_asset_actuator_properties get_asset_dof_count get_asset_dof_dict
    get_asset_dof_name get_asset_dof_names get_asset_dof_properties get_asset_dof_type
    get_asset_fixed_tendon_joint_coefficients get_asset_fixed_tendon_joint_name get_asset_joint_count
    get_asset_joint_dict get_asset_joint_name get_asset_joint_names get_asset_joint_type
    get_asset_rigid_body_count get_asset_rigid_body_dict get_asset_rigid_body_name
    get_asset_rigid_body_names get_asset_rigid_body_shape_indices get_asset_rigid_shape_count
    get_asset_rigid_shape_properties get_asset_soft_body_count get_asset_soft_materials
    get_asset_tendon_count get_asset_tendon_name get_asset_tendon_properties get_attractor_properties
    get_camera_image get_camera_image_gpu_tensor get_camera_proj_matrix get_camera_transform
    get_camera_view_matrix get_dof_frame get_dof_position get_dof_target_position get_dof_target_velocity
    get_dof_type_string get_dof_velocity get_elapsed_time get_env get_env_count get_env_dof_count
    get_env_joint_count get_env_origin get_env_rigid_body_count get_env_rigid_body_states
    get_env_rigid_contact_forces get_env_rigid_contacts get_frame_count get_joint_handle get_joint_name
    get_joint_position get_joint_target_position get_joint_target_velocity get_joint_transform
    get_joint_type_string get_joint_velocity get_performance_timers get_pneumatic_pressure
    get_pneumatic_target get_rigid_angular_velocity get_rigid_body_color get_rigid_body_segmentation_id
    get_rigid_body_texture get_rigid_contact_forces get_rigid_contacts get_rigid_handle
    get_rigid_linear_velocity get_rigid_name get_rigid_transform get_sensor get_sim_actor_count
    get_sim_dof_count get_sim_force_sensor_count get_sim_joint_count get_sim_params
    get_sim_rigid_body_count get_sim_rigid_body_states get_sim_tetrahedra get_sim_tetrahedra_count
    get_sim_time get_sim_triangle_count get_sim_triangles get_soft_contacts get_usd_export_root
    get_vec_actor_dof_states get_vec_env_rigid_contact_forces get_vec_rigid_angular_velocity
    get_vec_rigid_linear_velocity get_vec_rigid_transform get_version get_viewer_camera_handle
    get_viewer_camera_transform get_viewer_mouse_position get_viewer_size load_asset load_mjcf
    load_opensim load_sim load_urdf load_usd omni_connect omni_disconnect poll_viewer_events prepare_sim
    query_viewer_action_events query_viewer_has_closed refresh_actor_root_state_tensor
    refresh_dof_force_tensor refresh_dof_state_tensor refresh_force_sensor_tensor refresh_jacobian_tensors
    refresh_mass_matrix_tensors refresh_net_contact_force_tensor refresh_particle_state_tensor
    refresh_pneumatic_pressure_tensor refresh_pneumatic_target_tensor refresh_rigid_body_state_tensor
    render_all_camera_sensors reset_actor_materials reset_actor_particles_to_rest
    set_actor_dof_position_targets set_actor_dof_properties set_actor_dof_states
    set_actor_dof_velocity_targets set_actor_fixed_tendon_joint_coefficients
    set_actor_rigid_body_properties set_actor_rigid_body_states set_actor_rigid_shape_properties
    set_actor_root_state_tensor set_actor_root_state_tensor_indexed set_actor_scale
    set_actor_soft_materials set_actor_tendon_offset set_actor_tendon_properties
    set_asset_fixed_tendon_joint_coefficients set_asset_rigid_shape_properties set_asset_tendon_properties
    set_attractor_properties set_attractor_target set_camera_location set_camera_transform
    set_dof_actuation_force_tensor set_dof_actuation_force_tensor_indexed set_dof_position_target_tensor
    set_dof_position_target_tensor_indexed set_dof_state_tensor set_dof_state_tensor_indexed
    set_dof_target_position set_dof_target_velocity set_dof_velocity_target_tensor
    set_dof_velocity_target_tensor_indexed set_env_rigid_body_states set_joint_target_position
    set_joint_target_velocity set_light_parameters set_particle_state_tensor
    set_particle_state_tensor_indexed set_pneumatic_pressure set_pneumatic_pressure_tensor
    set_pneumatic_pressure_tensor_indexed set_pneumatic_target set_pneumatic_target_tensor
    set_pneumatic_target_tensor_indexed set_rigid_angular_velocity set_rigid_body_color
    set_rigid_body_segmentation_id set_rigid_body_state_tensor set_rigid_body_texture
    set_rigid_linear_velocity set_rigid_transform set_sim_device set_sim_params set_sim_rigid_body_states
    set_usd_export_root simulate start_access_image_tensors step_graphics subscribe_viewer_keyboard_event
    subscribe_viewer_mouse_event sync_frame_time viewer_camera_look_at write_camera_image_to_file
    write_viewer_image_to_file
"""

GYM_METHODS: Final = frozenset(_METHODS.split())
"""Methods of `gymapi.Gym`."""

_NAMES: Final = """
    Asset DofFrame Env ForceSensor Gym IndexRange Int2 Int3 MAT_COROTATIONAL MAT_NEOHOOKEAN Mat44
    OmniConnectionParams ParticleState PerformanceTimers RigidContact Sim SoftContact SoftMaterial
    SoftMaterialType Tensor USD_MATERIAL_DISPLAY_COLOR USD_MATERIAL_MDL USD_MATERIAL_PREVIEW_SURFACE
    UsdExportOptions UsdExporter UsdMaterialMode Vec2 Viewer acquire_gym carb_init cross dot
    eulers_to_quats_zyx quats_to_eulers_zyx rotate rotate_inverse transform transform_inverse
"""

GYMAPI_NAMES: Final = frozenset(_NAMES.split())
"""Classes, functions and constants of `gymapi` beside what `mjgym.structs` holds."""

NAMES_BY_JOB: Final = {
    "Viewer, drawing and keys": """
        add_lines clear_lines create_viewer draw_viewer get_env_origin get_viewer_camera_transform
        poll_viewer_events query_viewer_action_events query_viewer_has_closed set_rigid_body_color
        step_graphics subscribe_viewer_keyboard_event sync_frame_time viewer_camera_look_at
        write_viewer_image_to_file gymapi.CameraProperties gymapi.KEY_ESCAPE gymapi.KEY_R gymapi.KEY_V
        gymapi.MESH_VISUAL gymapi.MESH_VISUAL_AND_COLLISION gymutil.AxesGeometry
        gymutil.WireframeSphereGeometry gymutil.draw_lines
    """,
    "Acquire tensors": """
        acquire_actor_root_state_tensor acquire_dof_force_tensor acquire_dof_state_tensor
        acquire_force_sensor_tensor acquire_jacobian_tensor acquire_mass_matrix_tensor
        acquire_net_contact_force_tensor acquire_rigid_body_state_tensor
    """,
    "Refresh tensors": """
        refresh_actor_root_state_tensor refresh_dof_force_tensor refresh_dof_state_tensor
        refresh_force_sensor_tensor refresh_jacobian_tensors refresh_mass_matrix_tensors
        refresh_net_contact_force_tensor refresh_rigid_body_state_tensor
    """,
    "Set and apply tensors": """
        apply_rigid_body_force_tensors set_actor_root_state_tensor set_actor_root_state_tensor_indexed
        set_dof_actuation_force_tensor set_dof_actuation_force_tensor_indexed set_dof_position_target_tensor
        set_dof_position_target_tensor_indexed set_dof_state_tensor_indexed
    """,
    "gymtorch": """
        gymtorch.unwrap_tensor gymtorch.wrap_tensor
    """,
    "terrain_utils": """
        terrain_utils.SubTerrain terrain_utils.convert_heightfield_to_trimesh
        terrain_utils.discrete_obstacles_terrain terrain_utils.pyramid_sloped_terrain
        terrain_utils.pyramid_stairs_terrain terrain_utils.random_uniform_terrain
        terrain_utils.stepping_stones_terrain
    """,
    "torch_utils": """
        torch_utils.quat_from_angle_axis torch_utils.quat_from_euler_xyz torch_utils.quat_mul
        torch_utils.tf_combine torch_utils.tf_inverse
    """,
    "gymutil": """
        gymutil._indent_xml
    """,
    "Ask and edit assets": """
        create_asset_force_sensor find_asset_dof_index find_asset_rigid_body_index get_asset_actuator_count
        get_asset_actuator_joint_name get_asset_actuator_properties get_asset_dof_count get_asset_dof_names
        get_asset_dof_properties get_asset_joint_count get_asset_rigid_body_count get_asset_rigid_body_name
        get_asset_rigid_body_names get_asset_rigid_shape_count get_asset_rigid_shape_properties
        get_asset_tendon_count get_asset_tendon_name get_asset_tendon_properties
        set_asset_rigid_shape_properties set_asset_tendon_properties
    """,
    "Create assets, environments and actors": """
        add_ground add_triangle_mesh begin_aggregate create_actor create_box create_env create_force_sensor
        create_rigid_body_attractor create_sphere enable_actor_dof_force_sensors end_aggregate load_asset
    """,
    "Life of a simulation": """
        create_sim create_usd_exporter export_usd_sim fetch_results get_frame_count get_sim_params prepare_sim
        set_sim_params simulate gymapi.acquire_gym
    """,
    "Look up and count": """
        find_actor_dof_handle find_actor_handle find_actor_index find_actor_rigid_body_handle
        find_actor_rigid_body_index get_actor_count get_actor_dof_count get_actor_handle get_actor_index
        get_actor_joint_dict get_actor_name get_actor_rigid_body_count get_actor_rigid_shape_count
        get_env_dof_count get_env_rigid_body_count get_rigid_transform get_sim_actor_count get_sim_dof_count
    """,
    "Properties of actors": """
        get_actor_dof_properties get_actor_rigid_body_properties get_actor_rigid_shape_properties
        get_actor_tendon_properties set_actor_dof_properties set_actor_rigid_body_properties
        set_actor_rigid_shape_properties set_actor_scale set_actor_tendon_properties
    """,
    "Classes and constants of gymapi": """
        gymapi.AXIS_TRANSLATION gymapi.AssetOptions gymapi.AttractorProperties gymapi.COMPUTE_PER_FACE
        gymapi.ContactCollection gymapi.DOF_MODE_EFFORT gymapi.DOF_MODE_NONE gymapi.DOF_MODE_POS
        gymapi.DOMAIN_ACTOR gymapi.DOMAIN_ENV gymapi.DOMAIN_SIM gymapi.ENV_SPACE gymapi.INVALID_HANDLE
        gymapi.LOCAL_SPACE gymapi.PlaneParams gymapi.Quat gymapi.SIM_FLEX gymapi.SIM_PHYSX gymapi.SimParams
        gymapi.Transform gymapi.TriangleMeshParams gymapi.UP_AXIS_Y gymapi.UP_AXIS_Z gymapi.UsdExportOptions
        gymapi.Vec3 gymapi.VhacdParams
    """,
}
"""The 158 names that IsaacGymEnvs' tasks use, by job. Names without a module are calls of `gymapi.Gym`."""


def used_names(module: str) -> frozenset[str]:
    """Return the names of a module that tasks use."""
    names = " ".join(NAMES_BY_JOB.values()).split()
    return frozenset(name.removeprefix(f"{module}.") for name in names if name.startswith(f"{module}."))


REASONS: Final = {
    "no name of Isaac Gym's: `create_asset_force_sensor` is meant": "create_force_sensor",
    "assets are MJCF and URDF, and nothing is exported": "*usd* *Usd* *USD* *omni_* *Omni* load_opensim",
    "`load_asset` reads both kinds of files": "load_mjcf load_urdf",
    "not built yet for the window": "*_viewer_* draw_env_*",
    "bodies are drawn in plain colours": "*texture*",
    "soft bodies, cloth, particles and pneumatic actuators are not simulated": """
        *soft_* *particle* *Particle* *pneumatic* *_tetrahedra* *_triangle_* get_sim_triangles
        create_cloth_grid create_tet_grid reset_actor_materials gymapi.Soft* gymapi.MAT_*
    """,
    "for FleX alone in Isaac Gym; states are set by root and DOF": "set_rigid_body_state_tensor",
    "Isaac Gym does not say what it does": "get_sensor",
    "the structures' own methods do it": """
        gymapi.cross gymapi.dot gymapi.eulers_* gymapi.quats_* gymapi.rotate* gymapi.transform*
    """,
    "used by no task of IsaacGymEnvs": """
        attach_sim destroy_env load_sim set_sim_device gymapi.carb_init gymapi.Int2 gymapi.Int3 gymapi.Mat44
        gymapi.Vec2
    """,
}
"""Why names are missing: patterns of names by reason. The first that fits a missing name speaks."""
