"""Find the products of a document by a taught reading: names, codes and prices; pages and variants as without it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, NamedTuple

import numpy as np

from swatchbook.domain.records import (
    BY_TEACHING,
    UNTAUGHT,
    WHOLE_TEXT,
    Cut,
    Discovery,
    Fact,
    FoundProduct,
    Page,
    Reading,
    Shown,
    TaughtReading,
)
from swatchbook_base.geometry import Box, centre_inside, shared_area
from swatchbook_catalogue.choose_names import Choice, bare_candidate, shipped_weights, with_codes
from swatchbook_catalogue.discover import discover_in, discovery_of, find_products, name_products
from swatchbook_catalogue.name_candidates import Candidate
from swatchbook_catalogue.page_layout import PageLayout, Text
from swatchbook_catalogue.sections import DocumentLayout
from swatchbook_teach.learning.cuts import names_in
from swatchbook_teach.learning.examples import Place, locate
from swatchbook_teach.learning.learn import texts_of
from swatchbook_teach.learning.learn_facts import RULES_OF, read_facts
from swatchbook_teach.learning.pair_facts import Spot, find_owners, pair
from swatchbook_teach.learning.shared_traits import holds
from swatchbook_teach.learning.texts import Booleans, DocumentTexts, PageText, collect_texts

SHOWN: Final = 1.0  # the probability of a name that a person showed
TAUGHT: Final = 0.95  # the probability of a name that follows from what a person showed


class Named(NamedTuple):
    """A name of a product, and the text that says it. `number`: of the text in the document, None where no text is."""

    text: Text
    name: str
    number: int | None
    shown: bool


def discover_taught(reading: Reading, pages: Iterable[Page], taught: TaughtReading) -> Discovery:
    """Return the products of a document whose names, codes or prices a reading finds. The pages are read once, in
    order. The layout rules find names that are not taught.
    """
    texts = collect_texts(reading, pages)
    if taught.names_are_taught:
        return discover_by(texts, reading, taught)
    amend = partial(with_facts, texts, taught)
    return discover_in(texts.document, texts.announced, reading, shipped_weights(), amend=amend)


def discover_by(texts: DocumentTexts, reading: Reading, taught: TaughtReading) -> Discovery:
    """Return the products of a document as `discover_taught` does, from texts that are known."""
    return products_of(texts, reading, read_names(texts, taught) if taught.names_are_taught else None, taught)


def products_of(
    texts: DocumentTexts, reading: Reading, named: Sequence[Named] | None, taught: TaughtReading = UNTAUGHT
) -> Discovery:
    """Return the products of some names, else (None) of the present ones, with the codes and prices of a reading."""
    choice, document = _chosen(texts, named, taught)
    return discovery_of(name_products(choice, document, texts.announced, reading), document, reading)


def _chosen(
    texts: DocumentTexts, named: Sequence[Named] | None, taught: TaughtReading
) -> tuple[Choice | None, DocumentLayout]:
    """Return names as a choice, with their codes and prices, and the layout in which they are texts of their own."""
    document = texts.document if named is None else _with_names(texts.document, named)
    choice = texts.choice if named is None else _choice(document, named)
    return choice and with_facts(texts, taught, choice), document


class Taught(NamedTuple):
    """What a reading finds: products without variants, and by page and box of each name its taught code and price."""

    products: tuple[FoundProduct, ...]
    values: Mapping[tuple[int, Box], Mapping[str, str]]


def apply_reading(texts: DocumentTexts, reading: Reading, named: Sequence[Named], taught: TaughtReading) -> Taught:
    """Return the products of names that are taught or present."""
    choice, document = _chosen(texts, named if taught.names_are_taught else None, taught)
    if choice is None:
        return Taught((), {})
    values = {(c.text.page, c.text.box): {f.key: f.value for f in facts} for c, facts in choice.taught.items()}
    return Taught(tuple(find_products(choice, document, texts.announced, reading.outline)), values)


def with_facts(texts: DocumentTexts, taught: TaughtReading, choice: Choice) -> Choice:
    """Return names with their codes and prices as a reading finds them; the others keep the codes they have."""
    if not taught.facts_are_taught:
        return choice
    spots = [Spot(c.text.page, c.text.box) for c in choice.candidates]
    found: dict[Candidate, list[Fact]] = defaultdict(list)
    for what in RULES_OF:
        facts = read_facts(texts, taught, what, spots)
        pairs = pair(find_owners(spots, [Spot(f.page, f.box) for f in facts]), np.arange(len(facts)))
        for name, n in pairs.items():
            page, box, value, _ = facts[n]
            fact = Fact(key=what.value, value=value, label="", page=page, bbox=box, rule=BY_TEACHING)
            found[choice.candidates[name]].append(fact)
    codes = {c: fact.value for c, facts_of in found.items() for fact in facts_of if fact.key == Shown.CODE}
    return replace(choice, codes={**choice.codes, **codes}, taught={c: tuple(each) for c, each in found.items()})


def present_names(texts: DocumentTexts) -> list[Named]:
    """Return the names that the layout rules find, in reading order."""
    at = {(text.page, text.box): n for n, text in reversed([*enumerate(texts.texts)])}
    candidates = texts.choice.candidates if texts.choice else ()
    return [Named(c.text, c.name, at.get((c.text.page, c.text.box)), shown=False) for c in candidates]


def read_names(texts: DocumentTexts, taught: TaughtReading, chosen: Booleans | None = None) -> list[Named]:
    """Return the names that a reading finds in a document, in reading order.

    `chosen`: the texts that the reading's rules select, if they are known already. An example counts on its own
    document; one that shows no text there is a name at its box.
    """
    examples = [each for each in taught.examples if each.what is Shown.NAME]
    places = locate(texts, examples)
    if chosen is None:
        chosen = texts_of(texts, taught)
    chosen = chosen.copy()
    for place in places:
        chosen[place.number] = place.example.right
    shown = {place.number: place for place in places if place.example.right}
    # Lines of a paragraph that a person showed are no names, nor are paragraphs of other lines.
    by_person = np.zeros(len(chosen), bool)
    by_person[list(shown)] = True
    chosen[np.isin(texts.parents, np.flatnonzero(by_person)) & ~by_person] = False
    parents = texts.parents[np.flatnonzero(chosen)]
    chosen[parents[(parents >= 0) & ~by_person[parents]]] = False
    cuts = _cuts_of(texts, taught)
    named = [
        each for n in np.flatnonzero(chosen).tolist() for each in _names_of(texts.texts[n], n, cuts[n], shown.get(n))
    ]
    located = {id(place.example) for place in places}
    pages = {layout.number for layout in texts.document.layouts}
    for example in examples:
        if example.right and example.text and id(example) not in located and example.page in pages:
            text = Text(example.page, example.box, (example.text,), example.box[3] - example.box[1], bold=False)
            named.append(Named(text, example.text, None, shown=True))
    return sorted(named, key=lambda each: (each.text.page, each.text.box[1], each.text.box[0]))


def _cuts_of(texts: DocumentTexts, taught: TaughtReading) -> list[Cut]:
    """Return how each text is cut: as the first rule whose traits it has says."""
    cuts = [WHOLE_TEXT] * len(texts.texts)
    for rule in reversed(taught.names):
        has_all = np.ones(len(cuts), bool)
        for trait in rule.traits.items():
            has_all &= holds(texts, trait)
        for n in np.flatnonzero(has_all):
            cuts[n] = rule.cut
    return cuts


def _names_of(whole: PageText, number: int, cut: Cut, shown: Place | None) -> list[Named]:
    """Return the names in a text: as shown, or as they are cut."""
    names = (whole.name,) if cut == WHOLE_TEXT else names_in(whole.text.text, cut)
    if shown and not (cut.every and shown.wanted in names):
        names = (shown.wanted,)
    if len(names) == 1:
        return [Named(whole.text, names[0], number, shown is not None)]
    return [Named(_part(whole.text, name), name, number, shown is not None) for name in names]


def _part(text: Text, name: str) -> Text:
    """Return a part of a text of one line, with the share of its box that its letters have."""
    words = text.text
    begin = max(words.find(name), 0)
    x0, y0, x1, y1 = text.box
    width = (x1 - x0) / max(len(words), 1)
    box: Box = (round(x0 + begin * width, 2), y0, round(x0 + (begin + len(name)) * width, 2), y1)
    return replace(text, box=box, lines=(name,))


def _with_names(document: DocumentLayout, named: Sequence[Named]) -> DocumentLayout:
    """Return the layout with each name as a text of its own; pages of a kind that a person shows names on have some."""
    on_page: dict[int, list[Text]] = defaultdict(list)
    for each in named:
        on_page[each.text.page].append(each.text)
    layouts = tuple(
        _with_texts(layout, on_page[layout.number]) if layout.number in on_page else layout
        for layout in document.layouts
    )
    styles = {text.style: text.style for texts in on_page.values() for text in texts}
    shown = {document.kinds.get(each.text.page) for each in named if each.shown}
    kinds = {page: None if kind in shown else kind for page, kind in document.kinds.items()}
    return replace(document, layouts=layouts, family=styles | dict(document.family), kinds=kinds)


def _with_texts(layout: PageLayout, names: Sequence[Text]) -> PageLayout:
    """Return a page with these texts: the paragraph that a line is part of is divided around it."""
    known = {text.box for text in layout.texts}
    added = {text.box: text for text in names if text.box not in known}
    if not added:
        return layout
    kept: list[Text] = []
    for text in layout.texts:
        inside = [box for box in added if centre_inside(box, text.box) and shared_area(box, text.box) > 0]
        kept += _divided(text, [added[box] for box in inside]) if inside else [text]
    attributes = tuple(a for a in layout.attributes if not any(centre_inside(box, a.box) for box in added))
    codes = tuple(code for code in layout.codes if code.box not in added)
    return replace(layout, texts=(*kept, *added.values()), attributes=attributes, codes=codes)


def _divided(text: Text, names: Sequence[Text]) -> list[Text]:
    """Return what is left of a paragraph below each of its lines that is a name."""
    taken = {line for name in names for line in name.lines}
    rest = tuple(line for line in text.lines if line not in taken)
    if not rest or len(text.lines) == 1:
        return []
    top = max(name.box[3] for name in names)
    return [replace(text, lines=rest, box=(text.box[0], min(top, text.box[3]), text.box[2], text.box[3]))]


def _choice(document: DocumentLayout, named: Sequence[Named]) -> Choice | None:
    """Return the names as a choice of the names of products."""
    if not named:
        return None
    candidates = {bare_candidate(each.text, each.name): each for each in named}
    choice = Choice(
        candidates=tuple(candidates),
        joined=frozenset(),
        styles=frozenset(document.family[each.text.style] for each in named),
        probability=TAUGHT,
        probabilities={c: SHOWN if each.shown else TAUGHT for c, each in candidates.items()},
        codes={},
    )
    return with_codes(choice, document)
