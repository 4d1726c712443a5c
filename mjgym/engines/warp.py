"""The MuJoCo Warp engine: environments as rows of float32 arrays on a CUDA device, or on Warp's CPU device.

Warp's arrays and the tensors handed out are the same memory. Kernels, and the CUDA graph they are captured
into, hold addresses: so everything is written in place, and a graph is dropped when an array is replaced.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import mujoco
import mujoco_warp as mjw
import numpy as np
import torch
import warp as wp

from mjgym.engines.interface import DERIVED_FIELDS, STATE_FIELDS, Engine

_SENSORS_OFF: Final = int(mujoco.mjtDisableBit.mjDSBL_SENSOR)
_TOO_LARGE: Final = float(mujoco.mjMAXVAL)
_PLACES: Final = ("mocap_pos", "mocap_quat")
"""State that no step changes: where fixed bases and terrain stand. A diverged environment keeps it."""
_SET_CONST_OUTPUTS: Final = (
    "body_subtreemass",
    "body_invweight0",
    "dof_invweight0",
    "tendon_length0",
    "tendon_invweight0",
    "actuator_acc0",
    "geom_aabb",
    "geom_rbound",
)


class WarpEngine(Engine):
    """Simulations as rows of arrays that Warp kernels step.

    The number of contacts and constraints an environment can have is fixed when it is built, by MuJoCo Warp's
    estimate for the model; Warp warns when there are more.

    Args:
        model: what every environment simulates; it is copied.
        num_envs: number of simulations.
        device: "cpu" or "cuda:<index>".

    Raises:
        ValueError: if Warp finds no such device.
    """

    def __init__(self, model: mujoco.MjModel, num_envs: int, device: str = "cpu") -> None:
        self.model = copy.copy(model)
        self.model.opt.disableflags |= _SENSORS_OFF
        self.num_envs = num_envs
        self.dtype = torch.float32
        self._wp_device = _find_device(device)
        self.device = torch.device(wp.device_to_torch(self._wp_device))
        with self._on_torch_stream():
            self._m = mjw.put_model(self.model)
            self._d = mjw.make_data(self.model, nworld=num_envs)
        self._state = {name: wp.to_torch(getattr(self._d, name)) for name in STATE_FIELDS}
        self._write_initial_state()
        self._initial = {name: tensor.clone() for name, tensor in self._state.items()}
        self._derived: dict[str, torch.Tensor] = {}
        self._model_fields: dict[str, torch.Tensor] = {}
        self._shared_fields: dict[str, torch.Tensor] = {}
        self._warnings = torch.zeros(num_envs, dtype=torch.int64, device=self.device)
        self._substeps = _Substeps(self._m, self._d, self._wp_device)

    def _write_initial_state(self) -> None:
        """Start every environment as `mj_resetData` does."""
        data = mujoco.MjData(self.model)
        for name, tensor in self._state.items():
            tensor.copy_(torch.as_tensor(getattr(data, name), dtype=self.dtype, device=self.device))

    def state(self, name: str) -> torch.Tensor:
        """Return the live tensor of a state field, (N, ...) float32."""
        if name not in STATE_FIELDS:
            raise ValueError(f"{name!r} is not one of {', '.join(STATE_FIELDS)}")
        return self._state[name]

    def derived(self, name: str) -> torch.Tensor:
        """Return the live tensor of a derived field, (N, ...) float32."""
        if name not in DERIVED_FIELDS:
            raise ValueError(f"{name!r} is not one of {', '.join(DERIVED_FIELDS)}")
        if name not in self._derived:
            self._derived[name] = wp.to_torch(getattr(self._d, name))
        return self._derived[name]

    def step(self, num_substeps: int, current: bool) -> None:
        """Advance all environments; see :meth:`Engine.step`.

        MuJoCo Warp lets a diverged environment be. As in MuJoCo, it is put back to its initial state here and
        counted, after the last substep.
        """
        self._check_shared_fields()
        with self._on_torch_stream():
            limits, parts = self.speed_limits, self._num_parts(num_substeps)
            for _ in range(parts):
                self._substeps.run(num_substeps // parts)
                if limits is not None:
                    limits.clamp(self._state["qpos"], self._state["qvel"])
            self._reset_diverged()
            if current:
                mjw.fwd_kinematics(self._m, self._d)
                mjw.com_vel(self._m, self._d)
                if "M" in self._derived:
                    mjw.crb(self._m, self._d)

    def _reset_diverged(self) -> None:
        """Put environments with a state that is not finite, or huge, back to their start, with no branch."""
        moving = torch.cat((self._state["qpos"], self._state["qvel"]), dim=1)
        bad = ~(moving.abs() <= _TOO_LARGE).all(dim=1)  # a comparison with NaN is false
        self._warnings += bad
        for name, tensor in self._state.items():
            if name in _PLACES:
                continue
            rows = bad.view(-1, *[1] * (tensor.dim() - 1))
            tensor.copy_(torch.where(rows, self._initial[name], tensor))

    def forward(self, env_ids: torch.Tensor | None) -> None:
        """Compute derived fields without moving time; see :meth:`Engine.forward`."""
        self._check_shared_fields()
        kept = {} if env_ids is None else {name: tensor.clone() for name, tensor in self._derived.items()}
        with self._on_torch_stream():
            mjw.forward(self._m, self._d)
            if env_ids is not None:
                listed = torch.zeros(self.num_envs, dtype=torch.bool, device=self.device)
                listed[env_ids] = True
                for name, before in kept.items():
                    rows = listed.view(-1, *[1] * (before.dim() - 1))
                    self._derived[name].copy_(torch.where(rows, self._derived[name], before))

    def enable_contact_forces(self) -> None:
        """Compute ``CONTACT_FIELDS`` from the next call on."""
        if not self._m.opt.run_rne_postconstraint:
            self._m.opt.run_rne_postconstraint = True
            self._substeps.forget_graphs()

    def model_field(self, name: str) -> torch.Tensor:
        """Return per-environment values of a model field; see :meth:`Engine.model_field`.

        Some fields cannot differ between environments in MuJoCo Warp (`jnt_limited`, `body_simple`…). For
        them this is a copy in which nothing may be changed: the next step or forward refuses a change.

        Raises:
            ValueError: if MuJoCo has no such field.
        """
        if name not in self._model_fields:
            owner, field = (self._m.opt, name[4:]) if name.startswith("opt.") else (self._m, name)
            if not _is_batched(owner, field):
                return self._shared_field(name)
            shared = getattr(owner, field)
            tensor = wp.to_torch(shared)
            tensor = tensor.expand(self.num_envs, *tensor.shape[1:]).clone()
            setattr(owner, field, wp.from_torch(tensor, dtype=shared.dtype))
            self._model_fields[name] = tensor
            self._substeps.forget_graphs()
        return self._model_fields[name]

    def own_fields(self) -> dict[str, torch.Tensor]:
        """Return the model fields of which each environment has its own values, (N, ...) each."""
        return dict(self._model_fields)

    def _shared_field(self, name: str) -> torch.Tensor:
        if name in self._shared_fields:
            return self._shared_fields[name]
        values = torch.as_tensor(np.asarray(_model_value(self.model, name)))
        tensor = values.to(self.device).repeat(self.num_envs, *[1] * values.dim())
        self._shared_fields[name] = tensor
        return tensor

    def _check_shared_fields(self) -> None:
        """Refuse changes of fields that all environments share; looks only at fields asked for since."""
        for name, tensor in self._shared_fields.items():
            values = torch.as_tensor(np.asarray(_model_value(self.model, name)), device=self.device)
            if not bool((tensor == values).all()):
                raise NotImplementedError(
                    f"engine 'mujoco_warp': {name} was changed after prepare_sim, but MuJoCo Warp fixes it "
                    "when the model is compiled; set it before prepare_sim, or use engine 'mujoco'"
                )
        self._shared_fields.clear()

    def set_const(self, env_ids: torch.Tensor | None = None) -> None:
        """Derive the constants that depend on masses, inertias and poses, in all environments."""
        for name in _SET_CONST_OUTPUTS:
            if getattr(self._m, name).size:
                self.model_field(name)
        with self._on_torch_stream():
            mjw.set_const(self._m, self._d)

    def warning_counts(self) -> torch.Tensor:
        """Return how often each environment diverged and was reset, (N,) int64."""
        return self._warnings.clone()

    def save_state(self) -> dict[str, torch.Tensor]:
        """Return a copy of the state and of the derived fields that tensors show, on the CPU."""
        shown = self._state | self._derived | {"warnings": self._warnings}
        return {name: tensor.detach().to("cpu", copy=True) for name, tensor in shown.items()}

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        """Put a saved state back; see :meth:`Engine.load_state`."""
        for name, tensor in self._state.items():
            if name not in state or state[name].shape != tensor.shape:
                found = tuple(state[name].shape) if name in state else "missing"
                raise ValueError(
                    f"the saved state's {name} is {found}, this simulation's {tuple(tensor.shape)}; load it "
                    "into a simulation of the same model, number of environments and engine"
                )
        for name, value in state.items():
            if name in STATE_FIELDS:
                self._state[name].copy_(value)
            elif name in DERIVED_FIELDS:
                self.derived(name).copy_(value)
        self._warnings.copy_(state["warnings"])

    def env_model_data(self, env: int) -> tuple[mujoco.MjModel, mujoco.MjData]:
        """Return one environment's model and data to draw or to inspect."""
        model = copy.copy(self.model)
        for name, tensor in self._model_fields.items():
            _set_model_value(model, name, tensor[env].cpu().numpy())
        data = mujoco.MjData(model)
        for name, tensor in self._state.items():
            if name == "time":
                data.time = float(tensor[env])
            else:
                getattr(data, name)[:] = tensor[env].cpu().numpy()
        mujoco.mj_forward(model, data)
        return model, data

    def close(self) -> None:
        """Free the simulations and their graphs."""
        self._substeps.forget_graphs()
        for tensors in (self._state, self._initial, self._derived, self._model_fields, self._shared_fields):
            tensors.clear()
        del self._m, self._d, self._substeps

    @contextmanager
    def _on_torch_stream(self) -> Iterator[None]:
        """Launch Warp's kernels where torch's are, so that the two keep their order without waiting."""
        if not self._wp_device.is_cuda:
            with wp.ScopedDevice(self._wp_device):
                yield
            return
        stream = wp.stream_from_torch(torch.cuda.current_stream(self.device))
        with wp.ScopedStream(stream):
            yield


