"""Learn from a few examples which texts are the codes or prices of products, and read them.

Of the sets of texts that share traits with the examples, the one counts that pairs best, one to one, with the names.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from swatchbook.domain.records import WHOLE_TEXT, Box, Cut, Example, Shown, TaughtReading, TextRule, fold
from swatchbook_base.geometry import area
from swatchbook_teach.learning.cuts import find_cuts, names_in
from swatchbook_teach.learning.examples import Place, locate
from swatchbook_teach.learning.pair_facts import LOOSE, Owners, Spot, find_owners, fit_of_pairs
from swatchbook_teach.learning.shared_traits import holds, sets_in_common, simplify
from swatchbook_teach.learning.texts import Booleans, DocumentTexts

RULES_OF: Final[Mapping[Shown, str]] = {Shown.CODE: "codes", Shown.PRICE: "prices"}
"""What can be shown besides names, and the field of a reading that has its rules."""
WRONG: Final = 0.1
"""By how much the pairs of a rule must be better if it holds for a counter-example."""
_DASH: Final = re.compile(r"\s?[.,]\s?[-–—]+")


class FoundFact(NamedTuple):
    """A code or price on a page; `shown`: by a person."""

    page: int
    box: Box
    value: str
    shown: bool


class _Found(NamedTuple):
    """Rules, the texts that they hold for, and how well these pair with the names."""

    rules: tuple[TextRule, ...]
    texts: Booleans
    fit: float

    @property
    def order(self) -> tuple[float, int, int]:
        """What it is compared by: its fit, then the fewest rules and traits."""
        return round(self.fit, 2), -len(self.rules), -sum(len(rule.traits) for rule in self.rules)


# --- learn ------------------------------------------------------------------------------------------------------------


def with_learnt_facts(
    texts: DocumentTexts, taught: TaughtReading, examples: Iterable[Example], names: Sequence[Spot]
) -> TaughtReading:
    """Return a reading with the rules for those of codes and prices that new examples show.

    All examples of the reading count. `names` are the places of the names that it finds.
    """
    new = {each.what for each in examples}
    update = {
        field: learn_rules(texts, _examples(taught, what), names, getattr(taught, field))
        for what, field in RULES_OF.items()
        if what in new
    }
    return taught.model_copy(update=update)


def _examples(taught: TaughtReading, what: Shown) -> list[Example]:
    return [each for each in taught.examples if each.what is what]


def learn_rules(
    texts: DocumentTexts, examples: Sequence[Example], names: Sequence[Spot], start: tuple[TextRule, ...] = ()
) -> tuple[TextRule, ...]:
    """Return the rules whose texts agree with the examples and pair best with the names; `start` if it agrees.

    Examples in several styles may need a rule for each. Without a right example there is nothing to share.
    """
    places = _locate(texts, examples)
    right, wrong = ([p for p in places if p.example.right is is_right] for is_right in (True, False))
    if not right or (start and _agrees(texts, start, right, wrong, names)):
        return start
    owners = find_owners(names, [Spot(text.page, text.box) for text in texts.texts])
    found = [_best(texts, right, wrong, names, owners)]
    by_style = sorted(right, key=lambda p: _style(texts, p))
    parts = [list(part) for _, part in groupby(by_style, key=lambda p: _style(texts, p))]
    if len(parts) > 1:
        found.append(_joined([_best(texts, part, wrong, names, owners) for part in parts], wrong, owners))
    return max((each for each in found if each), key=lambda each: each.order, default=_NOTHING).rules


_NOTHING: Final = _Found((), np.zeros(0, bool), 0.0)


def _style(texts: DocumentTexts, place: Place) -> tuple[str, ...]:
    return tuple(str(texts.traits[name][place.number]) for name in ("size", "bold", "font", "label"))


def _agrees(
    texts: DocumentTexts,
    rules: tuple[TextRule, ...],
    right: Sequence[Place],
    wrong: Sequence[Place],
    names: Sequence[Spot],
) -> bool:
    """Return whether rules find all that was shown and nothing that is wrong."""
    chosen = select_facts(texts, rules, names)
    found = {place.number: fold(_value(texts, rules, place.number)) for place in right if chosen[place.number]}
    return not any(chosen[place.number] for place in wrong) and all(
        found.get(place.number) == fold(place.wanted) for place in right
    )


def _joined(parts: Sequence[_Found | None], wrong: Sequence[Place], owners: Owners) -> _Found | None:
    """Return the rules of several parts together."""
    found = [part for part in parts if part]
    if not found:
        return None
    texts = np.any([part.texts for part in found], axis=0)
    return _Found(tuple(rule for part in found for rule in part.rules), texts, _fit(texts, wrong, owners))


def _fit(texts: Booleans, wrong: Sequence[Place], owners: Owners) -> float:
    return fit_of_pairs(owners, np.flatnonzero(texts)) - WRONG * sum(bool(texts[place.number]) for place in wrong)


def _best(
    texts: DocumentTexts, right: Sequence[Place], wrong: Sequence[Place], names: Sequence[Spot], owners: Owners
) -> _Found | None:
    """Return the rule of the best set of texts that share traits with all of some examples; None without a cut."""
    cut = next(iter(find_cuts([(texts.texts[p.number].text.text, p.wanted) for p in right])), None)
    if cut is None:
        return None
    universe = _universe(texts, cut, names)
    shapes = {texts.traits["shape"][place.number] for place in right}
    alike = [("shape", shape) for shape in shapes if len(shapes) == 1]  # a code where a price is missing is none
    for trait in alike:
        universe &= holds(texts, trait)
    universe[[place.number for place in right]] = True
    near = (owners.distance.min(axis=0) <= LOOSE).astype(float)
    numbers = [place.number for place in right]
    # Whether a text is a line of a paragraph, or in a group of likely names, says nothing of codes and prices.
    traits = [(name, values[numbers[0]]) for name, values in texts.traits.items() if name != "line"]
    best: _Found | None = None
    for shared, mask in sets_in_common(texts, numbers, traits, universe, near):
        single = _without_paragraphs(texts, mask)
        rule = TextRule(traits=dict(alike) | simplify(texts, shared, universe), cut=cut)
        found = _Found((rule,), single, _fit(single, wrong, owners))
        best = found if best is None or found.order > best.order else best
    return best


# --- read -------------------------------------------------------------------------------------------------------------


def read_facts(texts: DocumentTexts, taught: TaughtReading, what: Shown, names: Sequence[Spot]) -> list[FoundFact]:
    """Return the codes or prices that a reading finds in a document, in its order.

    An example counts on its own document; one that shows no text there is a value at its box.
    """
    rules: tuple[TextRule, ...] = getattr(taught, RULES_OF[what])
    examples = _examples(taught, what)
    places = _locate(texts, examples)
    chosen = select_facts(texts, rules, names)
    for place in places:
        if not place.example.right:
            chosen[[n for n in (place.number, texts.parents[place.number]) if n >= 0]] = False
    shown = {place.number: place.wanted for place in places if place.example.right}
    chosen[list(shown)] = True
    lines_of_shown = np.isin(texts.parents, list(shown)) & ~np.isin(np.arange(len(chosen)), list(shown))
    found = [
        FoundFact(texts.texts[n].page, texts.texts[n].box, value, n in shown)
        for n in map(int, np.flatnonzero(_without_paragraphs(texts, chosen & ~lines_of_shown)))
        if (value := shown.get(n) or _value(texts, rules, n))
    ]
    located = {id(place.example) for place in places}
    pages = {layout.number for layout in texts.document.layouts}
    return found + [
        FoundFact(each.page, each.box, each.text, shown=True)
        for each in examples
        if each.right and each.text and each.page in pages and id(each) not in located
    ]


def select_facts(texts: DocumentTexts, rules: Iterable[TextRule], names: Sequence[Spot]) -> Booleans:
    """Return the texts that have all traits of one of the rules, and no name as a whole."""
    found = np.zeros(len(texts.texts), bool)
    for rule in rules:
        mask = _universe(texts, rule.cut, names)
        for trait in rule.traits.items():
            mask &= holds(texts, trait)
        found |= mask
    return _without_paragraphs(texts, found)


def _universe(texts: DocumentTexts, cut: Cut, names: Sequence[Spot]) -> Booleans:
    """Return the texts in which a cut finds a value."""
    named = {(spot.page, spot.box) for spot in names} if cut == WHOLE_TEXT else set()
    return np.array([(t.page, t.box) not in named and bool(_cut(t.text.text, cut)) for t in texts.texts], bool)


def _without_paragraphs(texts: DocumentTexts, chosen: Booleans) -> Booleans:
    """Return the chosen texts without paragraphs of which a line is chosen."""
    kept = chosen.copy()
    parents = texts.parents[chosen]
    kept[parents[parents >= 0]] = False
    return kept


def _value(texts: DocumentTexts, rules: Iterable[TextRule], number: int) -> str:
    """Return the value that the first rule which holds for a text cuts from it."""
    text = texts.texts[number].text.text
    for rule in rules:
        if all(holds(texts, trait)[number] for trait in rule.traits.items()) and (value := _cut(text, rule.cut)):
            return value
    return text.strip()


def _cut(text: str, cut: Cut) -> str:
    """Return the value in a text, with the dash that is printed for no cents: "12,-"; nothing if there is none."""
    if not any(map(str.isalnum, text)):
        return ""
    if cut == WHOLE_TEXT:
        return text.strip()
    value = next(iter(names_in(text, cut)), "")
    end = text.find(value) + len(value)
    dash = _DASH.match(text, end) if value and value[-1].isdigit() else None
    return value + (dash.group() if dash else "")


def _locate(texts: DocumentTexts, examples: Sequence[Example]) -> list[Place]:
    """Return the text that each example shows; of a paragraph the line that has the value."""
    return [_narrowed(texts, place) for place in locate(texts, examples)]


def _narrowed(texts: DocumentTexts, place: Place) -> Place:
    shown = texts.texts[place.number]
    wanted = place.example.text or shown.text.text
    lines: NDArray[np.int64] = np.flatnonzero(texts.parents == place.number)
    having = [int(n) for n in lines if fold(wanted) in fold(texts.texts[n].text.text)]
    number = min(having, key=lambda n: area(texts.texts[n].box), default=place.number)
    return Place(number, wanted, place.example)
