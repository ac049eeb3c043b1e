"""A scraped batch and a folder of pictures, read into the ledger, exported to each shop and read again."""

import csv
import io
import json
from pathlib import Path

import pytest
from shop_readers import READERS
from shop_rows import FULL, PICTURES
from test_google_feed import read_strictly as read_google
from test_shopify import read_strictly
from test_woocommerce import attributes_of
from test_woocommerce import read_strictly as read_woocommerce

from swatchbook.domain.records import NO_MAPPING, IngestOptions, ProductDetails
from swatchbook.doors.export import outside_export
from swatchbook.ingest.begin_run import begin_work
from swatchbook.ingest.register_path import register_folder
from swatchbook.ingest.run import Work
from swatchbook.ingest.scan import scan
from swatchbook.ingest.sources.batch import list_batch
from swatchbook.resources import Resources
from swatchbook.store.ledger.product_codes import code_key, targets_of_codes
from swatchbook.store.ledger.source_items import complete_items
from swatchbook.upkeep.export.formats import Written, write_products
from swatchbook.upkeep.export.product_rows import as_rows, copy_pictures, picture_name, read_products
from swatchbook.upkeep.export.shop_mapping import ShopMapping, ShopOptions
from swatchbook_web.products import list_facts
from tests.ingest.sources.pictures import draw
from tests.tables import text_of

ITEMS = (
    {"id": "1", "title": "Woven rug", "brand": "Nord", "price": 120.5, "currency": "EUR", "file_path": "rug.png",
     "description": "60 × 120 cm;\n=hand made, \"soft\"", "url": "https://shop.example/rug?a=1&b=2"},
    {"id": "2", "title": "=Linen sofa & chair", "brand": "Nord", "price": "900,00 €", "file_path": "sofa.png"},
)  # fmt: skip


def read(resources: Resources, path: Path, owner: str) -> list[ProductDetails]:
    """Read a batch or folder for an owner, and return its products."""
    work = begin_work(resources, register_folder(resources, path, owner=owner, options=IngestOptions()))
    assert isinstance(work, Work)
    scan(resources, work, complete_items(resources.ledger, work.document), progress=lambda done, total: None)
    return list(read_products(resources.ledger, work.document))


def read_table(resources: Resources, folder: Path, text: str) -> list[ProductDetails]:
    """Read a shop's export, whose pictures are a.png, b.png and c.png, and return its products."""
    for number, name in enumerate("abc"):
        draw(folder / f"{name}.png", number)
    (folder / "export.csv").write_text(text)
    return read(resources, folder / "export.csv", "anna")


def exported(
    resources: Resources, products: list[ProductDetails], form: str, options: ShopOptions = FULL
) -> tuple[bytes, Written]:
    out = io.BytesIO()
    rows = (row for product in products for row in as_rows(product))
    written = write_products(rows, form, out, temporary_folder=resources.settings.temporary_folder, options=options)
    return out.getvalue(), written


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    for number, item in enumerate(ITEMS):
        draw(tmp_path / "shop" / str(item["file_path"]), number)
    file = tmp_path / "shop" / "items.jsonl"
    file.write_text("\n".join(map(json.dumps, ITEMS)))
    return file


def test_a_batch_is_what_it_was(tmp_path: Path, resources: Resources, batch: Path) -> None:
    products = read(resources, batch, "anna")
    for form in READERS:
        data, written = exported(resources, products, form)
        assert (written.products, written.skipped) == (2, 0)
        sold, gone = READERS[form](data)
        assert {name.removeprefix("'"): price for name, price in sold.items()} == {
            "Woven rug": "120.50", "=Linen sofa & chair": "900.00",
        }  # fmt: skip
        assert gone == {}
        if form in ("shopify", "woocommerce", "google"):
            names = [PICTURES + picture_name(picture) for each in products for picture in each.pictures]
            (tmp_path / "again").write_bytes(data)
            again = list(list_batch(tmp_path / "again", NO_MAPPING, max_bytes=1 << 24))
            assert [each.title.removeprefix("'") for each in again] == [each.name for each in products]
            assert [float(each.metadata["price"]) for each in again] == [120.5, 900.0]
            assert [picture.path for each in again for picture in each.pictures] == names


