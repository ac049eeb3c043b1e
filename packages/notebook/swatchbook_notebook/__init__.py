"""A collection on this machine for notebooks and programs: `from swatchbook_notebook import Swatchbook`."""

from swatchbook_notebook.collection import Swatchbook

__all__ = ["Swatchbook"]
