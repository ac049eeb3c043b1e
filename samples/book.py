"""The book: cover, index, dividers and the rest of the pages without products, and the order of all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from samples.content import HOUSE, TITLE, Product, load_categories, load_products
from samples.layout import (
    ACCENTS,
    LEFT,
    RIGHT,
    TEMPLATES,
    Hand,
    accent,
    end,
    frame,
    opener,
    pixels,
    seed_of,
    small_colours,
    small_start,
    stuff,
)
from samples.sheet import INK, MUTED, PAPER, WHITE, Box, Placed, Sheet
from samples.shots import Shot

UNNUMBERED = 2  # leaves before printed page 1


def _backdrop(
    sheet: Sheet, box: Box, product: Product, room: tuple[str, str], decor: int, number: int, kind: str
) -> None:
    name, use = room
    shot = Shot(
        kind,
        (stuff(product, number, tiled=True),),
        pixels(box),
        seed_of("backdrop", name),
        name,
        use,
        frame(box, 0.42, 0.55, 1.0),
        True,
        decor,
    )
    sheet.picture(Placed(box, shot, product.edition, None, "backdrop"))


def cover(product: Product, kind: str) -> Sheet:
    sheet = Sheet("cover")
    _backdrop(sheet, (0, 196, sheet.width, 842), product, product.scenes[0], 1, 3, kind)
    sheet.text(LEFT, 76, HOUSE, 15, "bold")
    sheet.text(LEFT, 138, TITLE, 46, "serif")
    sheet.text(LEFT, 166, "Surfaces, floors and fabrics for houses that stay", 13, "italic", MUTED)
    return sheet


def about(product: Product) -> Sheet:
    sheet = Sheet("about", heading=(1, "About us", 60))
    sheet.text(LEFT, 96, "About us", 34, "serif")
    y = 140.0
    for words in (
        "Halden & Rue began in 1968 as a tile depot behind a railway station. Three generations on, we still buy what "
        "we would lay at home, and we still answer the telephone ourselves.",
        "We visit every quarry, mill, kiln and tannery in this book at least once a year. What we cannot trace, we do "
        "not sell. Eighty-one of every hundred kilometres our goods travel are by rail or water.",
        "The showrooms in the harbour quarter hold all colours of this book as full-size samples. Bring your plans, "
        "your doubts and, if you like, your dog.",
    ):
        y = sheet.paragraph(LEFT, y, 330, words, 10) + 8
    _backdrop(sheet, (LEFT, 400, RIGHT, 770), product, product.scenes[0], 0, 2, "scene")
    return sheet


def contents(products: Iterable[tuple[Product, int]], others: Sequence[tuple[str, int]]) -> Sheet:
    """The index, with printed page numbers (not those of the file)."""
    sheet = Sheet("contents", heading=(1, "Contents", 60))
    sheet.text(LEFT, 96, "Contents", 34, "serif")
    listed = list(products)
    step = min(25.0, 560 / (len(listed) + len(others) + len(load_categories())))
    size, y, category = min(11.0, step * 0.62), 134.0, ""
    for product, page in listed:
        if product.category != category:
            category = product.category
            y += step * 0.9
            sheet.text(LEFT, y, category, size * 0.8, "bold", accent(category))
            y += step * 0.9
        sheet.text(LEFT, y, product.name, size, "serif")
        sheet.text(230, y, product.kind, size * 0.8, "sans", MUTED)
        sheet.text(RIGHT, y, str(page - UNNUMBERED), size, "serif", align="right")
        sheet.rule(LEFT, y + size * 0.45, RIGHT)
        y += step
    for words, page in others:
        y += step * 0.8
        sheet.text(LEFT, y, words, size, "serif", MUTED)
        sheet.text(RIGHT, y, str(page - UNNUMBERED), size, "serif", align="right")
    return sheet


def divider(category: str, product: Product) -> Sheet:
    sheet = Sheet("section", heading=(1, category, 60))
    tone = accent(category)
    sheet.panel((0, 0, sheet.width, sheet.height), tone)
    _backdrop(sheet, (LEFT, 60, RIGHT, 520), product, product.scenes[1], 3, 4, "scene")
    sheet.text(LEFT, 610, category, 38, "serif", WHITE)
    sheet.paragraph(LEFT, 650, 330, load_categories()[category], 13, "italic", (248, 240, 230))
    return sheet


def certificates() -> Sheet:
    sheet = Sheet("certificates", heading=(1, "Certificates", 60))
    sheet.text(LEFT, 96, "Certificates", 34, "serif")
    rows = (
        ("Clear Air Gold", "Emissions after 28 days below a fifth of the limit", "CA-2231-24"),
        ("Fair Source", "Origin of wood, cork and hides traced to the holding", "FS-0817-25"),
        ("Long Life 30", "Thirty years' guarantee on wear of tiles and stone", "LL-30-118"),
        ("EN 14411", "Ceramic tiles: definition, classification, marking", "DoP 114-26"),
        ("EN 13748-1", "Terrazzo tiles for internal use", "DoP 121-26"),
        ("EN 14342", "Wood flooring: evaluation of conformity", "DoP 130-26"),
        ("EN 1307", "Textile floor coverings: classification of use", "DoP 142-26"),
    )
    for k, (name, words, number) in enumerate(rows):
        y = 160 + 84 * k
        tone = ACCENTS[k % len(ACCENTS)]
        sheet.ring(LEFT + 26, y, 26, tone, 1.6)
        sheet.ring(LEFT + 26, y, 20, tone, 0.5)
        sheet.text(LEFT + 26, y + 4, name[:2].upper(), 12, "bold", tone, align="centre")
        sheet.text(LEFT + 74, y - 6, name, 12, "serif")
        sheet.text(LEFT + 74, y + 10, words, 8.6, "sans", MUTED)
        sheet.text(RIGHT, y - 6, number, 8.6, align="right")
    return sheet


def contact() -> Sheet:
    sheet = Sheet("contact", heading=(1, "Contact", 60))
    sheet.panel((0, 0, sheet.width, sheet.height), PAPER)
    sheet.text(LEFT, 96, "Contact", 34, "serif")
    for k, line in enumerate(
        (
            "Halden & Rue",
            "Showroom and depot",
            "Quay 14, Harbour Quarter",
            "Monday to Saturday, 9 to 18 h",
            "+00 55 0123 0",
            "hello@haldenrue.example",
        )
    ):
        sheet.text(LEFT, 150 + 20 * k, line, 10.5, "sans" if k else "bold")
    sheet.paragraph(
        LEFT,
        700,
        360,
        "Colours in print are approximations. Prices are recommended retail prices including tax, valid until the "
        "next edition. All names in this book are invented.",
        8,
        "sans",
        MUTED,
    )
    return sheet


# --- the order of the book --------------------------------------------------------------------------------------------


def _chapter(products: Sequence[Product], quick: bool) -> list[Sheet]:
    """The product pages of one category, in order."""
    sheets: list[Sheet] = []
    for number, product in enumerate(products):
        for template in product.pages:
            sheet = Sheet("product", products=[product.id])
            hand = Hand(sheet, product, quick)
            if template == "end":
                following = products[number + 1]
                sheet.products.append(following.id)
                end(hand, Hand(sheet, following, quick))
            else:
                TEMPLATES[template](hand)
            sheets.append(sheet)
    return sheets


def _number(sheets: Sequence[Sheet], ribbon: Shot) -> None:
    """Foot of every page after the cover: a ribbon of materials, the house, the printed number."""
    for page, sheet in enumerate(sheets, 1):
        if page <= UNNUMBERED:
            continue
        foot = sheet.height - 26
        box = (LEFT, foot - 8, sheet.width - LEFT, foot - 3)
        sheet.picture(Placed(box, ribbon, 0, None, "footer", "decorative"))
        dark = sheet.kind == "section"
        sheet.text(LEFT, foot + 8, f"{HOUSE}  ·  {TITLE}", 6.8, "sans", WHITE if dark else MUTED)
        number = str(page - UNNUMBERED)
        sheet.text(sheet.width - LEFT, foot + 8, number, 8, "bold", WHITE if dark else INK, align="right")


def _first_pages(sheets: Sequence[Sheet], before: int) -> dict[str, int]:
    first: dict[str, int] = {}
    for page, sheet in enumerate(sheets, before + 1):
        for product in sheet.products:
            first.setdefault(product, page)
    return first


def _hide(sheets: Sequence[Sheet]) -> None:
    """What a layout program leaves behind: a picture under another one, and one beside the page."""
    shown = [(s, p) for s in sheets for p in s.placed if p.role == "swatch" and p.shot.encoding == "jpeg"]
    (_, below), (host, above) = shown[0], shown[40]
    x0, y0, x1, y1 = above.box
    host.marks.insert(
        0, replace(below, box=(x0 + 4, y0 + 4, x1 - 4, y1 - 4), owner=None, role="covered", state="hidden")
    )
    host, other = shown[80][0], shown[60][1]
    host.marks.append(replace(other, box=(-260, 300, -90, 420), owner=None, role="off the page", state="hidden"))


def _repeat_one(sheets: Sequence[Sheet]) -> None:
    """One swatch is printed again on a later page of its product, in place of a detail of the same colour."""
    grid = [(s, p) for s in sheets for p in s.placed if p.role == "swatch" and p.shot.encoding == "jpeg"]
    first = grid[2][1]
    for sheet in sheets:
        for k, mark in enumerate(sheet.marks):
            if isinstance(mark, Placed) and mark.role == "detail" and mark.shot.stuffs == first.shot.stuffs:
                x0, y0, _, y1 = mark.box
                width, height = first.shot.size
                box = (x0, y0, x0 + (y1 - y0) * width / height, y1)
                sheet.marks[k] = replace(first, box=box, role="detail", caption=mark.caption)
                return


@dataclass(frozen=True)
class Book:
    """All sheets in order, and the products on them."""

    sheets: tuple[Sheet, ...]
    products: tuple[Product, ...]


def bind(editions: int = 1) -> Book:
    """The large catalogue: 71 pages an edition, all editions one after the other under one cover."""
    sheets: list[Sheet] = []
    offered: list[Product] = []
    for edition in range(editions):
        products = load_products(edition)
        offered += products
        inner: list[Sheet] = []
        for category in load_categories():
            chapter = [p for p in products if p.category == category]
            inner += [divider(category, chapter[0]), *_chapter(chapter, quick=False)]
        _repeat_one(inner)
        _hide(inner)
        before = len(sheets) + 3
        first = _first_pages(inner, before)
        tail = [("Certificates", before + len(inner) + 1), ("Contact", before + len(inner) + 2)]
        index = contents(((p, first[p.id]) for p in products), tail)
        sheets += [cover(products[5], "scene"), about(products[8]), index, *inner, certificates(), contact()]
    _number(sheets, Shot("strip", tuple(stuff(p, 0) for p in load_products()), (1012, 10), 0))
    return Book(tuple(sheets), tuple(offered))


def bind_small() -> Book:
    """Six pages, two products, fourteen pictures: CMYK, JPX, soft mask, a specification table, an index."""
    oak, terrazzo = (next(p for p in load_products() if p.id == i) for i in ("nordvik-oak", "palladio-terrazzo"))
    oak, terrazzo = replace(oak, colourways=oak.colourways[:3]), replace(terrazzo, colourways=terrazzo.colourways[:3])
    sheets = [Sheet("product", products=[p.id]) for p in (oak, oak, terrazzo)]
    opener(Hand(sheets[0], oak, quick=True))
    small_colours(Hand(sheets[1], oak, quick=True), "cmyk")
    small_start(Hand(sheets[2], terrazzo, quick=True))
    index = contents(((oak, 3), (terrazzo, 5)), [("Contact", 6)])
    book = [cover(oak, "quick_scene"), index, *sheets, contact()]
    _number(book, Shot("strip", (stuff(oak, 0), stuff(terrazzo, 0)), (1012, 10), 0))
    return Book(tuple(book), (oak, terrazzo))