BACK_IN_SHOPIFY: dict[str, tuple[tuple[str, ...], list[list[str]]]] = {
    "shopify": (
        ("URL handle", "Option1 name", "Option1 value", "Option2 name", "Option2 value", "Price", "Barcode", "Status"),
        [
            ["wool-shirt", "Size", "S", "Color", "Red", "19.00", "4006381333931", "active"],
            ["wool-shirt", "Size", "M", "Color", "Blue", "29.00", "4006381333948", ""],
            ["old-cap", "Title", "Default Title", "", "", "9.00", "4006381333955", "archived"],
        ],
    ),
    "made": (  # the number is only what the file says
        ("Google Shopping / Manufacturer part number (MPN)",), [["N-7"], ["N-8"], ["N-9"], [""]],
    ),
    "lamps": (
        ("Product category", "Type", "Price", "Compare-at price", "Weight value (grams)"),
        [
            ["Home & Garden > Lighting > Lamps", "Office lamps", "40.00", "55.00", "750"],
            ["", "", "40.00", "", "800"],
            ["Home & Garden > Lighting", "", "4.00", "5.00", "50"],
        ],
    ),
    "free": (  # a price before a reduction is no price
        ("Price", "Status", "Compare-at price"),
        [["19.00", "draft", ""], ["", "", ""], ["", "", ""], ["", "draft", ""]],
    ),
    "unseen": (
        ("Status", "Published on online store"), [["active", "FALSE"], ["unlisted", ""], ["active", ""]],
    ),
    "any_value": (  # of WooCommerce: the option of a variation for any value is any
        ("Option1 name", "Option1 value", "Option2 name", "Option2 value", "Price"),
        [
            ["Colour", "Red", "Width", "Any", "10.00"], ["Colour", "Blue", "Width", "20", "12.00"],
            ["Size", "Any", "", "", "30.00"], ["Size", "L", "", "", ""], ["Variant", "B3-1", "", "", "5.00"],
        ],
    ),
}  # fmt: skip
"""File -> columns, and their cells in the rows of Shopify's file."""


@pytest.mark.parametrize("file", BACK_IN_SHOPIFY)
def test_rows_come_back_in_shopify(tmp_path: Path, resources: Resources, file: str) -> None:
    products = read_table(resources, tmp_path / "shop", text_of(__file__, file))
    names, rows = BACK_IN_SHOPIFY[file]
    shown = read_strictly(exported(resources, products, "shopify")[0]).values()
    assert [[row.get(name, "") for name in names] for of_product in shown for row in of_product] == rows
    if file == "shopify":
        for form in ("jsonld", "woocommerce"):
            assert b"wool-shirt" not in exported(resources, products, form)[0], "a handle is no code"
    if file == "made":
        assert "mpn" not in products[0].metadata, "each variant has its own"
    if file == "lamps":
        assert [each.category for each in products] == ["Office lamps", "Home & Garden > Lighting"]


def test_what_not_everybody_is_offered_stays_so(tmp_path: Path, resources: Resources) -> None:
    products = read_table(resources, tmp_path / "shop", text_of(__file__, "unseen"))
    rows = read_woocommerce(exported(resources, products, "woocommerce")[0])
    assert [(row["Published"], row["Visibility in catalog"]) for row in rows] == [
        ("0", "visible"), ("1", "hidden"), ("1", "visible"),
    ]  # fmt: skip
    for form in ("google", "jsonld", "bmecat", "akeneo"):
        data, written = exported(resources, products, form)
        assert len(READERS[form](data)[0]) == 1
        assert [each.reason for each in written.skipped_products] == ["its status is hidden", "its status is unlisted"]


