"""Declare parameters that several endpoints share, refuse unknown ones, and hand out the resources of the process.

A text has at most 1,000 characters and no NUL. Lists have pages by `limit` (50, at most 200) and `cursor`, the position
of the last entry of the previous page: what is added or removed meanwhile does not shift the pages.
"""

import base64
import json
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints, TypeAdapter, ValidationError

from swatchbook.domain.records import LostState, Owner, Pages
from swatchbook.resources import Resources

SearchText = Annotated[str, StringConstraints(max_length=1_000, pattern=r"^[^\x00]*$")]
"""Text without NUL, which PostgreSQL cannot store."""

OwnerOfDocuments = Annotated[
    Owner | None, Field(description="Owner of the documents; required only for a key with several owners.")
]

Boxes = Annotated[
    tuple[Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,6}:[1-9][0-9]{0,6}$")], ...],
    Field(max_length=1_000),
]
"""Names of lost pictures: page and number."""


class RequestModel(BaseModel):
    """Base of request models: unknown parameters are rejected instead of ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RetryOptions(RequestModel):
    """What to retry."""

    force: bool = Field(
        default=False, description="Also retry failed images, and rejected ones whose file could be read.", strict=True
    )


DEFAULT_RETRY = RetryOptions()
"""The options of a request without a body."""


class EmbedOptions(RetryOptions):
    """What to create."""

    pages: Pages = Field(default=(), max_length=1_000, description="Skipped pages to take in, too.")
    boxes: Boxes = Field(default=(), description="Possible pictures that were left out, to take in: `5:1`.")


class LostPictureOptions(RequestModel):
    """A decision about lost pictures, which are given by name."""

    boxes: Boxes = Field(description="Their names, such as `5:1`.")
    state: LostState = Field(
        description="`taken`: take them in; `dismissed`: they are not pictures; `seen`: undo either."
    )


DEFAULT_EMBED = EmbedOptions()
"""The options of a request without a body."""


def of_process(name: str) -> Any:
    """Return the dependency that is what `app.state` has under this name: one for all requests of a process."""

    async def find(request: Request) -> Any:
        return getattr(request.app.state, name)

    return Depends(find)


Tools = Annotated[Resources, of_process("resources")]
"""They block: use them in sync endpoints or threads."""


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
