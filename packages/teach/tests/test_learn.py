"""What follows from a few names that a person shows, on documents made by lot."""

from collections.abc import Sequence
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from swatchbook.domain.records import Example, TaughtReading, TextRule
from swatchbook_teach.learning.learn import learn
from swatchbook_teach.learning.propose import preview, propose
from swatchbook_teach.learning.taught_products import discover_taught, read_names
from swatchbook_teach.learning.texts import DocumentTexts, collect_texts
from tests.catalogue import layouts, plain
from tests.catalogue.layouts import Document

WORDS = ("calm", "oak", "river", "stone", "light", "north")


def _labelled() -> Document:
    """Return a document whose products follow a label in small type, under headings that are none."""
    blocks = []
    for n in range(6):
        blocks += [layouts.text(60, 60 + 110 * n, f"House of {WORDS[n]}", 18, bold=True)]
        blocks += [layouts.text(60, 90 + 110 * n, f"Ref. {WORDS[-n - 1].upper()} B", 9)]
        blocks += [layouts.text(60, 110 + 110 * n, f"A {WORDS[n]} story of hands and wood", 9)]
    pages = [layouts.page(1, [layouts.text(60, 300, "Catalogue", 44)]), layouts.page(2, blocks)]
    return Document(pages, [])


@cache
def _described(number: int) -> DocumentTexts:
    return _texts(plain.described(number))


def _texts(document: Document) -> DocumentTexts:
    return collect_texts(layouts.reading(document), document.pages)


def _example(texts: DocumentTexts, words: str, name: str | None = None, *, right: bool = True) -> Example:
    text = next(t for t in texts.texts if t.text.text == words)
    return Example(page=text.page, box=text.box, text=name or text.name, right=right)


def _names(texts: DocumentTexts, examples: Sequence[Example]) -> list[str]:
    best = learn(texts, examples)[0]
    return [each.name for each in read_names(texts, best.reading, best.texts)]


def test_two_names_behind_a_label_lead_to_all() -> None:
    texts = _texts(_labelled())
    examples = [_example(texts, f"Ref. {w} B", f"{w} B") for w in ("OAK", "STONE")]
    assert _names(texts, examples) == ["NORTH B", "LIGHT B", "STONE B", "RIVER B", "OAK B", "CALM B"]


def test_quantity_is_no_name_unless_one_is_shown() -> None:
    document = _labelled()
    blocks = [
        layouts.text(*block.bbox[:2], f"1{n} pcs", 18, bold=True) if n in (6, 12) else block
        for n, block in enumerate(document.pages[1].blocks)
    ]
    page = document.pages[1].model_copy(update={"blocks": tuple(blocks)})
    texts = _texts(document._replace(pages=[document.pages[0], page]))
    assert not any(texts.usual[n] for n, t in enumerate(texts.texts) if t.name in {"16 pcs", "112 pcs"})
    names = _names(texts, [_example(texts, f"House of {word}") for word in ("calm", "oak")])
    assert names == ["House of calm", "House of oak", "House of stone", "House of north"]
    assert "112 pcs" in _names(texts, [_example(texts, "16 pcs"), _example(texts, "House of oak")])


def test_taught_products_have_their_codes_and_pages() -> None:
    document = plain.price_list(2)
    texts = _texts(document)
    shown = [_example(texts, p.name) for p in document.products[:2]]
    best = learn(texts, shown)[0]
    found = discover_taught(layouts.reading(document), document.pages, best.reading)
    assert {(p.name, p.first_page) for p in found.products} == {(p.name, p.first) for p in document.products}
    assert min(p.confidence for p in found.products) >= 0.9


def test_proposal_names_what_it_is_least_sure_of() -> None:
    document = plain.described(3)
    texts = _texts(document)
    gone = next(t for n, t in enumerate(texts.texts) if texts.found[n])
    wrong = Example(page=gone.page, box=gone.box, right=False)
    proposal = propose(texts, layouts.reading(document), [wrong])[0]
    assert (gone.name, gone.page) not in {(each.name, each.page) for each in proposal.names}
    assert len(proposal.unsure) <= 10
    assert [n.probability for n in proposal.unsure] == sorted(n.probability for n in proposal.unsure)


def test_rules_hold_for_documents_of_the_same_maker() -> None:
    texts = _texts(_labelled())
    taught = learn(texts, [_example(texts, f"Ref. {w} B", f"{w} B") for w in ("OAK", "STONE")])[0].reading
    blocks = [layouts.text(60, 90 + 60 * n, f"Ref. NEW {n}", 9) for n in range(4)]
    other = Document([layouts.page(1, [layouts.text(60, 300, "Spring", 44)]), layouts.page(2, blocks)], [])
    names = preview(_texts(other), layouts.reading(other), taught.rules_only).names
    assert [each.name for each in names] == ["NEW 0", "NEW 1", "NEW 2", "NEW 3"]


def test_rule_that_fits_nothing_finds_only_drawn_names() -> None:
    document = _labelled()
    for trait in ("no such trait", "group title", "size", "font"):
        rule = TextRule(traits={trait: "nothing like it"})
        assert read_names(_texts(document), TaughtReading(names=(rule,))) == [], trait
    drawn = Example(page=2, box=(300, 700, 400, 720), text="Hidden lamp")
    found = discover_taught(layouts.reading(document), document.pages, TaughtReading(examples=(drawn,)))
    assert [p.name for p in found.products] == ["Hidden lamp"], "a name that no text says"


@given(st.integers(1, 6), st.lists(st.tuples(st.integers(0, 500), st.booleans()), min_size=1, max_size=4))
def test_what_a_person_says_holds(number: int, clicks: list[tuple[int, bool]]) -> None:
    texts = _described(number)
    said = {n % len(texts.texts): right for n, right in clicks}
    examples = [
        Example(page=t.page, box=t.box, text=t.name, right=right)
        for n, right in said.items()
        for t in [texts.texts[n]]
        if t.name
    ]
    if not examples:
        return
    best = learn(texts, examples)[0]
    named = {(each.text.page, each.text.box) for each in read_names(texts, best.reading, best.texts)}
    again = {(each.text.page, each.text.box) for each in read_names(texts, best.reading)}
    assert named == again
    for example in examples:
        assert ((example.page, example.box) in named) == example.right