class _Substeps:
    """Runs physics steps: kernel by kernel on the CPU, as one captured graph on a GPU.

    A graph is captured at the second call of a number of substeps: the first loads the kernels, which must
    not happen during a capture.
    """

    def __init__(self, model: mjw.Model, data: mjw.Data, device: wp.Device) -> None:
        self._model, self._data, self._device = model, data, device
        self._graphs: dict[int, wp.Graph | None] = {}

    def run(self, num_substeps: int) -> None:
        """Advance by a number of steps."""
        if not self._device.is_cuda:
            self._launch(num_substeps)
        elif num_substeps not in self._graphs:
            self._launch(num_substeps)
            self._graphs[num_substeps] = None
        else:
            graph = self._graphs[num_substeps] or self._capture(num_substeps)
            self._graphs[num_substeps] = graph
            wp.capture_launch(graph)

    def forget_graphs(self) -> None:
        """Drop captured graphs, because an array or an option they hold was replaced."""
        self._graphs.clear()

    def _launch(self, num_substeps: int) -> None:
        for _ in range(num_substeps):
            mjw.step(self._model, self._data)

    def _capture(self, num_substeps: int) -> wp.Graph:
        # torch's default stream cannot be captured, so a stream of our own records; nothing runs meanwhile.
        wp.synchronize_device(self._device)
        with wp.ScopedStream(wp.Stream(self._device)), wp.ScopedCapture(self._device) as capture:
            self._launch(num_substeps)
        return capture.graph


