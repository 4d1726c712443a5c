"""Tasks are written against `isaacgym`; here it is mjgym."""

import mjgym

mjgym.install(engine="mujoco")
