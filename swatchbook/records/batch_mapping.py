"""The record of a batch's mapping: which fields of its items are read as ours, given in a YAML file or over HTTP."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from swatchbook.records.base import Record

ColumnName = Annotated[str, Field(min_length=1, max_length=500)]
ItemField = Literal[
    "id", "code", "title", "images", "more_images", "price", "currency", "brand", "category", "size", "condition",
    "material", "color", "description", "url",
]  # fmt: skip
"""Names of what is read of an item. All `more_images` are taken; of `images` only the first field that exists."""


def _as_names(value: Any) -> Any:
    """Return one name as a tuple of one, and no name as an empty tuple, which means that the field is not read."""
    if value is None or value == "":
        return ()
    return (value,) if isinstance(value, str) else value


ColumnNames = Annotated[tuple[ColumnName, ...], BeforeValidator(_as_names), Field(max_length=50)]


class BatchMapping(Record):
    """Which fields of a batch are read. `columns`: our name -> the fields, of which the first that exists counts.

    A dot leads into an inner object. `base_url`: the base of relative URLs. `root`: a folder with the pictures.
    """

    columns: Mapping[ItemField, ColumnNames] = Field(default={}, max_length=50)
    base_url: Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=2_000)] | None = None
    root: Path | None = None

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """Return the columns with plain names, to look them up."""
        return {str(name): names for name, names in self.columns.items()}


NO_MAPPING = BatchMapping()