def _find_device(device: str) -> wp.Device:
    # Warp reports every kernel it loads on stdout, where scripts and benchmarks print their results.
    wp.config.log_level = max(wp.config.log_level, wp.LOG_WARNING)
    wp.init()
    try:
        return wp.get_device(device)
    except (RuntimeError, ValueError) as error:
        names = ", ".join(found.alias for found in wp.get_devices())
        raise ValueError(f"engine 'mujoco_warp': no device {device!r} here; there is {names}") from error


def _is_batched(owner: mjw.Model | mjw.Option, field: str) -> bool:
    """Whether each environment may have its own values of a field of Warp's model."""
    spec = type(owner).__annotations__.get(field)
    return getattr(spec, "shape", (None,))[0] == "*" if spec is not None else False


def _model_value(model: mujoco.MjModel, name: str) -> np.ndarray:
    owner, field = (model.opt, name[4:]) if name.startswith("opt.") else (model, name)
    if not hasattr(owner, field):
        raise ValueError(f"MjModel has no field {name!r}")
    return getattr(owner, field)


def _set_model_value(model: mujoco.MjModel, name: str, values: np.ndarray) -> None:
    owner, field = (model.opt, name[4:]) if name.startswith("opt.") else (model, name)
    current = getattr(owner, field, None)
    if isinstance(current, np.ndarray):
        current[:] = values.reshape(current.shape)
    elif current is not None:
        setattr(owner, field, values.item())
