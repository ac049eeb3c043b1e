"""Leaflets of one or two pages with a handful of products, in layouts drawn by lot; and flyers that look like leaflets
but offer no products. The weights that choose names are fitted on some of them, too.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from typing import Final

from swatchbook.domain.records import Block, Box
from tests.catalogue.layouts import GOODS, NAMES, WORDS, Document, ExpectedProduct, page, prose, text

PRICES: Final = ("{},90 €", "€ {}.50", "${}.99", "£{}.00", "Rs. {}50", "{} zł", "CHF {}.–", "EUR {},00")
TITLES: Final = ("Spring offers", "New in May", "Our gift ideas", "Lumen & Oak", "Prices down", "Oak Workshop 2026")
SAID: Final = (
    "Made of oiled oak",
    "Hand glazed, dishwasher safe",
    "For four to six guests",
    "In three sizes, 30 x 40 cm",
)
PRAISE: Final = ("New", "Handmade", "Last pieces", "Our favourite")


def cells(count: int, columns: int, top: float, bottom: float = 750) -> list[Box]:
    """Divide the page between `top` and `bottom` into equal cells, row by row, and return the first `count`."""
    rows = -(-count // columns)
    width, height = 515 / columns, min(260, (bottom - top) / rows)
    boxes = [
        (40 + width * i, top + height * k, 40 + width * (i + 1) - 15, top + height * (k + 1) - 15)
        for k in range(rows)
        for i in range(columns)
    ]
    return boxes[:count]


def house(title: str, size: float = 34) -> list[Block]:
    """The head and the foot of a leaflet."""
    return [
        text(40, 35, title, size, bold=True),
        text(40, 90, "Good things for house and garden, valid until 30 April", 12),
        *foot(),
    ]


def foot() -> list[Block]:
    """The maker's address."""
    return [
        text(40, 775, "Lumen & Oak, 12 Mill Lane, Harrow", 9),
        text(40, 790, "Tel. +44 20 7946 0123 · hello@lumen.example · www.lumen.example", 9),
    ]


def leaflet(number: int) -> Document:
    """Return a leaflet of three to eight cards, each a picture with name and price, whose layout the number decides."""
    dice = Random(number)
    count, columns, pages = dice.randint(3, 8), dice.randint(1, 3), dice.choice((1, 1, 2))
    beside = columns == 1 or (columns == 2 and dice.random() < 0.3)
    above = not beside and dice.random() < 0.2
    size, bold, capitals = dice.choice((9, 10, 11, 12, 14, 16)), dice.random() < 0.6, dice.random() < 0.25
    price, loud, first = dice.choice(PRICES), dice.choice((0.8, 1.0, 1.2, 2.0)), dice.random() < 0.2
    lines, praise, coded = dice.randint(0, 2), dice.random() < 0.2, dice.random() < 0.25

    def card(x: float, y: float, n: int, name: str) -> list[Block]:
        priced = text(0, 0, price.format(4 + 7 * n), loud * size, bold=loud > 1)
        words = [text(0, 0, PRAISE[n % 4], 0.8 * size)] if praise else []
        words += [priced] if first else []
        words += [text(0, 0, name, size, bold)]
        words += [text(0, 0, f"LO-{210 + 11 * n}", 0.8 * size)] if coded else []
        words += prose(0, 0, SAID[(n + number) % 4], 8, 30) if lines == 1 else []
        words += prose(0, 0, f"{SAID[(n + number) % 4]}. A calm companion for evenings.", 8, 30) if lines == 2 else []
        return stacked([*words, *([] if first else [priced])], x, y)

    names = [f"{NAMES[(n + number) % 12]} {GOODS[(3 * n + number) % 8]}" for n in range(count)]
    on_first = count if pages == 1 or count < 5 else (count + 1) // 2
    made, expected = [], []
    for k, part in enumerate((names[:on_first], names[on_first:]), 1):
        if not part:
            continue
        blocks = house(dice.choice(TITLES), dice.choice((20, 28, 34, 44))) if k == 1 else foot()
        pictures = []
        for n, (name, cell) in enumerate(zip(part, cells(len(part), columns, 130 if k == 1 else 50), strict=True)):
            x0, y0, x1, y1 = cell
            middle = y0 + 0.55 * (y1 - y0)
            pictures.append(
                (x0, y0, x0 + 0.35 * (x1 - x0), y1 - 10)
                if beside
                else (x0, y1 - 0.55 * (y1 - y0), x1, y1)
                if above
                else (x0, y0, x1, middle)
            )
            shown = name.upper() if capitals else name
            blocks += card(
                x0 + 0.35 * (x1 - x0) + 15 if beside else x0, y0 if beside or above else middle + 6, n, shown
            )
            expected.append(ExpectedProduct(shown, k, k))
        made.append(page(k, blocks, pictures))
    return Document(made, expected)


