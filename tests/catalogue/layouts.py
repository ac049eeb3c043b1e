"""Documents as `Page` records in several families of layout, each with the products that a person sees in it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from swatchbook.domain.records import (
    Block,
    Box,
    Description,
    Discovery,
    Drawn,
    FoundProduct,
    Line,
    Occurrence,
    OutlineEntry,
    Page,
    Reading,
    Span,
    Table,
)
from swatchbook_catalogue.describe import describe_all

WIDTH, HEIGHT = 595.0, 842.0


class ExpectedProduct(NamedTuple):
    """A product as a person sees it."""

    name: str
    first: int
    last: int
    category: str | None = None


class Document(NamedTuple):
    pages: list[Page]
    products: list[ExpectedProduct]
    outline: list[OutlineEntry] = []


def text(x: float, y: float, words: str, size: float = 10, bold: bool = False) -> Block:
    """One line at its top left corner; width about that of a sans serif."""
    box = (x, y, x + 0.5 * size * len(words), y + 1.2 * size)
    span = Span(text=words, bbox=box, size=size, font="Sans", bold=bold, italic=False, color=0)
    return Block(bbox=box, lines=(Line(bbox=box, spans=(span,)),))


def prose(x: float, y: float, words: str, size: float = 10, width: int = 60) -> list[Block]:
    """Lines of at most `width` characters."""
    lines, line = [], ""
    for word in words.split():
        if len(line) + len(word) >= width:
            lines, line = [*lines, line], ""
        line = f"{line} {word}".strip()
    return [text(x, y + n * 1.2 * size, line, size) for n, line in enumerate([*lines, line])]


def page(number: int, blocks: Sequence[Block], pictures: Sequence[Box] = (), width: float = WIDTH) -> Page:
    drawn = [
        Drawn(
            number=n, bbox=box, width=400, height=300, colorspace=3, bits=8, has_mask=False, size=9000,
            transform=(box[2] - box[0], 0, 0, box[3] - box[1], box[0], box[1]),
        )
        for n, box in enumerate(pictures)
    ]  # fmt: skip
    return Page(
        number=number, label=str(number), box=(0, 0, width, HEIGHT), rotation=0, blocks=tuple(blocks),
        drawn=tuple(drawn),
    )  # fmt: skip


def reading(document: Document) -> Reading:
    return Reading(
        content="0" * 64, page_count=len(document.pages), title=None, outline=tuple(document.outline),
        page_boxes={p.number: p.box for p in document.pages}, pages_file="pages.jsonl",
    )  # fmt: skip


def found_product(name: str, *pages: int, **more: Any) -> FoundProduct:
    """A product that discovery found on these pages, by default the first."""
    on = pages or (1,)
    known = {"name": name, "raw_name": name, "first_page": on[0], "last_page": on[-1], "pages": on, "confidence": 0.9}
    return FoundProduct.model_validate(known | more)


def read_facts(
    product: FoundProduct, pages: Iterable[Page], tables: Sequence[Table] = (), others: Sequence[Occurrence] = ()
) -> Description:
    """What is read of a product that shares its pages with others at these places."""
    products = (product, *(found_product(place.text, place.page, occurrences=(place,)) for place in others))
    return describe_all(Discovery(products=products), pages, tables)[0]


def cover(title: str = "Catalogue 2025") -> Page:
    return page(1, [text(60, 300, "Lumen & Oak", 44), text(60, 360, title, 18)], [(0, 0, WIDTH, 280)])


def contacts(number: int) -> Page:
    return page(
        number,
        [text(60, 100, "Contact", 30), text(60, 200, "Tel. +49 30 1234567"), text(60, 220, "hello@lumen.example")],
    )  # fmt: skip


def foot(number: int) -> list[Block]:
    return [text(60, 815, "Lumen & Oak · www.lumen.example", 7), text(540, 815, str(number), 8)]


NAMES = ["Alder", "Birke", "Cedro", "Dune", "Ember", "Fjord", "Grove", "Heron", "Isola", "Juno", "Kestrel", "Lagoon"]


def specification(y: float, labels: Sequence[str] = ("Material:", "Finish:", "Size:"), x: float = 60) -> list[Block]:
    values = ("porcelain stoneware", "matt", "60 x 120 cm")
    return [
        block
        for n, (label, value) in enumerate(zip(labels, values, strict=True))
        for block in (text(x, y + 18 * n, label, 9, bold=True), text(x + 100, y + 18 * n, value, 9))
    ]


def heading_and_specification(labels: Sequence[str] = ("Material:", "Finish:", "Size:")) -> Document:
    """One product a page: photo, large name, labels and values."""
    pages, expected = [cover()], []
    for n, name in enumerate(NAMES[:8], 2):
        blocks = [text(60, 430, name, 30), *specification(480, labels)]
        blocks += [*prose(60, 560, "Quiet and warm. " * 12), *foot(n)]
        pages.append(page(n, blocks, [(0, 0, WIDTH, 400)]))
        expected.append(ExpectedProduct(name, n, n))
    return Document([*pages, contacts(10)], expected)


def german() -> Document:
    """The same with German labels, without colons."""
    return heading_and_specification(("Material", "Oberfläche", "Format"))


def long_sections() -> Document:
    """Three pages a product, the name only on the first; an index, an outline with a parent and lies in it."""
    index, pages, expected = [text(60, 60, "Contents", 28)], list[Page](), list[ExpectedProduct]()
    outline = [OutlineEntry(level=1, title="Page 1", page=1), OutlineEntry(level=1, title="Tiles", page=3)]
    for k, name in enumerate(NAMES[:5]):
        first = 3 + 3 * k
        index += [text(60, 140 + 30 * k, name, 12), text(500, 140 + 30 * k, str(first + 11), 12)]
        outline.append(OutlineEntry(level=2, title=name, page=first))
        opener = [text(60, 60, name, 28), *prose(60, 120, "Warm stone. " * 20), *foot(first)]
        pages.append(page(first, opener, [(60, 300, 535, 700)]))
        pages.append(page(first + 1, foot(first + 1), [(60, 60, 290, 400), (300, 60, 535, 400)]))
        pages.append(page(first + 2, [text(60, 60, "Technical data", 14, True), *specification(100), *foot(first + 2)]))
        expected.append(ExpectedProduct(name, first, first + 2, "Tiles"))
    index += [text(60, 140 + 30 * 5, "Phantom", 12), text(500, 140 + 30 * 5, "99", 12)]
    outline.append(OutlineEntry(level=2, title="Slide 7", page=4))
    return Document([cover(), page(2, index), *pages, contacts(18)], expected, outline)


GOODS = ["Lamp", "Frame", "Mug", "Clock", "Tray", "Vase", "Bowl", "Stand"]


def card_grid(columns: int = 2, rows: int = 2) -> Document:
    """Names and prose under pictures; a header names the category, a second page goes on without one."""
    pages, expected = [cover()], []
    for k, category in enumerate(["Lighting", "Kitchen", "Office", "Garden"]):
        for part in range(2):
            number = 2 + 2 * k + part
            blocks, pictures = foot(number), []
            if part == 0:
                said = "Made for your home with care and patience. " * 2
                blocks += [text(50, 60, category, 40), *prose(50, 115, said)]
            for i in range(columns * rows):
                x = 50 + (i % columns) * 500 / columns
                y = 190 + (i // columns) * 600 / rows
                name = f"{NAMES[(i + 3 * k) % 12]} {GOODS[(i + 2 * part) % 8]} {'Mini' if part else ''}".strip()
                pictures.append((x, y, x + 380 / columns, y + 380 / rows))
                blocks += [text(x, y + 395 / rows, name, 11)]
                blocks += prose(x, y + 395 / rows + 20, "a calm object for every day", 7, 30)
                expected.append(ExpectedProduct(name, number, number, category))
            pages.append(page(number, blocks, pictures))
    return Document([*pages, contacts(10)], expected)


def cards_beside() -> Document:
    """Pictures at the left, name and description in one style at the right."""
    pages, expected = [cover()], []
    for k, category in enumerate(["Mugs", "Bags", "Pens", "Caps"]):
        number = 2 + k
        blocks, pictures = [text(50, 60, category, 44), *foot(number)], []
        for i in range(3):
            y = 200 + 190 * i
            name = f"{NAMES[3 * k + i]} {category[:-1]}"
            pictures.append((50, y, 190, y + 140))
            gift = "A gift that stays with people for years and years."
            blocks += [text(320, y + 20, name, 12), *prose(320, y + 55, gift, 12, 30)]
            expected.append(ExpectedProduct(name, number, number, category))
        pages.append(page(number, blocks, pictures))
    return Document([*pages, contacts(6)], expected)


def code_table() -> Document:
    """Rows of code, name and price under category headings."""
    pages, expected = [cover()], []
    for k, category in enumerate(["Hinges", "Handles", "Locks"]):
        number = 2 + k
        blocks = [text(50, 60, category, 24), *foot(number)]
        for i in range(10):
            name, y = f"{NAMES[i]} {category[:-1].lower()}", 120 + 24 * i
            row = (50, f"{category[0]}B-{100 + 10 * k + i}"), (180, name), (450, f"{12 + i},50 €")
            blocks += [text(x, y, cell, 9) for x, cell in row]
            expected.append(ExpectedProduct(name, number, number, category))
        pages.append(page(number, blocks))
    return Document([*pages, contacts(5)], expected)


def spreads() -> Document:
    """Two printed pages on each sheet, one product on each half."""
    pages, expected = [cover()], []
    for k in range(4):
        number = 2 + k
        blocks, pictures = [text(30, 815, str(2 * k + 2), 8), text(1150, 815, str(2 * k + 3), 8)], []
        for half in range(2):
            x, name = 60 + 595 * half, NAMES[2 * k + half]
            blocks += [text(x, 60 + 240 * half, name, 28), *specification(620, x=x)]
            pictures.append((x, 120 + 240 * half, x + 400, 520))
            expected.append(ExpectedProduct(name, number, number))
        pages.append(page(number, blocks, pictures, width=1190))
    return Document(pages, expected)


def mid_page_starts() -> Document:
    """Products follow each other down the page; each second one ends on the next page."""
    pages, expected = [cover()], []
    for k in range(4):
        number, a, b = 2 + k, NAMES[2 * k], NAMES[2 * k + 1]
        tail = specification(60) if k else []
        blocks = [*tail, text(60, 160, a, 22), *prose(60, 200, "Soft and quiet. " * 9), *specification(300)]
        blocks += [text(60, 480, b, 22), *prose(60, 520, "Soft and quiet. " * 9), *specification(700), *foot(number)]
        pages.append(page(number, blocks, [(350, 160, 535, 400), (350, 480, 535, 690)]))
        expected += [ExpectedProduct(a, number, number), ExpectedProduct(b, number, number + 1)]
    pages.append(page(6, [*specification(60), *foot(6)]))
    return Document(pages, expected)


def repeated_names() -> Document:
    """The same names under every category: tables and chairs both come as Alder, Birke, Cedro."""
    pages, expected, number = [cover()], [], 2
    for category in ["Tables", "Chairs", "Benches", "Stools"]:
        pages.append(page(number, [text(60, 380, category, 60)], [(0, 0, WIDTH, 300)]))
        for name in NAMES[:3]:
            number += 1
            blocks = [text(60, 60, name, 26), *specification(600), *foot(number)]
            pages.append(page(number, blocks, [(60, 120, 535, 560)]))
            expected.append(ExpectedProduct(name, number, number, category))
        number += 1
    return Document(pages, expected)


def names_with_attributes() -> Document:
    """Two columns of bold names in body size, each with a size and a price line below; no pictures."""
    pages, expected = [cover()], []
    for k in range(3):
        number = 2 + k
        blocks = [*foot(number)]
        for i in range(8):
            x, y = 60 + 270 * (i % 2), 100 + 150 * (i // 2)
            name = f"{NAMES[(i + k) % 12]} {GOODS[(i + 3 * k) % 8]}"
            blocks += [text(x, y, name, 10, True), text(x, y + 16, "Size: 40 x 40 cm")]
            blocks += [text(x, y + 32, f"Price: {20 + i},00 €")]
            expected.append(ExpectedProduct(name, number, number))
        pages.append(page(number, blocks))
    return Document(pages, expected)


def code_cards() -> Document:
    """Pictures with a code and a name below, on white pages without headings."""
    pages, expected = [], []
    for k in range(4):
        blocks, pictures = [*foot(1 + k)], []
        for i in range(9):
            x, y, name = 50 + 170 * (i % 3), 50 + 240 * (i // 3), f"{NAMES[(i + 2 * k) % 12]} {GOODS[(i * 3 + k) % 8]}"
            pictures.append((x, y, x + 140, y + 140))
            blocks += [text(x, y + 148, name, 9, True), text(x, y + 162, f"AC-{400 + 10 * k + i}", 8)]
            expected.append(ExpectedProduct(name, 1 + k, 1 + k))
        pages.append(page(1 + k, blocks, pictures))
    return Document(pages, expected)


def captions_of_one_product() -> Document:
    """A product of two pages with its own specification; the captions under its pictures are rooms, not products."""
    pages, expected = [cover()], []
    for k, name in enumerate(NAMES[:6]):
        first = 2 + 2 * k
        boxes = [(60 + 240 * (i % 2), 60 + 350 * (i // 2), 280 + 240 * (i % 2), 340 + 350 * (i // 2)) for i in range(4)]
        rooms = [
            text(b[0], b[3] + 8, f"{name} in the {room}", 9)
            for b, room in zip(boxes, ("kitchen", "bath", "hall", "loft"), strict=True)
        ]
        pages.append(page(first, [text(60, 60, name, 30), *specification(640), *foot(first)], [(60, 120, 535, 600)]))
        pages.append(page(first + 1, [*rooms, *foot(first + 1)], boxes))
        expected.append(ExpectedProduct(name, first, first + 1))
    return Document([*pages, contacts(14)], expected)


def coded_colours() -> Document:
    """Four pages a product: opener under a small line, colours with codes under pictures, details, specification. The
    titles of dividers are smaller than those of products; a running head joins category and product."""
    pages, expected, outline, number = [cover()], [], [], 2
    for k, category in enumerate(["Stone", "Wood", "Textile"]):
        pages.append(page(number, [text(60, 560, category, 30), *foot(number)], [(0, 0, WIDTH, 500)]))
        outline.append(OutlineEntry(level=1, title=category, page=number))
        number += 1
        for name in NAMES[2 * k : 2 * k + 2]:
            head = text(60, 30, f"{category} · {name}", 7)
            outline.append(OutlineEntry(level=2, title=name, page=number))
            opener = [text(60, 388, "Made in the north", 8, True), text(60, 400, name, 36)]
            opener += prose(60, 460, "Warm. " * 60)
            pages.append(page(number, [*opener, *foot(number)], [(0, 0, WIDTH, 380)]))
            boxes = [
                (60 + 160 * (i % 3), 110 + 220 * (i // 3), 200 + 160 * (i % 3), 250 + 220 * (i // 3)) for i in range(9)
            ]
            colours = [head, text(60, 60, "Nine colours", 18), *foot(number + 1)]
            for i, box in enumerate(boxes):
                colours += [text(box[0], box[3] + 6, GOODS[i % 8], 9, True)]
                colours += [text(box[0], box[3] + 18, f"{name[:2].upper()}-{101 + i}", 7)]
            pages.append(page(number + 1, colours, boxes))
            details = [text(b[0], b[3] + 6, f"{GOODS[i]}, detail", 8) for i, b in enumerate(boxes[:6])]
            pages.append(page(number + 2, [head, *details, *foot(number + 2)], boxes[:6]))
            data = [head, text(60, 60, "Technical data", 18), *specification(120), *foot(number + 3)]
            sizes = [
                text(60 + 150 * i, 300, label, 8, True) for i, label in enumerate(("Format", "Contents", "Weight"))
            ]
            sizes += [text(60 + 150 * i, 316, value, 8) for i, value in enumerate(("60 x 120 cm", "2 pieces", "31 kg"))]
            pages.append(page(number + 3, [*data, *sizes]))
            expected.append(ExpectedProduct(name, number, number + 3, category))
            number += 4
    return Document([*pages, contacts(number)], expected, outline)


WORDS = "The model is fitted to the data of the last years and its error is then compared with that of simpler ones. "


def lecture() -> Document:
    """Slides: a title, bullets, now and then a figure; an agenda that names the titles."""
    titles = ["Linear models", "Loss functions", "Gradient descent", "Overfitting", "Regularisation"]
    titles += ["Trees", "Forests", "Boosting"]
    agenda = [text(60, 60, "Agenda", 36), *(text(80, 150 + 40 * n, t, 20) for n, t in enumerate(titles))]
    pages = [page(1, [text(100, 200, "Statistical learning", 48), text(100, 300, "Lecture 7", 24)]), page(2, agenda)]
    for n, title in enumerate(titles, 3):
        bullets = [text(80, 160 + 50 * i, f"• Point {i} of {title.lower()} and why it matters", 20) for i in range(4)]
        shown = [text(60, 60, title, 36), *bullets, text(560, 800, str(n), 10)]
        pages.append(page(n, shown, [(320, 400, 560, 600)] if n % 2 else []))
    return Document(pages, [])


def report() -> Document:
    """A yearly report: sections with prose, numbered figures, amounts in tables."""
    titles = ["Letter to shareholders", "Business review", "Risk report", "Income statement", "Balance sheet"]
    pages = [cover("Annual report 2025")]
    for n, title in enumerate([*titles, "Notes to the accounts"], 2):
        blocks = [text(60, 60, title, 24), *prose(60, 110, WORDS * 8)]
        blocks += [text(60, 640, f"Figure {n}: Revenue by region in {2010 + n}", 9)]
        for i in range(4):
            y = 690 + 20 * i
            blocks += [text(60, y, f"Total assets {i}"), text(400, y, f"€ {1200 + i},0{i}")]
        pages.append(page(n, [*blocks, *foot(n)], [(60, 420, 535, 630)]))
    return Document(pages, [])


def form() -> Document:
    """An application form: bold section titles, empty labels, boxes to tick."""
    blocks = [text(60, 60, "Application for a permit", 22)]
    for k, section in enumerate(["Personal data", "Building", "Payment", "Signature"]):
        y = 120 + 160 * k
        blocks += [text(60, y, section, 12, True)]
        labels = ("Name:", "Address:", "Date:", "Size:", "Height:")
        blocks += [text(60, y + 24 * i, label) for i, label in enumerate(labels, 1)]
    return Document([page(1, blocks), page(2, prose(60, 60, WORDS * 12))], [])


def letter() -> Document:
    return Document([page(1, [*prose(60, 200, WORDS * 9), text(60, 600, "Yours sincerely")])], [])


def team() -> Document:
    """A company profile with six portraits on one page."""
    people = ["Anna Roth", "Ben Ito", "Cleo Marsh", "Dan Wu", "Eva Lind", "Finn Bell"]
    boxes = [(60 + 170 * (i % 3), 150 + 300 * (i // 3), 200 + 170 * (i % 3), 330 + 300 * (i // 3)) for i in range(6)]
    portraits = [text(b[0], b[3] + 10, name, 11) for b, name in zip(boxes, people, strict=True)]
    titles = enumerate(["Our story", "What drives us", "Where we work", "Numbers"], 3)
    rest = [page(n, [text(60, 60, title, 26), *prose(60, 120, WORDS * 10)]) for n, title in titles]
    shown = page(2, [text(60, 60, "The people behind it", 26), *portraits], boxes)
    return Document([cover("Company profile"), shown, *rest, contacts(7)], [])


def novel() -> Document:
    """Chapters with titles and prose, an outline that names them all."""
    pages = [
        page(n, [text(200, 100, f"Chapter {n}", 20), *prose(80, 180, WORDS * 14), text(290, 815, str(n), 9)])
        for n in range(1, 9)
    ]
    return Document(pages, [], [OutlineEntry(level=1, title=f"Chapter {n}", page=n) for n in range(1, 9)])


def scanned() -> Document:
    """A catalogue of pictures only: nothing to read."""
    return Document([page(n, [], [(0, 0, WIDTH, HEIGHT)]) for n in range(1, 7)], [])


CATALOGUES: Final[Mapping[str, Callable[[], Document]]] = {
    **{make.__name__: make for make in (heading_and_specification, german, long_sections, card_grid)},
    "card33": lambda: card_grid(3, 3),
    **{make.__name__: make for make in (cards_beside, code_table, spreads, mid_page_starts, repeated_names)},
    **{make.__name__: make for make in (names_with_attributes, code_cards, captions_of_one_product, coded_colours)},
    "coded_bare": lambda: coded_colours()._replace(outline=[]),
}
OTHERS: Final = {make.__name__: make for make in (lecture, report, form, letter, team, novel, scanned)}
LAYOUTS: Final[Mapping[str, Callable[[], Document]]] = CATALOGUES | OTHERS
"""All layouts by name; the weights that choose the names of products are fitted on them, too."""
