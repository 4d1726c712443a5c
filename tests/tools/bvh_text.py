"""BVH text of our own character: y up, looking along z, with any names, unit and order of channels."""

import numpy as np
from scipy.spatial.transform import Rotation

BVH_FROM_OURS = Rotation.from_matrix([[0, 1, 0], [0, 0, 1], [1, 0, 0]])  # x forward, y left, z up -> z, x, y
NAMES = {
    "pelvis": "Hips", "torso": "Spine", "head": "Head",
    "right_upper_arm": "RightArm", "right_lower_arm": "RightForeArm", "right_hand": "RightHand",
    "left_upper_arm": "LeftArm", "left_lower_arm": "LeftForeArm", "left_hand": "LeftHand",
    "right_thigh": "RightUpLeg", "right_shin": "RightLeg", "right_foot": "RightFoot",
    "left_thigh": "LeftUpLeg", "left_shin": "LeftLeg", "left_foot": "LeftFoot",
}  # fmt: skip


def bvh_text(character, root_pos, local_rot, fps=30.0, unit=0.01, order="ZXY", names=None, axes=None):
    """A BVH file of poses (T, 3) and (T, B, 4).

    `axes` are rotations of the joints' own axes (B): with them the rest pose is no longer a standing one.
    """
    names = names or NAMES
    axes = axes or [Rotation.identity()] * character.num_bodies
    turn = BVH_FROM_OURS
    local = [
        turn * Rotation.from_quat(local_rot[:, body]) * turn.inv() for body in range(character.num_bodies)
    ]
    offsets = turn.apply(character.offsets.numpy()) / unit
    for body, parent in enumerate(character.parents):
        above = axes[parent] if parent >= 0 else Rotation.identity()
        offsets[body] = above.inv().apply(offsets[body])
        local[body] = above.inv() * local[body] * axes[body]
    columns = [turn.apply(root_pos) / unit]
    columns += [rotation.as_euler(order, degrees=True) for rotation in local]
    rows = np.concatenate(columns, axis=1)
    lines = ["HIERARCHY", *_joint(character, 0, offsets, order, names, "ROOT")]
    lines += ["MOTION", f"Frames: {len(rows)}", f"Frame Time: {1.0 / fps:.7f}"]
    return "\n".join(lines + [" ".join(f"{number:.6f}" for number in row) for row in rows]) + "\n"


def _joint(character, body, offsets, order, names, keyword):
    rotations = " ".join(f"{axis}rotation" for axis in order)
    channels = f"6 Xposition Yposition Zposition {rotations}" if body == 0 else f"3 {rotations}"
    lines = [
        f"{keyword} {names[character.body_names[body]]}",
        "{",
        "OFFSET " + " ".join(f"{part:.6f}" for part in offsets[body]),
        f"CHANNELS {channels}",
    ]
    children = [child for child, parent in enumerate(character.parents) if parent == body]
    for child in children:
        lines += _joint(character, child, offsets, order, names, "JOINT")
    if not children:
        lines += ["End Site", "{", "OFFSET 0 1 0", "}"]
    return [*lines, "}"]