def test_alt_texts_of_shopify_come_back(tmp_path: Path, resources: Resources) -> None:
    """A variant's name is behind the caption of its picture, so that it is found by it, and not in the alt text."""
    products = read_table(resources, tmp_path / "shop", text_of(__file__, "alt_texts"))
    assert {each.caption for each in products[0].pictures} == {
        "Side view: a lamp in the dark: Red", "Dark Blue", "The lamp's foot",
    }  # fmt: skip
    (rows,) = read_strictly(exported(resources, products, "shopify")[0]).values()
    assert {row["Image alt text"] for row in rows} == {"Side view: a lamp in the dark", "Desk lamp", "The lamp's foot"}
    assert rows[0]["Description"] == "For a desk"
    kept = FULL.model_copy(update={"mapping": ShopMapping(fields={"description": None})})
    (rows,) = read_strictly(exported(resources, products, "shopify", kept)[0]).values()
    assert "Description" not in rows[0], "so that the shop keeps its own"


def test_sales_weights_and_categories_of_woocommerce_come_back(tmp_path: Path, resources: Resources) -> None:
    products = read_table(resources, tmp_path / "shop", text_of(__file__, "woo"))
    rows = read_woocommerce(exported(resources, products, "woocommerce")[0])
    names = ("Categories", "Regular price", "Sale price", "Date sale price ends", "Weight (kg)")
    assert [[row.get(name, "") for name in names] for row in rows] == [
        ["Garden > Tables, Sale", "120.00", "99.00", "2020-02-01", "14.5"],
        ["Garden\\, outside, New", "", "", "", ""],
        ["", "60.00", "45.00", "", "3"],
        ["", "60.00", "", "", "3.2"],
    ]
    assert attributes_of(rows[0]) == {"Wood": ["Oak, oiled", "Teak"], "price unit": ["piece"]}
    assert attributes_of(rows[1]) == {"Farbe": ["Red", "Blue"], "price unit": ["piece"]}


def test_woocommerce_attributes_are_exported_as_they_were_read(tmp_path: Path, resources: Resources) -> None:
    products = read_table(resources, tmp_path / "shop", text_of(__file__, "own"))
    assert (products[0].metadata["color"], products[1].metadata["material"]) == ("Marrone, Nero", "Alluminio, Acciaio")
    written = list(csv.DictReader(io.StringIO(exported(resources, products, "woocommerce", ShopOptions())[0].decode())))
    for given, row in zip(csv.DictReader(io.StringIO(text_of(__file__, "own"))), written, strict=True):
        assert {name: row[name] for name in given if name.startswith("Attribute")} == {
            name: value for name, value in given.items() if name.startswith("Attribute")
        }
        assert "Attribute 3 name" not in row
    assert "shop_attributes" in products[0].metadata
    assert "shop_attributes" not in {each.key for each in list_facts(products[0])}, "no text for people"


def test_variation_for_any_value_is_exported_as_read(tmp_path: Path, resources: Resources) -> None:
    products = read_table(resources, tmp_path / "shop", text_of(__file__, "any_value"))
    assert products[1].metadata["size"] == "S, L"
    rows = read_woocommerce(exported(resources, products, "woocommerce", ShopOptions())[0])
    assert [(row["SKU"], row["Regular price"]) for row in rows] == [
        ("B1", ""), ("B1-R", "10.00"), ("B1-B20", "12.00"), ("B2", ""), ("B2-ANY", "30.00"), ("B2-L", ""),
        ("B3", ""), ("B3-1", "5.00"),
    ]  # fmt: skip
    for given, row in list(zip(csv.DictReader(io.StringIO(text_of(__file__, "any_value"))), rows, strict=True))[:6]:
        attributes = {
            name: value for name, value in given.items() if name.startswith("Attribute") and "global" not in name
        }
        assert {name: row[name] for name in attributes} == attributes
        assert not row.get("Attribute 3 name")
    assert [item["size"] for item in read_google(exported(resources, products, "google")[0])[2:3]] == [["S, L"]]


