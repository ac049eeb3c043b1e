"""Items of files in the formats of shops and scrapers: each comes in with what its file says, without any mapping."""

from pathlib import Path

import pytest
from openpyxl import Workbook

from swatchbook.records import NO_MAPPING
from swatchbook.sources.batch import list_batch
from swatchbook.sources.listed import ListedItem
from tests.sources.pictures import draw

SHAPES = Path(__file__).parent / "shapes"

Expected = tuple[str, str, str | None, str | None, str | None, str | None, tuple[str, ...]]
"""id, title, price, currency, brand, category, pictures"""

SHOPIFY = "https://cdn.shopify.com"

EXPECTED: dict[str, list[Expected]] = {
    "shopify_products.json": [
        ("6795", "Wool rug", "129", None, "Nordvik", "Rugs",
         (f"{SHOPIFY}/s/files/1.jpg?v=1", f"{SHOPIFY}/s/files/2.jpg?v=1")),
    ],
    "shopify_export.csv": [
        ("linen-cushion", "Linen cushion", "29", None, "Nordvik", "Cushions",
         (f"{SHOPIFY}/c1.jpg?v=1", f"{SHOPIFY}/c2.jpg?v=1", f"{SHOPIFY}/c3.jpg?v=1")),
        ("wool-throw", "Wool throw", "119", None, "Nordvik", "Throws", (f"{SHOPIFY}/t1.jpg",)),
    ],
    "woocommerce_export.csv": [
        ("44", "Hoodie", "42", None, "Woo", "Clothing > Hoodies",
         ("https://w.example/h1.jpg", "https://w.example/h2.jpg", "https://w.example/h-blue.jpg")),
        ("45", "Beanie", "18", None, "Woo", "Clothing > Accessories", ("https://w.example/b.jpg",)),
    ],
    "google_merchant.xml": [
        ("OAK1", "Oak floor g", "49.90", "EUR", "Nordvik", "Home & Garden > Floors",
         ("https://s.example/oak.jpg", "https://s.example/oak2.jpg")),
    ],
    "google_merchant.tsv": [
        ("T-1", "Birch stool", "59", "EUR", "Nordvik", "Furniture > Stools",
         ("https://s.example/t1.jpg", "https://s.example/t1b.jpg", "https://s.example/t1c.jpg")),
        ("T-2", "Pine bench", "149", "EUR", "Nordvik", "Furniture > Benches", ("https://s.example/t2.jpg",)),
    ],
    "yandex_yml.xml": [
        ("12", "Ковёр", "1200", "RUB", "Норд", "Мебель > Ковры", ("http://m.example/1.jpg", "http://m.example/2.jpg")),
    ],
    "german_shop.csv": [
        ("4711", 'Sofa "Nord"', "1299", "EUR", "Nordvik", "Wohnen > Sofas", ("https://shop.example/a.jpg",)),
        ("4712", "Stuhl", "89.50", "EUR", "Nordvik", "Wohnen > Stühle", ("https://shop.example/b.jpg",)),
    ],
    "german_headers.csv": [
        ("D-1", "Leinenkissen", "29.90", "EUR", "Nordvik", "Wohnen > Textil > Kissen", ("https://d.example/kissen.jpg",)),
        ("D-2", "Wolldecke", "119", "EUR", "Nordvik", "Wohnen > Textil > Decken", ("https://d.example/decke.jpg",)),
    ],
    "breadcrumbs.json": [
        ("B-1", "Brass hook", "$1,095.50", None, "Haken", "Hardware > Hooks", ("https://b.example/hook.jpg",)),
        ("B-2", "Steel hook", "9", "CAD", "Haken", "Hardware > Hooks", ("https://b.example/steel.jpg",)),
    ],
    "heureka.xml": [
        ("AB123", "Koberec Vlna 120x170", "1290", "CZK", "Nordvik", "Heureka.cz > Dům a zahrada > Koberce",
         ("https://obchod.example/k.jpg", "https://obchod.example/k2.jpg")),
        ("AB124", "Polštář", "199.90", None, "Nordvik", "Heureka.cz > Dům a zahrada > Polštáře",
         ("https://obchod.example/p.jpg",)),
    ],
    "awin.csv": [
        ("21034", "Oak table", "499", "GBP", "Nordvik", "Furniture > Tables", ("https://m.example/oak.jpg",)),
        ("21035", "Ash chair", "149.50", "GBP", "Nordvik", "Furniture > Chairs", ("https://m.example/ash.jpg",)),
    ],
    "awin.xml": [
        ("21034", "Oak table", "499", "GBP", "Nordvik", "Furniture > Tables", ("https://m.example/oak.jpg",)),
        ("21035", "Ash chair", "149.50", "GBP", "Nordvik", "Furniture > Chairs", ("https://m.example/ash.jpg",)),
    ],
    "rss_media.xml": [
        ("p-77", "Clay vase", "35", "EUR", "Kilnhaus", "Decor > Vases", ("https://r.example/vase.jpg",)),
        ("p-78", "Clay bowl", "22.50", "EUR", "Kilnhaus", "Decor > Bowls", ("https://r.example/bowl.jpg",)),
    ],
    "scrapy.jsonl": [
        ("https://s.example/p/1", "Cork tile", "12.90", "EUR", "Korka", "Floors > Cork", ("https://s.example/i/1.jpg",)),
        ("https://s.example/p/2", "Cork roll", "19.90", "EUR", "Korka", "Floors > Cork", ("https://s.example/i/2.jpg",)),
    ],
    "photo_objects.json": [
        ("901", "Brass lamp", "89.50", "SEK", "Lampa", "Lighting > Table lamps > Brass", ("https://l.example/img/lamp-l.jpg",)),
        ("902", "Paper lamp", "49", "SEK", "Lampa", "Lighting > Table lamps > Paper", ("https://l.example/img/paper-l.jpg",)),
    ],
    "json_ld.json": [
        ("https://j.example/slate", "Slate tile", "39.90 – 59.90", "EUR", "Skifer", "Tiles > Slate",
         ("https://j.example/slate.jpg", "https://j.example/slate2.jpg")),
        ("https://j.example/marble", "Marble tile", "89", "EUR", "Skifer", "Tiles > Marble",
         ("https://j.example/marble.jpg",)),
    ],
    "pipes.csv": [
        ("P-1", "Jute rug", "89", "EUR", "Nordvik", "Rugs > Jute > Round",
         ("https://p.example/j1.jpg", "https://p.example/j2.jpg")),
        ("P-2", "Sisal rug", "129", "EUR", "Nordvik", "Rugs > Sisal > Square", ("https://p.example/s1.jpg",)),
    ],
    "pandas_columns.json": [
        ("https://t.example/mug", "Tin mug", "$12.00", None, "Blik", "Kitchen", ("https://t.example/mug.jpg",)),
        ("https://t.example/plate", "Tin plate", "$9.50", None, "Blik", "Kitchen", ("https://t.example/plate.jpg",)),
    ],
    "flipkart_style.csv": [
        ("SRT1", "Cotton Bedsheet", "379", None, "Blossom", "Home Furnishing > Bed Linen > Bedsheets",
         ("http://f.example/1.jpeg", "http://f.example/2.jpeg")),
        ("SRT2", "Cotton Towel", "299", None, "Blossom", "Home Furnishing > Bath Linen > Towels",
         ("http://f.example/3.jpeg",)),
    ],
    "excel_french.csv": [
        ("R1", "Lampe à pied « Été »", "1249", "EUR", "Lumière", "Luminaires > Lampes", ("https://fr.example/l1.jpg",)),
        ("R2", "Abat-jour brodé", "49.90", "EUR", "Lumière", "Luminaires > Abat-jour", ("https://fr.example/l2.jpg",)),
    ],
    "woo_store_api.json": [
        ("34", "Album", "15", "USD", "Woo", "Music", ("https://w.example/a.jpg",)),
        ("35", "Single", "3", "USD", "Woo", "Music", ("https://w.example/s.jpg",)),
    ],
    "by_sku.json": [
        ("AX-1", "Fliese grau", "24.90", None, "Stein", "Fliesen",
         ("https://cdn.x.example/g1.jpg", "https://cdn.x.example/g2.jpg")),
        ("AX-2", "Fliese weiß", "19.90", None, "Stein", "Fliesen", ("https://cdn.x.example/w1.jpg",)),
    ],
}  # fmt: skip

