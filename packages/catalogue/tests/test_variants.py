"""Variants and families: on the sample catalogues, whose truth names every colour, and of other kinds of layout."""

import json
from pathlib import Path

from swatchbook.domain.records import Block, Box, Discovery, Occurrence, Variant, fold
from swatchbook.domain.settings import Settings
from swatchbook.store.files.file_store import Files
from swatchbook_base.reading import iter_pages
from swatchbook_catalogue.discover import discover, with_families
from swatchbook_catalogue.page_layout import summarise_page
from swatchbook_catalogue.pdf import reader
from swatchbook_catalogue.variants import PageParts, find_variants
from tests.catalogue.layouts import found_product, page, text

PAGE = (0.0, 0.0, 595.0, 842.0)


def test_colours_and_families_of_the_sample_are_exact(catalogue: Path, tmp_path: Path) -> None:
    truth = json.loads(catalogue.with_suffix(".truth.json").read_text(encoding="utf-8"))["products"]
    settings = Settings(home=tmp_path)
    files = Files(settings.files)
    reading = reader.read(catalogue, files, settings)
    found: Discovery = discover(reading, iter_pages(files, reading))
    categories = [product["category"] for product in truth]
    assert {p.name: ({v.name for v in p.variants}, p.family) for p in found.products} == {
        p["name"]: ({*p["variants"]}, p["category"] if categories.count(p["category"]) > 1 else None) for p in truth
    }
    coded = [v for p in found.products for v in p.variants]
    assert len({v.code for v in coded}) == len(coded) == sum(len(p["variants"]) for p in truth)


def variants_of(blocks: list[Block], pictures: list[Box] | None = None, name: str = "Alder") -> tuple[Variant, ...]:
    """Return the variants of a product that has a whole page, on which its name and another product's stand."""
    heads = [text(60, 40, name, 24), text(300, 40, "Birke", 24)]
    layout = summarise_page(page(1, [*heads, *blocks], pictures or ()))
    product = found_product(name, occurrences=(Occurrence(page=1, bbox=heads[0].bbox, region=PAGE, text=name),))
    places = {(1, heads[0].bbox), (1, heads[1].bbox)}
    return find_variants(product, {1: PageParts(layout, places)}, {fold(name), fold("Birke")})


def said(variants: tuple[Variant, ...]) -> list[tuple[str, str | None, str | None, str | None]]:
    return [(v.name, v.code, v.size, v.price) for v in variants]


def test_rows_of_codes_are_variants_with_their_size_and_price() -> None:
    rows = [("AB-101", "60 x 60 cm", "€ 12.00"), ("AB-102", "60 x 120 cm", "€ 18.00"), ("AB-103", "80 cm", "€ 9.00")]
    blocks = [text(60 + 150 * k, 200 + 20 * n, cell) for n, row in enumerate(rows) for k, cell in enumerate(row)]
    assert said(variants_of(blocks)) == [(size, code, size, price) for code, size, price in rows]


def test_rows_of_a_table_of_articles_are_variants_of_the_names_they_begin_with() -> None:
    heads = ("Article", "Code", "Size", "Price")
    rows = [
        ("Alder", "A-101", "Ø 30 cm", "€ 12.00"), ("Alder large", "A-907", "Ø 45 cm", "was € 21.00 now € 18.00"),
        ("Alderman", "A-102", "Ø 20 cm", "€ 9.00"), ("Birke", "B-201", "Ø 24 cm", "€ 14.00"),
    ]  # fmt: skip
    blocks = [
        text(60 + 130 * k, 400 + 20 * n, cell) for n, row in enumerate([heads, *rows]) for k, cell in enumerate(row)
    ]
    pictures: list[Box] = [(60, 100, 260, 300)]
    assert said(variants_of(blocks, pictures)) == [
        ("Ø 30 cm", "A-101", "Ø 30 cm", "€ 12.00"), ("large", "A-907", "Ø 45 cm", "€ 18.00"),
    ]  # fmt: skip
    assert [v.facts for v in variants_of(blocks, pictures)] == [(), (("regular_price", "€ 21.00"),)]


def test_one_code_is_the_products_own_and_a_slip_rating_is_none() -> None:
    assert not variants_of([text(60, 200, "AB-101"), text(60, 214, "Sand")])
    assert not variants_of([text(60, 200, "AB-101"), text(60, 214, "Sand"), text(60, 300, "Slip rating: R10")])


def test_the_same_code_again_is_the_same_variant_under_its_shortest_name() -> None:
    blocks = [
        text(60, 200, "Sand, detail", 9), text(60, 214, "AB-101", 7), text(60, 300, "Sand", 9),
        text(60, 314, "AB-101", 7), text(300, 300, "Alder Clay, AB-104", 7),
    ]  # fmt: skip
    assert sorted((v.name, v.code) for v in variants_of(blocks)) == [("Clay", "AB-104"), ("Sand", "AB-101")]


def test_values_of_one_label_are_variants_with_what_is_printed_below_them() -> None:
    blocks = [
        text(60, 200, "Colour: oak"), text(60, 214, "Size: 40 x 40 cm"), text(60, 228, "Price: € 30"),
        text(320, 200, "Colour: walnut"), text(320, 214, "Size: 60 x 40 cm"), text(320, 228, "Price: € 45"),
    ]  # fmt: skip
    assert said(variants_of(blocks)) == [("oak", None, "40 x 40 cm", "€ 30"), ("walnut", None, "60 x 40 cm", "€ 45")]
    assert said(variants_of([text(60, 200, "S, M, L/XL")])) == [
        (size, None, size, None) for size in ("S", "M", "L", "XL")
    ]


def test_captions_of_pictures_are_variants_under_such_a_heading_and_else_parts() -> None:
    boxes = [(60.0 + 170 * k, 200.0, 200.0 + 170 * k, 300.0) for k in range(3)]
    captions = [text(box[0], 304, name, 9) for box, name in zip(boxes, ("Sand", "Clay", "Rust"), strict=True)]
    assert {(v.name, v.grain) for v in variants_of(captions, boxes)} == {(n, "part") for n in ("Sand", "Clay", "Rust")}
    under = variants_of([text(60, 150, "Colours", 14), *captions], boxes)
    assert {v.grain for v in under} == {"variant"}
    assert not variants_of(captions[:2], boxes[:2])


def test_families_have_the_beginning_of_names_or_the_category_in_common() -> None:
    names = [("Window 1", "Frames"), ("Window 2", "Frames"), ("Sill", "Frames"), ("LTM 1050", "Cranes"),
             ("LTM 1090", "Cranes"), ("Lamp", "Light"), ("Stool", None), ("Stool", None)]  # fmt: skip
    products = [found_product(name, category=category) for name, category in names]
    families = ["Window", "Window", "Frames", "Cranes", "Cranes", None, "Stool", "Stool"]
    assert [p.family for p in with_families(products)] == families
