"""Say which rules a taught reading has, and what becomes of pictures, the same in all interfaces."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from swatchbook.domain.records import Cut, PictureSide, TaughtReading, TextRule, TraitValue
from swatchbook_base.truncate import plural
from swatchbook_teach.records import ProposedPictures


class RuleWords(NamedTuple):
    """A rule in words, and what is found by it: names, not (what are no names), codes, prices or pictures."""

    kind: str
    words: str


class PictureChange(NamedTuple):
    """In words what becomes of some pictures, and on which pages."""

    words: str
    pages: tuple[int, ...]
    alert: bool = False


def describe_reading(taught: TaughtReading) -> list[RuleWords]:
    """Return the rules of a reading in words."""
    kinds = {"names": taught.names, "not": taught.not_names, "codes": taught.codes, "prices": taught.prices}
    rules = [RuleWords(kind, describe_rule(rule)) for kind, rules in kinds.items() for rule in rules]
    return [*rules, *(RuleWords("pictures", words) for words in _describe_pictures(taught))]


def _describe_pictures(taught: TaughtReading) -> Iterator[str]:
    """Yield in words which pictures are cut, which are decoration, and where that of a name is."""
    for each in taught.grids:
        yield f"{each.width:.0f} × {each.height:.0f} points: cut into {each.columns} × {each.rows}"
    for contents, what in ((taught.decoration, "decoration"), (taught.not_decoration, "no decoration")):
        if contents:
            yield f"{len(contents):,} marked as {what}, on all pages"
    if taught.side is not None:
        yield f"{_SIDES[taught.side]} the name"


def describe_rule(rule: TextRule) -> str:
    """Return the traits of a rule in a line, named as in its file: "size: 9, bold, relation: below"."""
    return ", ".join([*(_describe(name, value) for name, value in rule.traits.items()), *_describe_cut(rule.cut)])


def _describe(name: str, value: TraitValue) -> str:
    if isinstance(value, bool):
        return _TRUTHS.get((name, value), name if value else f"not {name}")
    return f"{name}: {value:g}" if isinstance(value, float) else f"{name}: {'none' if value == '' else value}"


def _describe_cut(cut: Cut) -> list[str]:
    parts = [f"after {cut.after!r}"] if cut.after else []
    parts += [f"before {cut.before!r}"] if cut.before else []
    return parts + ([f"each part between {cut.every!r}"] if cut.every else [])


_SIDES: Final[Mapping[PictureSide, str]] = {
    PictureSide.ABOVE: "above",
    PictureSide.BELOW: "below",
    PictureSide.LEFT: "left of",
    PictureSide.RIGHT: "right of",
}
_TRUTHS: Final = {
    ("found", True): "what is taken without teaching",
    ("usual", False): "even if it is a price, a number or long",
}
"""Traits that say little by their names -> their words."""


# --- pictures ---------------------------------------------------------------------------------------------------------


def describe_changes(found: ProposedPictures | None) -> list[PictureChange]:
    """Return in words what a reading would make of a document's pictures."""
    if found is None:
        return []
    empty = {(each.page, each.box) for each in found.empty}
    taken = [each for each in found.taken if (each.page, each.box) not in empty]
    cells = sum((each.page, cell) not in empty for each in found.cut for cell in each.cells)
    found_places = (
        (f"{plural(len(taken), 'picture is', 'pictures are')} taken in as drawn", taken),
        (f"{plural(len(found.cut), 'picture is', 'pictures are')} cut into {cells:,}", found.cut),
        (f"{plural(len(found.empty), 'box shows nothing and is', 'boxes show nothing and are')} left out", found.empty),
        (f"{plural(len(found.decoration), 'more picture is', 'more pictures are')} decoration", found.decoration),
        (f"{plural(len(found.shown), 'picture shows', 'pictures show')} a product again", found.shown),
        (f"{plural(len(found.missed), 'place has', 'places have')} no picture: draw it first", found.missed),
    )
    alerts = (found.empty, found.missed)
    changes = [
        PictureChange(words, tuple(sorted({each.page for each in places})), any(places is each for each in alerts))
        for words, places in found_places
        if places
    ]
    linked = f"Products with a picture: {found.linked_now:,} → {found.linked:,}"
    return [*changes, PictureChange(linked, (), alert=found.linked < found.linked_now)]
