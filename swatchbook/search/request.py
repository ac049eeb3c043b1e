"""What a search asks: the one form in which every door hands it to the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import ResultKind
from swatchbook.index.contract import FILTERS, MOST_VALUES, Where
from swatchbook.search.query_pictures import Examples

_MOST_TEXT = 1_000  # characters


FILTERS_ADVICE = "docs/filters.md lists the filters."


def build_filters(given: Mapping[str, Sequence[str]]) -> tuple[Where, tuple[str, ...]]:
    """Return the filters of name -> values, and the document references as given. Empty ones are left out.

    Raises InvalidReference for an unknown name, too many values, or a value of the wrong kind.
    """
    asked = {name: values for name, values in given.items() if values}
    for name, values in asked.items():
        if name not in FILTERS:
            raise InvalidReference(f"There is no filter {name!r}, but {', '.join(FILTERS)}.", advice=FILTERS_ADVICE)
        if not all(map(str.strip, values)):
            raise InvalidReference(f"{name} has an empty value.", advice=FILTERS_ADVICE)
        if len(values) > (most := 1 if FILTERS[name].is_limit else MOST_VALUES):
            times = "only once" if most == 1 else f"at most {most} times"
            raise InvalidReference(f"{name} may be given {times}.", advice=FILTERS_ADVICE)
    documents = tuple(asked.pop("document", ()))
    try:
        where = Where.model_validate({name: v[0] if FILTERS[name].is_limit else v for name, v in asked.items()})
    except ValidationError as error:
        first = error.errors()[0]
        message = f"{first['loc'][0]}={first['input']}: {first['msg'].lower()}."
        raise InvalidReference(message, advice=FILTERS_ADVICE) from error
    return where, documents


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
