"""The command line: `main.py` lists all commands, `commands/` has them, the other files do and print their work."""
