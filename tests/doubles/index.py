"""A real index with something laid over its moves: it fails, or something happens just then."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from swatchbook.domain.errors import Failure
from swatchbook.index.contract import Index, IndexObject, Space
from swatchbook.resources import Resources

Trouble = Callable[[Sequence[str]], object]
"""Called with the ids of a write before it is done; what it raises is what the write raises."""


def nothing(*_: object) -> None:
    """No trouble."""


class TroubledIndex:
    """`upsert`, `delete` and `drop` happen before these moves; `read` before and after all ids of a space are read."""

    def __init__(
        self,
        index: Index,
        *,
        upsert: Trouble = nothing,
        delete: Trouble = nothing,
        drop: Callable[[Space], object] = nothing,
        read: Callable[[str], object] = nothing,
    ) -> None:
        self._index, self._upsert, self._delete, self._drop, self._read = index, upsert, delete, drop, read

    def upsert(self, space: Space, objects: Sequence[IndexObject]) -> Mapping[str, Failure]:
        self._upsert([each.id for each in objects])
        return self._index.upsert(space, objects)

    def delete(self, space: Space, ids: Sequence[str]) -> None:
        self._delete(ids)
        self._index.delete(space, ids)

    def drop(self, space: Space) -> None:
        self._drop(space)
        self._index.drop(space)

    def ids(self, space: Space) -> Iterator[str]:
        self._read("before")
        yield from [*self._index.ids(space)]
        self._read("after")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)


@contextmanager
def troubled(resources: Resources, **trouble: Callable[..., object]) -> Iterator[None]:
    """Have trouble with the index until the end of the block."""
    index, resources.index = resources.index, TroubledIndex(resources.index, **trouble)
    yield
    resources.index = index


def once(move: Callable[..., object]) -> Callable[..., None]:
    """The move, at the first call only."""
    moves = [move]

    def call(*given: object) -> None:
        while moves:
            moves.pop()(*given)

    return call
