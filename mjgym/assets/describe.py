"""An asset in words, for `debug_print_asset`."""

from __future__ import annotations

from mjgym.assets.asset import Asset


def describe_asset(asset: Asset) -> str:
    """Return the bodies, joints, DOFs and shapes of an asset, a line each."""
    masses = [properties.mass for properties in asset.body_properties()]
    shapes = asset.body_shape_indices()
    base = "fixed" if asset.fixed_base else "free"
    lines = [f"Asset {asset.name!r}: {base} base, {len(asset.shape_geoms)} shapes"]
    lines += [f"{asset.num_bodies} bodies:"]
    for index, (name, mass, (_, count)) in enumerate(zip(asset.body_names, masses, shapes, strict=True)):
        lines += [f"  {index}: {name!r}, mass {mass:.6g} kg, {count} shapes"]
    lines += [f"{len(asset.joint_names)} joints:"]
    lines += [f"  {index}: {name!r}" for index, name in enumerate(asset.joint_names)]
    lines += [f"{asset.num_dofs} DOFs:"]
    for index, (name, row) in enumerate(zip(asset.dof_names, asset.dof_properties, strict=True)):
        limits = f"limits {row['lower']:.6g} to {row['upper']:.6g}" if row["hasLimits"] else "no limits"
        kind = asset.dof_type(index).name.removeprefix("DOF_").lower()
        lines += [
            f"  {index}: {name!r}, {kind}, {limits}, stiffness {row['stiffness']:.6g}, "
            f"damping {row['damping']:.6g}, effort {row['effort']:.6g}"
        ]
    return "\n".join(lines)
