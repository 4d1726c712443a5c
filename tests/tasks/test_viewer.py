"""Watching a task, with a stand-in for MuJoCo's viewer: when it draws, what keys do, how it ends."""

import os
import signal
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from isaacgym import gymtorch

import tasks
from tasks.base import viewer
from tests.tasks.task_configs import task_config

V, ESCAPE, ENTER = 86, 256, 257  # GLFW's codes


def create(cfg, **options):
    return tasks.create("Ant", cfg, sim_device="cpu", rl_device="cpu", **options)


@pytest.fixture
def watch(opened, clock, monkeypatch):
    """Build Ant with a window; return it, a function that makes a step, and the interrupts so far."""
    made, interrupts = [], []
    monkeypatch.setattr(viewer, "interrupt", lambda: interrupts.append(1))

    def build(test=False, **env):
        cfg = {**task_config("Ant", **env), "test": test}
        task = create(cfg, headless=False)
        made.append(task)

        def step():
            clock.now += 0.05
            task.step(torch.zeros(2, 8))
            return len(opened[0].pictures)

        return SimpleNamespace(task=task, step=step, interrupts=interrupts)

    yield build
    for task in made:
        task.close()


def test_steps_are_drawn_and_v_stops_and_resumes_drawing(watch, opened):
    step = watch().step
    assert [step(), step()] == [1, 2]
    opened[0].press(V)
    assert [step(), step()] == [2, 2]
    opened[0].press(V)
    assert step() == 3


@pytest.mark.parametrize("close", [lambda viewer: viewer.press(ESCAPE), lambda viewer: viewer.close()])
def test_escape_and_closing_end_the_run_once_and_the_epoch_can_be_ended(watch, opened, close):
    watched = watch()
    watched.step()
    close(opened[0])
    assert [watched.step(), watched.step()] == [1, 1]
    assert watched.interrupts == [1] and not opened[0].running


def test_the_camera_follows_the_first_robot_until_enter_is_pressed(watch, opened):
    watched = watch()
    watched.step()
    root, cam = watched.task.root_states[0], opened[0].cam
    np.testing.assert_allclose(cam.lookat[:2], root[:2], atol=1e-6)
    root[0:3] = torch.tensor([7.0, -2.0, 3.0])
    roots = gymtorch.unwrap_tensor(watched.task.root_states)
    watched.task.gym.set_actor_root_state_tensor(watched.task.sim, roots)
    opened[0].press(ENTER)
    before = cam.lookat.copy()
    watched.step()
    np.testing.assert_allclose(cam.lookat, before)
    opened[0].press(ENTER)
    watched.step()
    np.testing.assert_allclose(cam.lookat[:2], watched.task.root_states[0, :2], atol=1e-6)
    assert abs(cam.lookat[0] - 7.0) < 0.5 and cam.lookat[2] == pytest.approx(before[2])


def test_the_camera_stands_still_if_it_is_told_to(watch, opened):
    watched = watch(cameraFollow=False)
    watched.step()
    watched.task.root_states[:, 0] = 7.0
    watched.task.viewer.render()
    assert abs(opened[0].cam.lookat[0]) < 0.5


@pytest.mark.parametrize(("test", "waits"), [(True, True), (False, False)])
def test_a_play_runs_in_real_time_and_a_training_as_fast_as_it_can(watch, clock, test, waits):
    task = watch(test=test).task
    for _ in range(5):
        task.step(torch.zeros(2, 8))
    assert sum(clock.slept) == pytest.approx(4 * 0.0166 if waits else 0.0)


def test_headless_tasks_open_nothing(opened):
    task = create(task_config("Ant"))
    task.step(torch.zeros(2, 8))
    assert opened == []
    task.close()


def test_without_a_display_everything_goes_on(monkeypatch):
    task = create(task_config("Ant"), headless=False)
    task.step(torch.zeros(2, 8))
    task.close()


def test_a_run_in_one_process_is_interrupted_as_by_ctrl_c():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            viewer.interrupt()
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_worker_has_its_parent_interrupted_which_tells_all_workers(monkeypatch):
    sent = []
    monkeypatch.setattr(viewer.multiprocessing, "parent_process", lambda: SimpleNamespace(pid=1234))
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    viewer.interrupt()
    assert sent == [(1234, signal.SIGINT)]