LATER: dict[str, list[Expected]] = {
    "ceneo.xml": [
        ("C1", "Dywan wełniany", "149.99", None, "Nordvik", "Dom i wnętrze > Dywany > Wełniane",
         ("https://c.example/1.jpg", "https://c.example/1b.jpg")),
        ("C2", "Dywan jutowy", "89", None, "Nordvik", "Dom i wnętrze > Dywany > Jutowe", ("https://c.example/2.jpg",)),
    ],
    "magento.csv": [
        ("24-MB01", "Joust Duffle Bag", "29", None, "Luma", "Default Category > Gear > Bags",
         ("https://m2.example/mb01.jpg", "https://m2.example/mb01b.jpg", "https://m2.example/mb01c.jpg")),
        ("24-MB04", "Strive Pack", "32", None, "Luma", "Default Category > Gear > Bags", ("https://m2.example/mb04.jpg",)),
    ],
    "prestashop.csv": [
        ("1", "Hummingbird mug", "14.28", None, "Graphic Corner", "Home,Accessories",
         ("https://ps.example/1.jpg", "https://ps.example/2.jpg")),
        ("2", "Mountain cushion", "22.68", None, "Studio Design", "Home,Accessories", ("https://ps.example/3.jpg",)),
    ],
    "etsy.json": [
        ("1001", "Ceramic planter", "42.50", "USD", "Kilnhaus", "Home & Living > Planters", ("https://i.example/full.jpg",)),
        ("1002", "Ceramic mug", "28", "USD", "Kilnhaus", "Home & Living > Mugs", ("https://i.example/fullb.jpg",)),
    ],
    "google_atom.xml": [
        ("tddy123uk", "LG flatscreen", "159", "USD", "LG", "Electronics > Video > Televisions", ("https://a.example/lg.jpg",)),
        ("sony1", "Sony radio", "59", "USD", "Sony", "Electronics > Audio", ("https://a.example/sony.jpg",)),
    ],
    "utf16.txt": [
        ("U1", "Ölfarbe weiß", "1029", "EUR", "Farbwerk", "Farben > Öl", ("https://u.example/1.jpg",)),
        ("U2", "Pinsel", "9.90", "EUR", "Farbwerk", "Werkzeug > Pinsel",
         ("https://u.example/2.jpg", "https://u.example/2b.jpg")),
    ],
    "woo_rest.json": [
        ("794", "Premium Quality", "21.99", None, "Woo", "Clothing > T-shirts",
         ("https://w.example/front.jpg", "https://w.example/back.jpg")),
    ],
    "apify_shop.json": [
        ("B0001", "Desk organizer", "24.99", "$", "Nordvik", "Office > Desk > Organizers",
         ("https://am.example/h1.jpg", "https://am.example/h2.jpg")),
        ("B0002", "Pen tray", None, None, "Nordvik", "Office > Desk > Trays", ("https://am.example/t2.jpg",)),
    ],
    "shopify_graphql.json": [
        ("gid://shopify/Product/1", "Felt coaster", "12", "EUR", "Filz", "Coasters",
         ("https://g.example/f1.jpg", "https://g.example/f2.jpg")),
        ("gid://shopify/Product/2", "Felt bag", "45", "EUR", "Filz", "Bags", ("https://g.example/b1.jpg",)),
    ],
    "elastic.jsonl": [
        ("E1", "Glass jar", "7.95", "EUR", "Glas", "Kitchen > Storage", ("https://e.example/j.jpg",)),
        ("E2", "Glass bottle", "9.95", "EUR", "Glas", "Kitchen", ("https://e.example/b.jpg",)),
    ],
}  # fmt: skip
"""Formats written before the rules were tried on any, and run only when these were done: 7 of 10 were then read."""


