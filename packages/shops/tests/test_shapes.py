"""Items of files in the formats of shops and scrapers: each comes in with what its file says, without any mapping."""

from pathlib import Path
from typing import Any

from openpyxl import Workbook

from swatchbook.domain.records import NO_MAPPING
from swatchbook.ingest.sources.batch import list_batch
from swatchbook.ingest.sources.listed import ListedItem
from tests.ingest.sources.pictures import draw
from tests.tables import check_rows, rows_of

SHAPES = Path(__file__).parent / "shapes"


EXPECTED: dict[str, list[Any]] = dict(rows_of(__file__, "as_their_file_says"))
"""File -> its items: id, title, price, currency, brand, category, pictures."""


def listed(path: Path) -> list[ListedItem]:
    return list(list_batch(path, NO_MAPPING, max_bytes=1 << 20))


def shown(item: ListedItem) -> list[Any]:
    assert item.failure is None, f"{item.item}: {item.failure}"
    values = (item.metadata.get(name) for name in ("price", "currency", "brand", "category"))
    return [item.item, item.title, *values, [picture.path for picture in item.pictures]]


def test_items_are_as_their_file_says() -> None:
    """The later ones were written before the rules were tried on any, and run only when these were done: 7 of 10 were
    read.
    """
    for table, folder in (("as_their_file_says", SHAPES), ("kept_aside", SHAPES / "later")):
        check_rows(__file__, table, lambda name, folder=folder: [shown(item) for item in listed(folder / name)])


def test_excel_is_read_by_its_best_sheet(tmp_path: Path) -> None:
    workbook = Workbook()
    workbook.active.append(["Notes"])
    sheet = workbook.create_sheet("Products")
    sheet.append(["Price list 2024"])
    sheet.append(["Item no.", "Product name", "Price", "Currency", "Brand", "Category", "Image"])
    rows = [[1001, "Oak panel", 129.5, "EUR", "Nordvik", "Panels", "https://x.example/oak.jpg"]]
    rows += [[1002, "Ash panel", 99, "EUR", "Nordvik", "Panels", "https://x.example/ash.jpg"]]
    for row in rows:
        sheet.append(row)
    workbook.save(tmp_path / "prices.xlsx")
    assert [shown(item) for item in listed(tmp_path / "prices.xlsx")] == [
        [str(number), name, price, *others, [picture]]
        for (number, name, _, *others, picture), price in zip(rows, ("129.50", "99"), strict=True)
    ]


def test_empty_prices_and_missing_pictures_are_skipped(tmp_path: Path) -> None:
    for number, name in enumerate(("pine", "oak")):
        draw(tmp_path / "pictures" / f"{name}.png", number)
    file = tmp_path / "items.jsonl"
    file.write_bytes((SHAPES / "local_pictures.jsonl").read_bytes())
    pine, oak = "pictures/pine.png", "pictures/oak.png"
    assert [shown(item) for item in listed(file)] == [
        ["1", "Pine box", None, None, None, "Boxes", [pine]], ["2", "Oak box", None, None, None, "Boxes", [oak, pine]],
    ]  # fmt: skip


def test_alternative_text_is_the_caption() -> None:
    captions = {name: [p.caption for item in listed(SHAPES / name) for p in item.pictures] for name in EXPECTED}
    assert captions["shopify_products.json"] == ["Rug from above", None]
    assert captions["shopify_export.csv"] == ["Cushion in sand", "Cushion from the side", None, None]
    assert captions["woo_store_api.json"] == ["Cover of the album", None]
    assert captions["json_ld.json"][0] == "Slate in a bath"
