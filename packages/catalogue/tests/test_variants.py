"""Variants and families: on the sample catalogue, whose truth names every colour, and of other kinds of layout."""

import json
from pathlib import Path

from samples.content import load_products
from swatchbook.domain.records import Block, Box, Occurrence, Variant, fold
from swatchbook_catalogue import read_catalogue
from swatchbook_catalogue.discover import with_families
from swatchbook_catalogue.page_layout import summarise_page
from swatchbook_catalogue.variants import PageParts, find_variants
from tests.catalogue.layouts import found_product, page, text

PAGE = (0.0, 0.0, 595.0, 842.0)


def test_sample_has_what_is_printed_and_nothing_else(catalogue: Path) -> None:
    truth = json.loads(catalogue.with_suffix(".truth.json").read_text(encoding="utf-8"))["products"]
    products = read_catalogue(catalogue).products
    categories = [product["category"] for product in truth]
    assert {p.name: ({v.name for v in p.variants}, p.family, p.last_page) for p in products} == {
        p["name"]: ({*p["variants"]}, p["category"] if categories.count(p["category"]) > 1 else None, p["last_page"])
        for p in truth
    }
    coded = [v for p in products for v in p.variants]
    assert len({v.code for v in coded}) == len(coded) == sum(len(p["variants"]) for p in truth)
    for printed in load_products():
        (facts,) = (product.facts for product in products if product.name == printed.name)
        values = {fact.value for fact in facts if fact.key != "weight"}
        assert values == {value for _, value in printed.specification}
        assert {fact.value for fact in facts if fact.key == "weight"} <= {weight for *_, weight in printed.formats}


def variants_of(blocks: list[Block], pictures: list[Box] | None = None, name: str = "Alder") -> tuple[Variant, ...]:
    """Return the variants of a product that has a whole page, on which its name and another product's stand."""
    heads = [text(60, 40, name, 24), text(300, 40, "Birke", 24)]
    layout = summarise_page(page(1, [*heads, *blocks], pictures or ()))
    product = found_product(name, occurrences=(Occurrence(page=1, bbox=heads[0].bbox, region=PAGE, text=name),))
    places = {(1, heads[0].bbox), (1, heads[1].bbox)}
    return find_variants(product, {1: PageParts(layout, places)}, {fold(name), fold("Birke")})


def test_variants_need_several_names_with_similar_codes() -> None:
    sand = [text(60, 200, "AB-101"), text(60, 214, "Sand")]
    for others in (
        [], [text(60, 300, "Slip rating: R10")], [text(300, 200, "ISO-14125"), text(300, 214, "Clay")],
        [text(300, 200, "AB-102"), text(300, 214, "Sand")],
    ):  # fmt: skip
        assert not variants_of([*sand, *others])


def test_repeated_code_is_one_variant_under_shortest_name() -> None:
    blocks = [
        text(60, 200, "Sand, detail", 9), text(60, 214, "AB-101", 7), text(60, 300, "Sand", 9),
        text(60, 314, "AB-101", 7), text(300, 300, "Alder Clay, AB-104", 7),
    ]  # fmt: skip
    assert sorted((v.name, v.code) for v in variants_of(blocks)) == [("Clay", "AB-104"), ("Sand", "AB-101")]


def test_families_share_a_name_beginning_or_a_category() -> None:
    names = [("Window 1", "Frames"), ("Window 2", "Frames"), ("Sill", "Frames"), ("LTM 1050", "Cranes"),
             ("LTM 1090", "Cranes"), ("Lamp", "Light"), ("Stool", None), ("Stool", None)]  # fmt: skip
    products = [found_product(name, category=category) for name, category in names]
    families = ["Window", "Window", "Frames", "Cranes", "Cranes", None, "Stool", "Stool"]
    assert [p.family for p in with_families(products)] == families
