"""The columns of a table of LanceDB, and objects as its rows."""

from collections.abc import Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa

from swatchbook.index.contract import COLUMNS, IndexObject, Payload, Space
from swatchbook.index.rules import (
    AMOUNTS,
    EXACT,
    KEYWORDS,
    NUMBERS,
    WORDS,
    foreign_space,
    keywords_column,
    words_column,
)

_FIELDS = attrgetter(*COLUMNS)


@cache
def table_schema(dimension: int) -> pa.Schema:
    """Return a table's columns: the payload, the `_words` columns, and the terms that keyword search reads."""
    texts = pa.list_(pa.string())
    # The key makes merges safe even if a lock does not work, as on some network file systems.
    key = {"lance-schema:unenforced-primary-key": "true"}
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False, metadata=key),
            pa.field("vector", pa.list_(pa.float32(), dimension), nullable=False),
            pa.field("owner", pa.string()),
            pa.field("kind", pa.string()),
            *(pa.field(name, texts) for name in (*EXACT, *WORDS)),
            *(pa.field(f"{name}_words", texts) for name in WORDS),
            *(pa.field(name, pa.float64()) for name in AMOUNTS),
            *(pa.field(name, pa.list_(pa.int64())) for name in NUMBERS),
            pa.field("file", pa.string()),
            pa.field("text", pa.string()),
            pa.field("languages", texts),
            pa.field(KEYWORDS, pa.string()),
        ]
    )


def is_complete(space: Space, table: Any) -> bool:
    """Return whether the table has its keyword index. Raises Configuration if it has another schema."""
    check_schema(space, table)
    return any(KEYWORDS in index.columns for index in table.list_indices())


def check_schema(space: Space, table: Any) -> None:
    """Raise Configuration if the table has another schema, such as an earlier version's.

    A manifest of zeros has no columns at all: LanceDB reads it without an error, and this raises ValueError.
    """
    expected, found = table_schema(space.dimension), table.schema
    if not found.names:
        raise ValueError("corrupt file: a manifest without columns")
    if found != expected:
        strange = [name for name in {*expected.names, *found.names} if _type(name, expected) != _type(name, found)]
        raise foreign_space(
            space, "; ".join(f"{name} is {_type(name, found)}, not {_type(name, expected)}" for name in sorted(strange))
        )


def _type(name: str, schema: pa.Schema) -> str:
    return str(schema.field(name).type) if name in schema.names else "missing"


def as_table(space: Space, objects: Sequence[IndexObject]) -> pa.Table:
    """Return objects as rows."""
    vectors = np.concatenate([each.vector for each in objects]).astype(np.float32, copy=False)
    payloads = [each.payload for each in objects]
    columns: dict[str, Any] = dict(zip(COLUMNS, zip(*map(_FIELDS, payloads), strict=True), strict=True))
    for name in WORDS:
        words = {values: words_column(name, values) for values in {*columns[name]}}  # many objects share their values
        columns[f"{name}_words"] = [words[values] for values in columns[name]]
    columns["id"] = [each.id for each in objects]
    columns["vector"] = pa.FixedSizeListArray.from_arrays(pa.array(vectors), space.dimension)
    columns[KEYWORDS] = [keywords_column(p) for p in payloads]
    return pa.table(columns, schema=table_schema(space.dimension))


def as_object(row: Mapping[str, Any]) -> IndexObject:
    """Return a row as the object that it was."""
    payload = Payload(**{name: row[name] for name in COLUMNS})
    return IndexObject(row["id"], np.asarray(row["vector"], dtype=np.float32), payload)
