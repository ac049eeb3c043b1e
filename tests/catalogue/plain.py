"""Catalogues without labels and codes, in layouts drawn by lot: goods with descriptions, one or several a page, in one
style or in other sizes on each page; and price lists whose rows are the products and whose headings are families.
Brochures that look like them but offer no goods. The weights that choose names are fitted on them, too.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from typing import Final

from swatchbook.domain.records import Block, Box, Page
from tests.catalogue.layouts import (
    GOODS,
    NAMES,
    WIDTH,
    WORDS,
    Document,
    ExpectedProduct,
    contacts,
    foot,
    page,
    prose,
    text,
)

QUALITIES: Final = (
    "Made of oiled oak from forests nearby, for quiet rooms and long evenings.",
    "A calm companion for the table, glazed by hand and fired twice.",
    "Light and strong, it stands where others fall, in rain and sun.",
    "The seat follows the back, the back follows you, for hours on end.",
)
REFRAINS: Final = ("Ideal for", "Why you will like it", "Strength class M400", "Good to know", "Our tip")
MEASURES: Final = ("Height {} mm, width 300 mm", "{} x 400 mm", "About {} ml", "Net {} kg", "Diameter {} mm")
TITLES: Final = ("Catalogue", "Collection 2026", "Our range", "Lumen & Oak", "Price list", "Good things")
SUBJECTS: Final = (
    "Planning", "Research", "Our approach", "Site management", "Training", "Energy advice", "Renovation", "Strategy",
    "Public space", "The library", "House by the lake", "Old mill",
)  # fmt: skip


def front(dice: Random, titles: tuple[str, ...]) -> Page:
    """The cover."""
    return page(1, [text(60, 300, dice.choice(titles), 44)], [(0, 0, WIDTH, 280)])


def described(number: int) -> Document:
    """Return a catalogue of goods with a name, a picture and a description each; the number decides its layout."""
    dice = Random(number)
    a_page, size, bold = dice.choice((1, 1, 2, 3)), dice.choice((12, 14, 18, 26)), dice.random() < 0.6
    pictured, beside = dice.random() < 0.85, dice.random() < 0.5
    refrains = dice.sample(REFRAINS, dice.choice((0, 1, 2)))
    measure = dice.choice((None, *MEASURES))
    uneven = dice.choice((0.0, 0.0, 0.12, 0.3))
    top_below = dice.random() < 0.5
    pages, expected = [front(dice, TITLES)], list[ExpectedProduct]()
    for k in range(dice.randint(4, 9)):
        at, blocks, pictures = k + 2, foot(k + 2), []
        on_page = 1 + uneven * dice.uniform(-1, 1)
        for n in range(a_page):
            name = f"{NAMES[(k * a_page + n + number) % 12]} {GOODS[(k + 3 * n + number) % 8]}"
            height = 720 / a_page
            y0, x = 60 + height * n, 60.0
            if pictured:
                box: Box = (340, y0, 535, y0 + 0.8 * height) if beside else (60, y0, 535, y0 + 0.45 * height)
                pictures.append(box)
            y = y0 if beside or not pictured or not top_below else y0 + 0.45 * height + 8
            if pictured and not beside and not top_below:
                pictures[-1] = (60, y0 + 0.5 * height, 535, y0 + 0.95 * height)
            shown = size * on_page * (1 + uneven / 3 * dice.uniform(-1, 1))
            blocks += [text(x, y, name, round(shown, 1), bold)]
            y += 1.6 * shown
            lines = prose(x, y, QUALITIES[(k + n) % 4] * (2 if a_page == 1 else 1), 9, 50)
            blocks += lines
            y += 11 * len(lines) + 6
            for refrain in refrains:
                blocks += [text(x, y, refrain, 9, bold=True), text(x, y + 12, QUALITIES[(k + 2) % 4][:40], 9)]
                y += 28
            blocks += [text(x, y, measure.format(120 + 35 * n + 10 * k), 9)] if measure else []
            expected.append(ExpectedProduct(name, at, at))
        pages.append(page(at, blocks, pictures))
    if dice.random() < 0.35:
        pages.append(order_form(len(pages) + 1, [product.name for product in expected]))
    return Document([*pages, contacts(len(pages) + 1)], expected)


def order_form(number: int, names: Sequence[str]) -> Page:
    """A table of the names of other pages with prices, to be filled in."""
    blocks = [text(60, 40, "Order form", 20, bold=True)]
    blocks += [text(60 + 130 * i, 80, head, 8, bold=True) for i, head in enumerate(("Name", "Number", "Each", "Sum"))]
    for n, name in enumerate(names):
        cells = (name, str(n + 1), f"{14 + 3 * n}.00 €", "0.00 €")
        blocks += [text(60 + 130 * i, 100 + 20 * n, cell, 8) for i, cell in enumerate(cells)]
    return page(number, blocks)


def price_list(number: int) -> Document:
    """Return a price list: tables of designations with sizes and prices under headings, the letterhead on each page."""
    dice = Random(number)
    heading, bold, drawn = dice.choice((12, 14, 16)), dice.random() < 0.5, dice.random() < 0.5
    price = dice.choice(("{} 500,00р.", "{} 500,00 €", "€ {}.50", "{}90 zł"))
    named = dice.random() < 0.5
    pages, expected = [], []
    for k in range(dice.randint(3, 6)):
        blocks = [text(60, 30, "Lumen & Oak Ltd", 18, bold=True), text(60, 55, "12 Mill Lane, Harrow", 9)]
        pictures = []
        for table in range(dice.randint(1, 2)):
            family = f"{GOODS[(2 * k + table) % 8]}s of steel"
            y = 110 + 340 * table
            blocks += [text(150, y, family, heading, bold=True)]
            blocks += [text(60 + 110 * i, y + 30, head, 8) for i, head in enumerate(("Type", "Mass", "Width", "Price"))]
            for n in range(dice.randint(4, 9)):
                row = y + 50 + 20 * n
                name = (
                    f"{NAMES[(n + k) % 12]} {100 + 50 * n}"
                    if named
                    else f"{family[:1]}{'KF'[table]}-{300 + 100 * n}-{k + 1},5"
                )
                cells = (f"{12 + 5 * n},0", f"{200 + n}/{150 + n}", price.format(4 + 3 * n))
                blocks += [text(60, row, name, 8, bold)]
                blocks += [text(170 + 110 * i, row, cell, 8) for i, cell in enumerate(cells)]
                expected.append(ExpectedProduct(name, k + 1, k + 1, family))
            pictures += [(480, y + 30, 560, y + 150)] if drawn else []
        pages.append(page(k + 1, blocks, pictures))
    return Document(pages, expected)


def brochure(number: int) -> Document:
    """Return a brochure of services, projects or ideas with titles, prose and photographs; it offers no goods."""
    dice = Random(number)
    a_page, size, bold = dice.choice((1, 1, 2, 3)), dice.choice((12, 14, 18, 26)), dice.random() < 0.6
    pictured, refrains = dice.choice((0.0, 0.4, 0.9)), dice.sample(("What we do", "Client", "Place", "Year"), 1)
    blocks: list[Block]
    pages = [front(dice, ("Lumen & Oak", "Company profile", "Selected work", "Brochure 2026", "Annual report"))]
    repeats = dice.random() < 0.4
    for k in range(dice.randint(4, 9)):
        blocks, pictures = foot(k + 2), []
        for n in range(a_page):
            y, height = 60 + 720 / a_page * n, 720 / a_page
            blocks += [text(60, y, SUBJECTS[(k * a_page + n + number) % 12], size, bold)]
            lines = prose(60, y + 1.6 * size, WORDS * dice.randint(1, 4 if a_page == 1 else 2), 9, 50)
            blocks += lines
            if repeats:
                blocks += [text(60, y + 1.6 * size + 11 * len(lines) + 6, refrains[0], 9, bold=True)]
            if dice.random() < pictured:
                pictures.append((340, y, 535, y + 0.8 * height))
        pages.append(page(k + 2, blocks, pictures))
    return Document([*pages, contacts(len(pages) + 1)], [])


PLAIN: Final[Mapping[str, Callable[[], Document]]] = {
    **{f"described-{n}": partial(described, n) for n in range(1, 17)},
    **{f"price-list-{n}": partial(price_list, n) for n in range(1, 9)},
    **{f"brochure-{n}": partial(brochure, n) for n in range(1, 17)},
}
"""The plain catalogues and brochures that the weights are fitted on, by name."""
