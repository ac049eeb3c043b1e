"""Turn product catalogues into one searchable collection.

Its packages are the domain, plain Python without Prefect or a web framework, but for `scheduler`, `interface` and those
that a checkout links into it (docs/development.md). It hands out a collection on this machine, for notebooks
(`swatchbook.Swatchbook`, in `doors/python.py`), which is imported only when it is asked for.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from swatchbook.doors.python import Swatchbook

__all__ = ["Swatchbook"]


def __getattr__(name: str) -> object:
    """Return `Swatchbook`."""
    if name != "Swatchbook":
        raise AttributeError(f"module 'swatchbook' has no attribute {name!r}")
    from swatchbook.doors import python

    return python.Swatchbook
