"""Say in words which rules a taught reading has, and what becomes of pictures, the same in all interfaces."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from swatchbook.domain.records import Cut, PictureSide, TaughtReading, TextRule, TraitValue
from swatchbook_base.truncate import plural
from swatchbook_teach.learning.shared_traits import GROUP
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
    """Return the traits of a rule in a line: "9 points, bold, below a picture"."""
    return ", ".join([*(_describe(name, value) for name, value in rule.traits.items()), *_describe_cut(rule.cut)])


def _describe(name: str, value: TraitValue) -> str:
    if isinstance(value, bool) and name in _TRUTHS:
        return _TRUTHS[name][not value]
    if (words := _WORDS.get(name, {}).get(value)) is not None:
        return words
    if name in _PHRASES and not isinstance(value, bool):
        return _PHRASES[name](f"{value:g}" if isinstance(value, float | int) else value)
    if name.startswith(GROUP):
        return f"{'' if value else 'not '}among the likely names “{name.removeprefix(GROUP)}”"
    plain = name.replace("_", " ")
    if isinstance(value, bool):
        return plain if value else f"not {plain}"
    return f"{plain} {value:g}" if isinstance(value, float) else f"{plain} {value}"


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
_TRUTHS: Final[Mapping[str, tuple[str, str]]] = {
    "line": ("a line of a paragraph", "a whole text"),
    "row_price": ("with a price in its row", "without a price in its row"),
    "largest": ("in the largest letters of its page", "not in the largest letters of its page"),
    "found": ("what is taken without teaching", "not what is taken without teaching"),
    "usual": ("no price, number or long text", "even if it is a price, a number or long"),
}
"""Trait -> its words where it holds, and where it does not."""

_WORDS: Final[Mapping[str, Mapping[TraitValue, str]]] = {
    "font": {"": "without a known font"},
    "color": {"000000": "black", "ffffff": "white", "": "without a known colour"},
    "case": {
        "upper": "in capitals",
        "lower": "in small letters",
        "title": "each word with a capital",
        "sentence": "with small and capital letters",
        "none": "without letters",
    },
    "shape": {
        "price": "a price",
        "code": "a code",
        "number": "a number",
        "signs": "signs only",
        "words": "words without digits",
        "words and digits": "words with digits",
        "prose": "a long text",
    },
    "label": {"": "without a label"},
    "relation": {
        "below": "below a picture",
        "above": "above a picture",
        "right": "right of a picture",
        "left": "left of a picture",
        "inside": "in a picture",
        "none": "not near a picture",
    },
    "rank": {0: "first at its picture", 1: "second at its picture", 2: "third at its picture", 3: "further from it"},
    "above": {"": "no text right above"},
    "below": {"": "no text right below"},
    "row": {0: "alone in its row", 1: "with one other text in its row", 2: "with several other texts in its row"},
    "column": {0: "first in its row", 1: "second in its row", 2: "third in its row", 3: "fourth in its row",
               4: "fifth or later in its row"},
}  # fmt: skip
"""Trait -> value -> its words."""

_PHRASES: Final[Mapping[str, Callable[[str], str]]] = {
    "size": lambda value: f"{value} points",
    "font": lambda value: f"font {value}",
    "color": lambda value: f"colour #{value}",
    "label": lambda value: f"after the label “{value}”",
    "left": lambda value: f"beginning {value} points from the left",
    "right": lambda value: f"ending {value} points from the left",
    "middle": lambda value: f"centred {value} points from the left",
    "above": lambda value: f"a text of {_style(value)} right above",
    "below": lambda value: f"a text of {_style(value)} right below",
}
"""Trait -> its words with a value that is not listed above."""


def _style(style: str) -> str:
    size, _, bold = style.partition(" ")
    return f"{size} points{f', {bold},' if bold else ''}"


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
