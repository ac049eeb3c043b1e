"""Blocks: typed fields and one get. `lab` builds this process' tools once; tasks fetch them here."""

from functools import cache

from swatchbook.lab import Lab
from swatchbook.settings import load_settings


@cache
def lab() -> Lab:
    """The tools of this process, from its settings. Fetched inside tasks, never passed as a parameter."""
    return Lab(load_settings())
