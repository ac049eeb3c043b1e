"""Read product catalogues: PDF in, pages, pictures, texts, tables, products and their facts out, as frozen records.

`read_catalogue` is all that most need. It is imported when it is asked for, since child processes import this package.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from swatchbook_catalogue.catalogue import Catalogue as Catalogue
    from swatchbook_catalogue.catalogue import ReadingOptions as ReadingOptions
    from swatchbook_catalogue.catalogue import read_catalogue as read_catalogue


def __getattr__(name: str) -> Any:
    if name not in ("Catalogue", "ReadingOptions", "read_catalogue"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.catalogue"), name)
