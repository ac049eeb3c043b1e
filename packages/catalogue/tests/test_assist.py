"""What `assist` asks a language model, and what comes of both answers."""

from swatchbook.domain.records import DISAGREEMENT, Discovery, FoundProduct, Reading
from swatchbook_catalogue.llm import find_products
from swatchbook_catalogue.llm.find_products import AGREED
from tests.catalogue import layouts

READING = Reading(content="0" * 64, page_count=9, title=None, outline=(), page_boxes={}, pages_file="pages.jsonl")
SURE, UNSURE = 0.9, 0.5


def found(name: str, page: int, confidence: float = UNSURE) -> FoundProduct:
    return layouts.found_product(name, page, confidence=confidence)


def flagged(discovery: Discovery) -> dict[str, str | None]:
    return {p.name: e.text for p in discovery.products for e in p.evidence if e.rule == DISAGREEMENT}


def test_only_pages_with_unsure_products_are_asked_about() -> None:
    """All pages are, where nothing was found."""
    by_layout = Discovery(products=(found("Oak", 2, SURE), found("Elm", 5), found("Ash", 7)))
    assert find_products.open_pages(READING, by_layout) == {5, 7}
    assert find_products.open_pages(READING, Discovery(products=(found("Oak", 2, SURE),))) == frozenset()
    assert find_products.open_pages(READING, Discovery(products=())) == frozenset(range(1, 10))


def test_product_found_by_one_is_kept_and_flagged() -> None:
    by_layout = Discovery(
        products=(found("Oak", 2, SURE), found("Elm", 5), found("Elm, small", 6), found("Ash", 7)),
        unsure=(4, 5),
        sure=0.3,
    )
    by_model = Discovery(products=(found("Yew", 5, 0.85), found("elm", 5, AGREED), found("Elm, small", 6, AGREED)))
    both = find_products.combine(by_layout, by_model, {5, 6, 7}, "model")
    assert [(p.name, p.confidence) for p in both.products] == [
        ("Oak", SURE), ("Elm", AGREED), ("Yew", 0.85), ("Elm, small", AGREED), ("Ash", UNSURE)
    ]  # fmt: skip
    assert both.unsure == (4,)
    assert both.sure is None, "the probability is that of the layout rules alone"
    assert flagged(both) == {"Yew": find_products.ONLY_MODEL, "Ash": find_products.ONLY_LAYOUT}
    silent = find_products.combine(by_layout, Discovery(products=()), {5, 6, 7}, "model")
    assert [p.confidence for p in silent.products] == [SURE, UNSURE, UNSURE, UNSURE]
    assert silent.note
    assert len(flagged(silent)) == 3
    alone = find_products.combine(Discovery(products=(), note="none"), by_model, set(range(1, 10)), "model")
    assert (alone.products, alone.note, flagged(alone)) == (by_model.products, None, {})


def test_product_that_only_the_model_found_is_flagged() -> None:
    by_model = Discovery(products=(found("Elm", 5), found("Yew", 5)))
    assert flagged(find_products.flag_new(Discovery(products=(found("Elm", 5),)), by_model, "model")) == {
        "Yew": find_products.ONLY_MODEL
    }
    assert find_products.flag_new(Discovery(products=()), by_model, "model") == by_model
