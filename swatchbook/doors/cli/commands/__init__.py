"""The commands: arguments, options, help, and what each does and prints. A file lists its commands by panel of `--help`
as COMMANDS, which `main.py` registers.

A function here imports modules of the domain when it runs: --help stays fast, commands that only read never import
Prefect, and torch is imported only when a model runs.
"""
