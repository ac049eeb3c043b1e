"""Page lists by `limit` (50, at most 200) and `cursor`, the position of the last entry of the previous page.

What is added or removed meanwhile does not shift the pages.
"""

import base64
import json
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from fastapi import HTTPException
from pydantic import Field, FiniteFloat, StringConstraints, TypeAdapter, ValidationError

from interface.service.parameters import RequestModel

MOST_LISTED = 200

T = TypeVar("T")

Seconds = FiniteFloat
"""Unix seconds in a position; databases reject infinity and NaN."""

StoredId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$")]
"""The id of a document, product, chunk, entity or image in a position, as the ledger stores it."""

Number = Annotated[int, Field(ge=0, lt=1 << 31)]  # more does not fit into PostgreSQL's INTEGER


class Paging(RequestModel):
    """Which page of a list."""

    limit: int = Field(default=50, ge=1, le=MOST_LISTED, description="Entries of a page.")
    cursor: str | None = Field(default=None, max_length=400, description="`next` of the previous page.")


def cut_page(numbered: Sequence[tuple[Sequence[Any], T]], limit: int) -> tuple[tuple[T, ...], str | None]:
    """Return a page's entries, and the cursor of the next page if there is one. `numbered`: one more than `limit`."""
    page = numbered[:limit]
    return tuple(entry for _, entry in page), write_cursor(page[-1][0]) if len(numbered) > limit else None


def write_cursor(position: Sequence[Any]) -> str:
    """Return a position as a cursor."""
    content = json.dumps(list(position), separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode()


def read_cursor(cursor: str | None, adapter: TypeAdapter[T]) -> T | None:
    """Return the position of a cursor, None for the first page. Raises 422 if it is not of this list."""
    if cursor is None:
        return None
    try:
        return adapter.validate_json(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, ValidationError):
        raise HTTPException(422, "Invalid cursor: use `next` of the previous page.") from None
