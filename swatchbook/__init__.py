"""Turn product catalogues into one searchable collection. This is the domain: plain Python, without Prefect or a web
framework. It also hands out a collection on this machine, for notebooks (`swatchbook.Swatchbook`, in
`interface/python.py`), which is imported only when it is asked for.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from swatchbook.interface.python import Swatchbook

__all__ = ["Swatchbook"]


def __getattr__(name: str) -> object:
    """Return `Swatchbook`."""
    if name != "Swatchbook":
        raise AttributeError(f"module 'swatchbook' has no attribute {name!r}")
    from swatchbook.interface import python

    return python.Swatchbook
