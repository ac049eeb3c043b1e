"""What a search asks: the one form in which every door hands it to the rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import ResultKind
from swatchbook.index.contract import Where
from swatchbook.search.query_pictures import Examples

_MOST_TEXT = 1_000  # characters


@dataclass(frozen=True)
class SearchRequest:
    """A query by text, by a picture, by examples of the collection, or by text and pictures, with filters.

    `weights` maps role names, "keyword" or "number" to weights, instead of the defaults. `k` results follow `offset`
    others. Raises InvalidReference for a text that is too long.
    """

    text: str | None = None
    image: Path | None = None
    examples: Examples = Examples()
    where: Where = Where()
    by: ResultKind = "image"
    weights: Mapping[str, float] | None = None
    k: int = 10
    offset: int = 0

    def __post_init__(self) -> None:
        """Refuse a text that is too long."""
        if self.text and len(self.text) > _MOST_TEXT:
            raise InvalidReference(
                f"The text to search for has {len(self.text):,} characters.", advice=f"Give at most {_MOST_TEXT:,}."
            )

    @property
    def words(self) -> str | None:
        """The text, None where it is blank."""
        return self.text if self.text and self.text.strip() else None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked, so that the newest documents are listed."""
        return self.words is None and self.image is None and not any(self.examples)

    @property
    def by_picture(self) -> bool:
        return self.image is not None or bool(self.examples.like)

    @property
    def by_picture_alone(self) -> bool:
        """Whether it has only pictures: no text or counterexample asks for results that differ from them."""
        return self.by_picture and self.words is None and not self.examples.unlike
