"""Import LanceDB in half of the time: without the client of its remote catalogues, which nothing here uses. That builds
pydantic validators for a second or two at each start; here it is loaded when an attribute of it is read.
"""

import sys
from importlib.util import find_spec, module_from_spec
from typing import Any, Final

CLIENT: Final = "lance_namespace_urllib3_client"
"""LanceDB imports the models in it. Its `__init__` also imports every call of the HTTP API."""


def _defer(name: str) -> None:
    """Run a package's `__init__` only when one of its attributes is read; its submodules are imported as usual."""
    if name in sys.modules or (spec := find_spec(name)) is None or spec.loader is None:
        return
    loader, package = spec.loader, module_from_spec(spec)

    def load(attribute: str) -> Any:
        if attribute.startswith("__"):  # what the import system asks of each module
            raise AttributeError(attribute)
        del package.__dict__["__getattr__"]
        loader.exec_module(package)
        return getattr(package, attribute)

    package.__dict__["__getattr__"] = load
    sys.modules[name] = package


_defer(CLIENT)

import lancedb  # noqa: E402
from lancedb.index import FTS, IvfSq  # noqa: E402
from lancedb.query import MatchQuery  # noqa: E402

__all__ = ["FTS", "IvfSq", "MatchQuery", "lancedb"]
