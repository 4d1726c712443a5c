"""Calls that ask about tendons and change them."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from mjgym.assets import Asset
from mjgym.gym.checks import actor_of, asset_of, item_of
from mjgym.scene import Env
from mjgym.structs import INVALID_HANDLE, TendonProperties
from mjgym.tendons import Tendon, with_coefficients, with_offset, with_properties


class TendonCalls:
    """Tendons of assets and actors, in the file's order."""

    # ---- assets

    def get_asset_tendon_count(self, asset: Asset) -> int:
        """Return the number of tendons."""
        return len(asset_of(asset, "get_asset_tendon_count").tendons)

    def get_asset_tendon_name(self, asset: Asset, index: int) -> str:
        """Return a tendon's name."""
        return _tendon(asset_of(asset, "get_asset_tendon_name").tendons, index, "get_asset_tendon_name").name

    def find_asset_tendon_index(self, asset: Asset, name: str) -> int:
        """Return the index of the tendon called ``name``, or -1."""
        return _find([tendon.name for tendon in asset_of(asset, "find_asset_tendon_index").tendons], name)

    def get_asset_tendon_properties(self, asset: Asset) -> list[TendonProperties]:
        """Return copies of the tendons' properties."""
        return _properties(asset_of(asset, "get_asset_tendon_properties").tendons)

    def set_asset_tendon_properties(self, asset: Asset, props: Sequence[TendonProperties]) -> bool:
        """Replace the tendons' properties, for actors made of the asset and not given others.

        Raises:
            ValueError: if their number is wrong or a value is out of range.
        """
        call = "set_asset_tendon_properties"
        asset.tendons = with_properties(asset_of(asset, call).tendons, props, call)
        return True

    def get_asset_fixed_tendon_joint_name(self, asset: Asset, tendon_index: int, joint_index: int) -> str:
        """Return the name of a fixed tendon's joint."""
        call = "get_asset_fixed_tendon_joint_name"
        joints = _tendon(asset_of(asset, call).tendons, tendon_index, call).joints
        return joints[item_of(joints, joint_index, "joint", call)]

    def get_asset_fixed_tendon_joint_coefficients(self, asset: Asset, tendon_index: int) -> list[float]:
        """Return the coefficients of a fixed tendon's joints."""
        call = "get_asset_fixed_tendon_joint_coefficients"
        return list(_tendon(asset_of(asset, call).tendons, tendon_index, call).coefficients)

    def set_asset_fixed_tendon_joint_coefficients(
        self, asset: Asset, tendon_index: int, coefficients: Sequence[float]
    ) -> bool:
        """Replace the coefficients of a fixed tendon's joints, for actors made of the asset.

        Raises:
            ValueError: if their number is wrong, or all of them are 0.
        """
        call = "set_asset_fixed_tendon_joint_coefficients"
        _tendon(asset_of(asset, call).tendons, tendon_index, call)
        asset.tendons = with_coefficients(asset.tendons, tendon_index, coefficients, call)
        return True

    # ---- actors

    def get_actor_tendon_count(self, env: Env, actor_handle: int) -> int:
        """Return the number of an actor's tendons."""
        return len(_tendons(env, actor_handle, "get_actor_tendon_count"))

    def get_actor_tendon_name(self, env: Env, actor_handle: int, index: int) -> str:
        """Return the name of an actor's tendon."""
        call = "get_actor_tendon_name"
        return _tendon(_tendons(env, actor_handle, call), index, call).name

    def find_actor_tendon_index(self, env: Env, actor_handle: int, name: str) -> int:
        """Return the index of an actor's tendon called ``name``, or -1."""
        tendons = _tendons(env, actor_handle, "find_actor_tendon_index")
        return _find([tendon.name for tendon in tendons], name)

    def get_actor_tendon_properties(self, env: Env, actor_handle: int) -> list[TendonProperties]:
        """Return copies of the properties of an actor's tendons."""
        return _properties(_tendons(env, actor_handle, "get_actor_tendon_properties"))

    def set_actor_tendon_properties(
        self, env: Env, actor_handle: int, props: Sequence[TendonProperties]
    ) -> bool:
        """Set the properties of an actor's tendons; after ``prepare_sim``, too, in its environment alone.

        Raises:
            ValueError: if their number is wrong or a value is out of range.
        """
        call = "set_actor_tendon_properties"
        return _set(env, actor_handle, with_properties(_tendons(env, actor_handle, call), props, call))

    def get_actor_tendon_offset(self, env: Env, actor_handle: int, tendon_index: int) -> float:
        """Return what is added to the length of an actor's tendon."""
        call = "get_actor_tendon_offset"
        return _tendon(_tendons(env, actor_handle, call), tendon_index, call).offset

    def set_actor_tendon_offset(self, env: Env, actor_handle: int, tendon_index: int, offset: float) -> bool:
        """Set what is added to the length of an actor's tendon, before spring and limits see it.

        Raises:
            ValueError: if it is not finite.
        """
        call = "set_actor_tendon_offset"
        tendons = _tendons(env, actor_handle, call)
        _tendon(tendons, tendon_index, call)
        return _set(env, actor_handle, with_offset(tendons, tendon_index, offset, call))

    def get_actor_fixed_tendon_joint_name(
        self, env: Env, actor_handle: int, tendon_index: int, joint_index: int
    ) -> str:
        """Return the name of the joint of an actor's fixed tendon."""
        call = "get_actor_fixed_tendon_joint_name"
        joints = _tendon(_tendons(env, actor_handle, call), tendon_index, call).joints
        return joints[item_of(joints, joint_index, "joint", call)]

    def find_actor_fixed_tendon_joint_index(
        self, env: Env, actor_handle: int, tendon_index: int, name: str
    ) -> int:
        """Return the index of the joint called ``name`` among those of an actor's fixed tendon, or -1."""
        call = "find_actor_fixed_tendon_joint_index"
        return _find(_tendon(_tendons(env, actor_handle, call), tendon_index, call).joints, name)

    def get_actor_fixed_tendon_joint_coefficients(
        self, env: Env, actor_handle: int, tendon_index: int
    ) -> list[float]:
        """Return the coefficients of the joints of an actor's fixed tendon."""
        call = "get_actor_fixed_tendon_joint_coefficients"
        return list(_tendon(_tendons(env, actor_handle, call), tendon_index, call).coefficients)

    def set_actor_fixed_tendon_joint_coefficients(
        self, env: Env, actor_handle: int, tendon_index: int, coefficients: Sequence[float]
    ) -> bool:
        """Set the coefficients of the joints of an actor's fixed tendon, in its environment alone.

        Raises:
            ValueError: if their number is wrong, or all of them are 0.
        """
        call = "set_actor_fixed_tendon_joint_coefficients"
        tendons = _tendons(env, actor_handle, call)
        _tendon(tendons, tendon_index, call)
        return _set(env, actor_handle, with_coefficients(tendons, tendon_index, coefficients, call))


def _tendons(env: Env, actor_handle: int, call: str) -> list[Tendon]:
    actor = actor_of(env, actor_handle, call)
    return actor.asset.tendons if actor.tendons is None else actor.tendons


def _tendon(tendons: list[Tendon], index: int, call: str) -> Tendon:
    return tendons[item_of(tendons, index, "tendon", call)]


def _find(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else INVALID_HANDLE


def _properties(tendons: list[Tendon]) -> list[TendonProperties]:
    return [copy.deepcopy(tendon.properties) for tendon in tendons]


def _set(env: Env, actor_handle: int, tendons: list[Tendon]) -> bool:
    env.actors[actor_handle].tendons = tendons
    if env.sim.running is not None:
        env.sim.running.update_actor(env, actor_handle)
    return True
