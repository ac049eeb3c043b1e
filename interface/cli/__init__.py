"""The command line: `main.py` lists all commands, `commands/` has them, the other files are what they do and print."""