def test_what_else_woocommerce_keeps_comes_back(tmp_path: Path, resources: Resources) -> None:
    products = read_table(resources, tmp_path / "shop", text_of(__file__, "kept"))
    counted = ShopOptions(mapping=ShopMapping(fields={"Stock": "{stock}", "ID": "{shop_id}"}))
    rows = read_woocommerce(exported(resources, products, "woocommerce", counted)[0])
    names = (
        "ID", "Visibility in catalog", "Short description", "Description", "Stock", "Backorders allowed?", "Tags",
        "Weight (kg)", "Length (cm)", "Width (cm)", "Height (cm)",
    )  # fmt: skip
    assert [[row[name] for name in names] for row in rows] == [
        ["1", "search", "Yellow &amp; soft", "Made of wood.", "500", "", "school, black\\, red", "", "", "", ""],
        ["2", "hidden", "Woven", "", "", "", "", "", "300", "200", "1.5"],
        ["3", "visible", "", "", "0", "notify", "", "0.907", "100", "200", "1.5"],
        ["4", "visible", "", "", "7", "", "", "", "300", "200", "1.5"],
    ]
    assert [attributes_of(row) for row in rows[:2]] == [{}, {"Size": ["S", "L"]}], "neither an id nor measures"
    assert "Stock" not in read_woocommerce(exported(resources, products, "woocommerce", ShopOptions())[0])[0]
    (pencil,), (rug, _) = read_strictly(exported(resources, products, "shopify", ShopOptions())[0]).values()
    assert (pencil["Tags"], rug["Status"], rug["Description"]) == ("school, black, red", "unlisted", "Woven")


def test_pictures_of_variations_stay_out_of_the_gallery(tmp_path: Path, resources: Resources) -> None:
    """A picture that the product has, too, stays in both places."""
    text = (
        "ID,Type,SKU,Name,Regular price,Images,Parent,Attribute 1 name,Attribute 1 value(s)\n"
        '1,variable,P,Paste,,"a.png, b.png",,Taste,"Tuna, Beef"\n'
        "2,variation,P-1,Paste - Tuna,1.49,b.png,P,Taste,Tuna\n3,variation,P-2,Paste - Beef,1.49,c.png,P,Taste,Beef\n"
    )
    products = read_table(resources, tmp_path, text)
    a, b, c = map(picture_name, products[0].pictures)
    rows = read_woocommerce(exported(resources, products, "woocommerce", ShopOptions())[0])
    assert [row["Images"] for row in rows] == [f"{a}, {b}", b, c]
    shown = read_strictly(exported(resources, products, "shopify")[0])
    assert [len(each) for each in shown.values()] == [3]


def test_products_without_a_sku_are_found_by_id(tmp_path: Path, resources: Resources) -> None:
    products = read_table(resources, tmp_path / "shop", text_of(__file__, "without_sku"))
    by_id = ShopOptions(mapping=ShopMapping(fields={"ID": "{shop_id}"}))
    rows = read_woocommerce(exported(resources, products, "woocommerce", by_id)[0])
    assert [(row["ID"], row["Parent"]) for row in rows] == [("7", ""), ("8", "id:7"), ("9", "id:7")]
    rows = read_woocommerce(exported(resources, products, "woocommerce", ShopOptions())[0])
    assert {row["Parent"] for row in rows[1:]} == {rows[0]["SKU"]}, "another shop has other ids"


def test_a_folder_of_pictures_has_titles_and_pictures(tmp_path: Path, resources: Resources) -> None:
    for number, name in enumerate(("oak.png", "slate.jpg", "sub/linen.webp")):
        draw(tmp_path / "pictures" / name, number)
    products = read(resources, tmp_path / "pictures", "anna")
    data, written = exported(resources, products, "jsonld")
    assert written.products == 3
    graph = json.loads(data)["@graph"]
    assert {thing["name"] for thing in graph} == {each.name for each in products}
    assert all("offers" not in thing for thing in graph), "nobody knows a price"
    folder = tmp_path / "copies"
    folder.mkdir()
    assert [name for each in products for name in copy_pictures(resources.files, each, folder)] == []
    named = {thing["image"][0].removeprefix(PICTURES) for thing in graph}
    assert named == {path.name for path in folder.iterdir()}
    assert all("file:" not in exported(resources, products, form)[0].decode() for form in READERS)
    _, google = exported(resources, products, "google")
    assert {each.reason for each in google.skipped_products} == {"price is not known"}


