"""Enumerations of `gymapi`; their members are also constants of the module (`gymapi.DOF_MODE_POS`)."""

from __future__ import annotations

import enum

from mjgym.partly import partly


@partly("accepted: MuJoCo simulates whichever is named")
class SimType(enum.IntEnum):
    """Physics back-end a script asks for. mjgym simulates with MuJoCo whichever is named."""

    SIM_PHYSX = 0
    SIM_FLEX = 1


@partly("kept: gravity and the ground's normal say what is up, and the environments' grid lies in x and y")
class UpAxis(enum.IntEnum):
    """The axis that points up."""

    UP_AXIS_Y = 0
    UP_AXIS_Z = 1


class DofDriveMode(enum.IntEnum):
    """What a DOF obeys: nothing, position targets, velocity targets, or efforts."""

    DOF_MODE_NONE = 0
    DOF_MODE_POS = 1
    DOF_MODE_VEL = 2
    DOF_MODE_EFFORT = 4

    @classmethod
    def _missing_(cls, value: object) -> DofDriveMode | None:
        # Third-party configurations (legged_gym among them) write 3 for effort, and Isaac Gym runs them.
        return cls.DOF_MODE_EFFORT if value == 3 else None


class DofType(enum.IntEnum):
    """Whether a DOF turns or slides."""

    DOF_INVALID = -1
    DOF_ROTATION = 0
    DOF_TRANSLATION = 1


@partly("`get_asset_joint_type` names fixed, revolute and prismatic joints alone")
class JointType(enum.IntEnum):
    """Kinds of joints between two bodies."""

    JOINT_INVALID = -1
    JOINT_FIXED = 0
    JOINT_REVOLUTE = 1
    JOINT_PRISMATIC = 2
    JOINT_BALL = 3
    JOINT_PLANAR = 4
    JOINT_FLOATING = 5


class IndexDomain(enum.IntEnum):
    """What an index counts within: an actor, an environment, or the whole simulation."""

    DOMAIN_ACTOR = 0
    DOMAIN_ENV = 1
    DOMAIN_SIM = 2


class CoordinateSpace(enum.IntEnum):
    """Frame of a force or position: the environment's axes, the body's own, or the world's."""

    ENV_SPACE = 0
    LOCAL_SPACE = 1
    GLOBAL_SPACE = 2


@partly("kept: `set_rigid_body_color` paints all shapes of a body")
class MeshType(enum.IntFlag):
    """Which meshes of a body a call concerns."""

    MESH_NONE = 0
    MESH_COLLISION = 1
    MESH_VISUAL = 2
    MESH_VISUAL_AND_COLLISION = 3


@partly("kept: normals are MuJoCo's")
class MeshNormalMode(enum.IntEnum):
    """Where the normals of a mesh come from."""

    FROM_ASSET = 0
    COMPUTE_PER_VERTEX = 1
    COMPUTE_PER_FACE = 2


@partly("kept: contact forces are those of the last substep")
class ContactCollection(enum.IntEnum):
    """Substeps of a step whose contacts are reported."""

    CC_NEVER = 0
    CC_LAST_SUBSTEP = 1
    CC_ALL_SUBSTEPS = 2


@partly("IMAGE_OPTICAL_FLOW is not drawn")
class ImageType(enum.IntEnum):
    """Images a camera sensor makes."""

    IMAGE_COLOR = 0
    IMAGE_DEPTH = 1
    IMAGE_SEGMENTATION = 2
    IMAGE_OPTICAL_FLOW = 3


class CameraFollowMode(enum.IntEnum):
    """Whether a camera fixed to a body follows its position alone or its rotation too."""

    FOLLOW_POSITION = 0
    FOLLOW_TRANSFORM = 1


class TendonType(enum.IntEnum):
    """Kinds of tendons."""

    TENDON_FIXED = 0
    TENDON_SPATIAL = 1


class TensorDataType(enum.IntEnum):
    """Element types of `gymapi.Tensor`."""

    DTYPE_FLOAT32 = 0
    DTYPE_UINT32 = 1
    DTYPE_UINT64 = 2
    DTYPE_UINT8 = 3
    DTYPE_INT16 = 4


ENUMS = (
    SimType, UpAxis, DofDriveMode, DofType, JointType, IndexDomain, CoordinateSpace, MeshType, MeshNormalMode,
    ContactCollection, ImageType, CameraFollowMode, TendonType, TensorDataType,
)  # fmt: skip
