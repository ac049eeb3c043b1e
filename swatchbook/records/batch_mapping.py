"""Which field of a scraped batch is what, as a person says it: in a YAML file or over HTTP."""

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
"""What is read of an item. `more_images` are taken in any case, of `images` the first field that is there."""


def _as_names(value: Any) -> Any:
    """Return one name as a list of one; nothing as none: the field is then not read."""
    if value is None or value == "":
        return ()
    return (value,) if isinstance(value, str) else value


ColumnNames = Annotated[tuple[ColumnName, ...], BeforeValidator(_as_names), Field(max_length=50)]


class BatchMapping(Record):
    """Which fields of a batch are what. `columns`: name of ours -> the fields, of which the first that is there counts.

    A dot leads into an inner object. `base_url`: what relative URLs belong to. `root`: a folder where pictures are.
    """

    columns: Mapping[ItemField, ColumnNames] = Field(default={}, max_length=50)
    base_url: Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=2_000)] | None = None
    root: Path | None = None

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """The columns, as they are looked up."""
        return {str(name): names for name, names in self.columns.items()}


NO_MAPPING = BatchMapping()
