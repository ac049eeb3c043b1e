"""Say in words which rules a taught reading has, the same in all interfaces."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from swatchbook.domain.records import Cut, PictureSide, TaughtReading, TextRule, TraitValue
from swatchbook_teach.learning.shared_traits import GROUP


class RuleWords(NamedTuple):
    """A rule in words, and what is found by it: names, not (what are no names), codes, prices or pictures."""

    kind: str
    words: str


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
