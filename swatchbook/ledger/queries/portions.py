"""Read long lists a portion at a time, by keyset: the next portion begins after the position of the last row.

What is added or removed meanwhile does not shift the rest. (Documents: `ledger/documents.py`.)
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, literal, tuple_

T = TypeVar("T")

Numbered = tuple[tuple[Any, ...], T]
"""A position in a list, and the row there."""


def read_portion(
    connection: Connection,
    query: Select[Any],
    position: Sequence[ColumnElement[Any]],
    after: Sequence[Any] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return at most `limit` rows of a query, ordered by the columns of `position`; only those after `after`."""
    if after is not None:
        query = query.where(tuple_(*position) > tuple_(*map(literal, after)))
    return connection.execute(query.order_by(*position).limit(limit)).all()
