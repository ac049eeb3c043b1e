"""Import LanceDB in a quarter of the time, without its remote catalogues and user-defined functions.

An index in a folder does not need them; their request models and decorators take longer than all the rest, at each
start.
"""

import sys
from types import ModuleType
from typing import Any, Final

UNUSED: Final = (
    *("lance_namespace", "lance_namespace.errors"),
    *("lancedb.catalog", "lancedb.functions", "lancedb.materialized_view"),
    *("lancedb.namespace", "lancedb.namespace_utils"),
    *("lancedb.remote", "lancedb.remote.db", "lancedb.remote.errors", "lancedb.remote.table"),
)
"""Modules of lancedb 0.40 and of its client for remote catalogues. They stay if LanceDB was imported before."""


class _Unused(ModuleType):
    """A module whose names are classes without instances, for annotations, `isinstance` and `except`.

    Making an instance raises ImportError.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # attributes that the import system reads of each module
            raise AttributeError(name)
        path = f"{self.__name__}.{name}"

        def refuse(_: type, *__: Any, **___: Any) -> Any:
            raise ImportError(f"{path} is not loaded: this process has LanceDB without its remote catalogues.")

        return type(name, (Exception,), {"__new__": refuse})


if "lancedb" not in sys.modules:
    sys.modules.update((name, _Unused(name)) for name in UNUSED)

import lancedb  # noqa: E402
from lancedb.index import FTS, IvfSq  # noqa: E402
from lancedb.query import MatchQuery  # noqa: E402

__all__ = ["FTS", "IvfSq", "MatchQuery", "lancedb"]
