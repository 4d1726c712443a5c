"""How it is learned. Each folder's docstring says what belongs there.

Beside the folders: `Runner` (torch_runner.py), what an environment must offer (vecenv.py), and what every
folder uses: registries, typed configuration, and what the workers of a run tell each other.
"""
