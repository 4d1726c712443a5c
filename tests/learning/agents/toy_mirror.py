"""A mirror symmetry of the toy environment: the directions of its lines change places."""

from learning.agents.symmetry import with_mirrored

ACTIONS = [0, 1], [-1.0, -1.0]
OBS = [0, 1, 2, 3], [-1.0] * 4


def mirrored(env, obs, actions):
    """Turn every line around, as tasks with a left and a right side do."""
    return with_mirrored(obs, *OBS), with_mirrored(actions, *ACTIONS)


def seen_by_env(env, obs, actions):
    """Mirror, and leave word with the environment."""
    env.times_mirrored = getattr(env, "times_mirrored", 0) + 1
    return mirrored(env, obs, actions)


def three_images(env, obs, actions):
    """Return every sample three times over: a symmetry of three."""
    repeat = lambda x: None if x is None else x.repeat(3, 1)  # noqa: E731
    return repeat(obs), repeat(actions)


def images_first(env, obs, actions):
    """Return the images before what was given, which is wrong."""
    obs, actions = mirrored(env, obs, actions)
    return obs.flip(0), actions.flip(0)


def nothing_new(env, obs, actions):
    """Return what was given, which is wrong."""
    return obs, actions


def too_few(env, obs, actions):
    """Return images of actions alone, which is wrong."""
    return obs, mirrored(env, None, actions)[1]


NUMBER = 3
