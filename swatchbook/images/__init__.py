"""Decode pictures in child processes, prepare them for models, and compute descriptors."""
