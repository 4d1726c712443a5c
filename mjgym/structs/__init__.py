"""The plain data of `gymapi`: vectors and poses, parameter and property classes, enumerations, constants.

Everything here works without a simulation and without MuJoCo. `gymapi` re-exports these names, and
`ALL_CONSTANTS` one by one.
"""

from mjgym.structs.assets import (
    AssetOptions,
    VhacdParams,
)
from mjgym.structs.base import (
    Struct,
)
from mjgym.structs.constants import (
    ALL_CONSTANTS,
    INVALID_HANDLE,
)
from mjgym.structs.enums import (
    CameraFollowMode,
    ContactCollection,
    CoordinateSpace,
    DofDriveMode,
    DofType,
    ImageType,
    IndexDomain,
    JointType,
    MeshNormalMode,
    MeshType,
    SimType,
    TendonType,
    TensorDataType,
    UpAxis,
)
from mjgym.structs.geometry import (
    QUAT_DTYPE,
    TRANSFORM_DTYPE,
    VEC3_DTYPE,
    VELOCITY_DTYPE,
    Mat33,
    Quat,
    SpatialForce,
    Transform,
    Vec3,
    Velocity,
)
from mjgym.structs.keys import (
    KeyboardInput,
    MouseInput,
)
from mjgym.structs.params import (
    ActionEvent,
    CameraProperties,
    FlexParams,
    HeightFieldParams,
    PhysXParams,
    PlaneParams,
    SimParams,
    TriangleMeshParams,
    Version,
)
from mjgym.structs.properties import (
    DOF_PROPERTIES_DTYPE,
    DOF_STATE_DTYPE,
    RIGID_BODY_STATE_DTYPE,
    ActuatorProperties,
    AttractorProperties,
    DofState,
    ForceSensorProperties,
    RigidBodyProperties,
    RigidBodyState,
    RigidShapeProperties,
    TendonProperties,
)

__all__ = [
    "ALL_CONSTANTS",
    "ActionEvent",
    "ActuatorProperties",
    "AssetOptions",
    "AttractorProperties",
    "CameraFollowMode",
    "CameraProperties",
    "ContactCollection",
    "CoordinateSpace",
    "DOF_PROPERTIES_DTYPE",
    "DOF_STATE_DTYPE",
    "DofDriveMode",
    "DofState",
    "DofType",
    "FlexParams",
    "ForceSensorProperties",
    "HeightFieldParams",
    "INVALID_HANDLE",
    "ImageType",
    "IndexDomain",
    "JointType",
    "KeyboardInput",
    "Mat33",
    "MeshNormalMode",
    "MeshType",
    "MouseInput",
    "PhysXParams",
    "PlaneParams",
    "QUAT_DTYPE",
    "Quat",
    "RIGID_BODY_STATE_DTYPE",
    "RigidBodyProperties",
    "RigidBodyState",
    "RigidShapeProperties",
    "SimParams",
    "SimType",
    "SpatialForce",
    "Struct",
    "TRANSFORM_DTYPE",
    "TendonProperties",
    "TendonType",
    "TensorDataType",
    "Transform",
    "TriangleMeshParams",
    "UpAxis",
    "VEC3_DTYPE",
    "VELOCITY_DTYPE",
    "Vec3",
    "Velocity",
    "Version",
    "VhacdParams",
]
