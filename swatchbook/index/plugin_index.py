"""Open the index of a plugin, whose exceptions become failures that name the plugin.

If the index cannot be reached, that is an outage: publishing waits, and nothing is lost.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, cast

from swatchbook.domain.errors import IndexDown, PluginFailed
from swatchbook.domain.plugins import Plugin
from swatchbook.domain.settings import Settings
from swatchbook.index.contract import Index


def open_plugin(plugin: Plugin, settings: Settings) -> Index:
    """Return a plugin's index. Raises Configuration if it lacks an operation of `Index`, IndexDown and PluginFailed."""
    with _answering(plugin):
        index = plugin.make(settings)
    operations = [name for name in vars(Index) if not name.startswith("_")]
    if missing := [name for name in operations if not callable(getattr(index, name, None))]:
        raise plugin.broken(f"has no {', '.join(missing)}.", advice="See swatchbook/index/contract.py.")
    return cast(Index, _Named(plugin, index))


class _Named:
    """An index that passes every call to the plugin's index and names the plugin in its failures."""

    def __init__(self, plugin: Plugin, index: Any) -> None:
        self._plugin, self._index = plugin, index

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._index, name)
        return self._named(operation) if callable(operation) else operation

    def _named(self, operation: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(operation)
        def call(*args: Any, **kwargs: Any) -> Any:
            with _answering(self._plugin):
                answer = operation(*args, **kwargs)
            if operation.__name__ == "upsert" and not isinstance(answer, Mapping):
                raise PluginFailed(f"{self._plugin} did not say which objects it refused.")
            return self._each(answer) if isinstance(answer, Iterator) else answer

        return call

    def _each(self, answers: Iterator[Any]) -> Iterator[Any]:
        with _answering(self._plugin):
            yield from answers


@contextmanager
def _answering(plugin: Plugin) -> Iterator[None]:
    try:
        with plugin.named():
            yield
    except PluginFailed as failure:
        if isinstance(failure.__cause__, ConnectionError | TimeoutError):
            raise IndexDown(failure.message) from failure.__cause__
        raise
