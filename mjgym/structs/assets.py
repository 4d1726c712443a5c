"""How an asset is read: `AssetOptions` and `VhacdParams`."""

from __future__ import annotations

from dataclasses import dataclass, field

from mjgym.partly import partly
from mjgym.structs.base import Struct
from mjgym.structs.enums import DofDriveMode, MeshNormalMode


@partly("kept: coacd cuts meshes with its own settings")
@dataclass(slots=True)
class VhacdParams(Struct):
    """Convex decomposition of meshes."""

    alpha: float = 0.05
    beta: float = 0.05
    concavity: float = 0.0
    convex_hull_approximation: bool = True
    convex_hull_downsampling: int = 4
    max_convex_hulls: int = 64
    max_num_vertices_per_ch: int = 64
    min_volume_per_ch: float = 0.0001
    mode: int = 0
    ocl_acceleration: bool = True
    pca: int = 0
    plane_downsampling: int = 4
    project_hull_vertices: bool = True
    resolution: int = 100_000


@partly(
    "without effect: `convex_decomposition_from_submeshes`, `enable_gyroscopic_forces`, "
    "`flip_visual_attachments`, `mesh_normal_mode`, `min_particle_mass`, `override_com`, "
    "`override_inertia`, `slices_per_cylinder`, `thickness`, `use_mesh_materials`, "
    "`use_physx_armature`, `vhacd_params`; in MJCF files "
    "`collapse_fixed_joints`, `replace_cylinder_with_capsule` and `vhacd_enabled`"
)
@dataclass(slots=True)
class AssetOptions(Struct):
    """What `load_asset` does with a file.

    Velocities in m/s and rad/s, `density` in kg/m^3 (for links without inertial data), `armature` in
    kg m^2, `thickness` in m. `default_dof_drive_mode` holds for DOFs whose file names no drive.
    `hinges_as_spherical`, an extension of mjgym, reads three hinges about x, y and z at one point as one
    spherical joint in exponential-map coordinates, which Isaac Gym always does.
    """

    angular_damping: float = 0.5
    armature: float = 0.0
    collapse_fixed_joints: bool = False
    convex_decomposition_from_submeshes: bool = False
    default_dof_drive_mode: DofDriveMode = DofDriveMode.DOF_MODE_NONE
    density: float = 1000.0
    disable_gravity: bool = False
    enable_gyroscopic_forces: bool = True
    fix_base_link: bool = False
    flip_visual_attachments: bool = False
    hinges_as_spherical: bool = True
    linear_damping: float = 0.0
    max_angular_velocity: float = 64.0
    max_linear_velocity: float = 1000.0
    mesh_normal_mode: MeshNormalMode = MeshNormalMode.FROM_ASSET
    min_particle_mass: float = 1e-12
    override_com: bool = False
    override_inertia: bool = False
    replace_cylinder_with_capsule: bool = False
    slices_per_cylinder: int = 20
    tendon_limit_stiffness: float = 1.0
    thickness: float = 0.02
    use_mesh_materials: bool = False
    use_physx_armature: bool = True
    vhacd_enabled: bool = False
    vhacd_params: VhacdParams = field(default_factory=VhacdParams)