def listed(path: Path) -> list[ListedItem]:
    return list(list_batch(path, NO_MAPPING, max_bytes=1 << 20))


def shown(item: ListedItem) -> Expected:
    assert item.failure is None, f"{item.item}: {item.failure}"
    values = (item.metadata.get(name) for name in ("price", "currency", "brand", "category"))
    price, currency, brand, category = values
    return item.item, item.title, price, currency, brand, category, tuple(picture.path for picture in item.pictures)


@pytest.mark.parametrize("name", EXPECTED)
def test_items_are_as_their_file_says(name: str) -> None:
    assert [shown(item) for item in listed(SHAPES / name)] == EXPECTED[name]


@pytest.mark.parametrize("name", LATER)
def test_formats_kept_aside_are_read(name: str) -> None:
    assert [shown(item) for item in listed(SHAPES / "later" / name)] == LATER[name]


def test_excel_is_read_by_its_best_sheet(tmp_path: Path) -> None:
    workbook = Workbook()
    workbook.active.append(["Notes"])
    sheet = workbook.create_sheet("Products")
    sheet.append(["Price list 2024"])
    sheet.append(["Item no.", "Product name", "Price", "Currency", "Brand", "Category", "Image"])
    sheet.append([1001, "Oak panel", 129.5, "EUR", "Nordvik", "Panels", "https://x.example/oak.jpg"])
    sheet.append([1002, "Ash panel", 99, "EUR", "Nordvik", "Panels", "https://x.example/ash.jpg"])
    workbook.save(tmp_path / "prices.xlsx")
    assert [shown(item) for item in listed(tmp_path / "prices.xlsx")] == [
        ("1001", "Oak panel", "129.50", "EUR", "Nordvik", "Panels", ("https://x.example/oak.jpg",)),
        ("1002", "Ash panel", "99", "EUR", "Nordvik", "Panels", ("https://x.example/ash.jpg",)),
    ]


def test_no_price_is_none_and_first_local_picture_counts(tmp_path: Path) -> None:
    for number, name in enumerate(("pine", "oak")):
        draw(tmp_path / "pictures" / f"{name}.png", number)
    file = tmp_path / "items.jsonl"
    file.write_bytes((SHAPES / "local_pictures.jsonl").read_bytes())
    assert [shown(item) for item in listed(file)] == [
        ("1", "Pine box", None, None, None, "Boxes", ("pictures/pine.png",)),
        ("2", "Oak box", None, None, None, "Boxes", ("pictures/oak.png", "pictures/pine.png")),
    ]


def test_alternative_text_is_the_caption() -> None:
    captions = {name: [p.caption for item in listed(SHAPES / name) for p in item.pictures] for name in EXPECTED}
    assert captions["shopify_products.json"] == ["Rug from above", None]
    assert captions["shopify_export.csv"] == ["Cushion in sand", "Cushion from the side", None, None]
    assert captions["woo_store_api.json"] == ["Cover of the album", None]
    assert captions["json_ld.json"][0] == "Slate in a bath"
