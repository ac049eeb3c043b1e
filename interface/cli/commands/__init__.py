"""The commands: their arguments, options and help, in a file for each panel of `--help`, and one for each command that
has commands of its own. `main.py` beside this folder registers them.

A function here imports its modules when it runs: --help stays fast, commands that only read never import Prefect, and
torch is imported only when a model runs.
"""