def stacked(blocks: Sequence[Block], x: float, y: float) -> list[Block]:
    """Return the blocks, one line each, below each other."""
    placed = []
    for block in blocks:
        (line,) = block.lines
        (span,) = line.spans
        placed.append(text(x, y, span.text, span.size, span.bold))
        y += 1.5 * span.size
    return placed


LEAFLETS: Final[Mapping[str, Callable[[], Document]]] = {
    f"leaflet-{number}": partial(leaflet, number) for number in range(1, 25)
}
"""The leaflets that the weights are fitted on, by name."""


def services() -> Document:
    """A flyer of a company: six services with icons, a title and prose each."""
    titles = ["Planning", "Building permits", "Site management", "Energy advice", "Renovation", "Surveying"]
    blocks = house("We build for you")
    for cell, title in zip(cells(6, 2, 130), titles, strict=True):
        blocks += [text(cell[0] + 60, cell[1], title, 14, bold=True), *prose(cell[0], cell[1] + 60, WORDS, 10, 40)]
    icons = [(cell[0], cell[1], cell[0] + 45, cell[1] + 45) for cell in cells(6, 2, 130)]
    return Document([page(1, blocks, icons)], [])


def courses() -> Document:
    """A flyer of courses with dates and fees; a photograph of the house."""
    blocks = house("Evening courses")
    for n, title in enumerate(["Spanish for beginners", "Watercolour", "First aid", "Yoga", "Bookkeeping"]):
        y = 330 + 80 * n
        blocks += [
            text(40, y, title, 13, bold=True),
            text(40, y + 20, f"Mondays, 18:30, from {3 + n} May, room {n + 1}"),
        ]
        blocks += [text(420, y, f"{60 + 15 * n} €", 12)]
    return Document([page(1, blocks, [(40, 120, 555, 310)])], [])


def programme() -> Document:
    """The programme of a conference: times, talks, portraits of three speakers."""
    blocks = house("Forum on timber")
    for n, talk in enumerate(["Opening", "Forests in change", "Timber in town", "Lunch", "Panel", "Closing words"]):
        blocks += [text(40, 380 + 55 * n, f"{9 + n}:00", 11, bold=True), text(110, 380 + 55 * n, talk, 13, bold=True)]
    boxes = [(40 + 175 * n, 140, 190 + 175 * n, 300) for n in range(3)]
    speakers = zip(boxes, ("Dr. Anna Roth", "Ben Ito", "Cleo Marsh"), strict=True)
    blocks += [text(box[0], 308, name, 12, bold=True) for box, name in speakers]
    return Document([page(1, blocks, boxes)], [])


def projects() -> Document:
    """Two pages of an architect's work: photographs with the names of buildings and places."""
    pages = []
    for number in (1, 2):
        blocks = house("Selected work") if number == 1 else []
        for n, cell in enumerate(cells(4, 2, 130)):
            y = cell[1] + 140
            blocks += [text(cell[0], y + 8, f"House {NAMES[4 * number + n - 4]}", 12, bold=True)]
            blocks += [text(cell[0], y + 24, f"Bergen, {2015 + n}", 9), *prose(cell[0], y + 40, WORDS, 8, 45)]
        pages.append(page(number, blocks, [(*cell[:3], cell[1] + 140) for cell in cells(4, 2, 130)]))
    return Document(pages, [])


def menu() -> Document:
    """The menu of a restaurant: courses, dishes with prices, one photograph."""
    blocks = house("The Mill · Lunch")
    dishes = ["Leek soup", "Beetroot salad", "Roast hake", "Lamb stew", "Mushroom risotto", "Apple tart", "Cheese"]
    for n, dish in enumerate(dishes):
        y = 330 + 58 * n
        blocks += [text(40, y, dish, 13, bold=True), text(480, y, f"{6 + 3 * n},50 €", 12)]
        blocks += prose(40, y + 18, "with herbs from our garden and bread", 9)
    return Document([page(1, blocks, [(40, 120, 555, 310)])], [])


FLYERS: Final[Mapping[str, Callable[[], Document]]] = {
    "flyer-services": services, "flyer-courses": courses, "flyer-programme": programme, "flyer-projects": projects,
    "flyer-menu": menu,
}  # fmt: skip
"""Flyers by name that offer no products."""
