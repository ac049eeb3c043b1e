"""Processes and memory: child processes, batch sizes, free memory, error reports."""