def test_owners_of_the_same_batch_share_no_key(resources: Resources, batch: Path) -> None:
    annas, berts = (read(resources, batch, owner) for owner in ("anna", "bert"))
    for form in READERS:
        anna, bert = (exported(resources, products, form)[0].decode() for products in (annas, berts))
        assert READERS[form](anna.encode()) == READERS[form](bert.encode())
        for key in (each.id for each in annas):
            assert key in anna or key.replace("-", "") in anna
            assert key not in bert
            assert key.replace("-", "") not in bert


def test_what_is_not_sold_stays_unsold(tmp_path: Path, resources: Resources) -> None:
    products = read_table(resources, tmp_path / "shop", text_of(__file__, "sold"))
    for form in READERS:
        data, written = exported(resources, products, form)
        private = [] if form == "woocommerce" else [("Chair, Blue", "its status is private")]
        assert [(each.name, each.reason) for each in written.skipped_products] == [
            *private, ("Elsewhere", "the shop sells it as external product"),
            ("Alone", "the shop sells it as variation of P-0"),
        ]  # fmt: skip
        assert (b"C-2" in data) == (form == "woocommerce"), "the variation is private"
        if form == "woocommerce":
            chair, red, blue, green, out = read_woocommerce(data)
            assert [row["SKU"] for row in (chair, red, blue, green, out)] == ["C-0", "C-1", "C-2", "C-3", "S-1"]
            assert [row["Published"] for row in (chair, red, blue, green, out)] == ["1", "1", "0", "1", "1"]
            assert [row["In stock?"] for row in (red, green, out)] == ["0", "1", "0"]
            assert [row["Attribute 1 global"] for row in (chair, red)] == ["1", "1"]
        if form == "google":
            stock = {item["id"][0]: item["availability"][0] for item in read_google(data)}
            assert stock == {"C-1": "out_of_stock", "C-3": "in_stock", "S-1": "out_of_stock"}


def test_documents_that_are_not_completed_are_told(resources: Resources, batch: Path) -> None:
    register_folder(resources, batch, owner="anna", options=IngestOptions())
    assert outside_export(resources.ledger, []).unfinished == (batch.name,)


IDENTIFIERS = {"id": "ID-4711", "code": "CODE-7", "sku": "SKU-9", "mpn": "MPN-8", "gtin": "4006381333931"}
"""All different, as a shop's file may have them, and none that an id of hexadecimal digits could hold by chance."""


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_each_identifier_stays_and_finds_its_product(tmp_path: Path, resources: Resources, suffix: str) -> None:
    draw(tmp_path / "rug.png", 0)
    item = {**IDENTIFIERS, "title": "Woven rug", "price": "20 EUR", "image": "rug.png", "isbn": "9783161484100"}
    lines = [json.dumps(item)] if suffix == "jsonl" else [",".join(item), ",".join(item.values())]
    (tmp_path / f"items.{suffix}").write_text("\n".join(lines))
    (product,) = read(resources, tmp_path / f"items.{suffix}", "anna")
    kept = {"item_id": "ID-4711", "sku": "SKU-9", "mpn": "MPN-8", "gtin": "4006381333931", "isbn": "9783161484100"}
    assert (product.code, {name: product.metadata.get(name) for name in kept}) == ("CODE-7", kept)
    asked = [str(code_key(each)) for each in (*IDENTIFIERS.values(), "9783161484100")]
    found = targets_of_codes(resources.ledger, "product", ["anna"], asked)
    assert found == {each: [product.id] for each in asked}
    for form in READERS:
        data, _ = exported(resources, [product], form)
        lost = {name for name, value in IDENTIFIERS.items() if value.encode() not in data}
        assert lost == {"id"} | _WITHOUT_PLACE.get(form, set()), form
    own, _ = exported(resources, [product], "jsonl", ShopOptions())
    assert all(value.encode() in own for value in IDENTIFIERS.values())


_WITHOUT_PLACE = {"shopify": {"code"}, "google": {"code"}, "akeneo": {"code", "mpn", "gtin"}}
"""Format -> identifiers that it has no column for, unless a mapping names one."""
