"""The pages of a product: one function a template. A hand places pictures of one product on one sheet."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from samples.content import Product, load_categories
from samples.sheet import INK, MUTED, RGB, Box, Placed, Sheet
from samples.shots import Shot, Stuff

LEFT, RIGHT = 42.0, 553.0
ACCENTS: tuple[RGB, ...] = ((172, 92, 60), (70, 108, 100), (150, 112, 62), (92, 86, 128), (140, 62, 58))
ROOMS = {
    "living": "Living room",
    "hall": "Hall",
    "bath": "Bathroom",
    "kitchen": "Kitchen",
    "chairs": "Reading corner",
    "bedroom": "Bedroom",
    "lobby": "Reception",
}
SEALS = ("Clear Air Gold", "Fair Source", "Long Life 30")

PRINT = 300 / 72  # pixels a point: what a printer asks for


def seed_of(*parts: object) -> int:
    """A number that is the same on every machine."""
    return zlib.crc32("/".join(map(str, parts)).encode())


def stuff(product: Product, number: int, *, tiled: bool = False) -> Stuff:
    """Colourway `number` of a product (counted round) as a material."""
    way = product.colourways[number % len(product.colourways)]
    seed = seed_of(product.prefix, way.name)
    return Stuff(way.material, way.palette, seed, product.metres, product.gloss, product.laid if tiled else None)


def pixels(box: Box, density: float = PRINT, most: int = 1_200) -> tuple[int, int]:
    """Size of a picture for a box: `density` pixels a point, the longer side at most `most`."""
    width, height = box[2] - box[0], box[3] - box[1]
    scale = min(density, most / max(width, height))
    return round(width * scale), round(height * scale)


def frame(box: Box, x: float = 0.5, y: float = 0.5, zoom: float = 1.0) -> tuple[float, float, float, float]:
    """The part of a 4 : 3 view around (x, y) that fills a box, as shares of the view."""
    aspect = (box[2] - box[0]) / (box[3] - box[1]) / (4 / 3)
    across, down = (1.0, 1 / aspect) if aspect >= 1 else (aspect, 1.0)
    across, down = across / zoom, down / zoom
    left, top = min(max(x - across / 2, 0), 1 - across), min(max(y - down / 2, 0), 1 - down)
    return left, top, left + across, top + down


@dataclass(frozen=True)
class Hand:
    """Places pictures of one product on one sheet. `quick`: rooms at half the resolution."""

    sheet: Sheet
    product: Product
    quick: bool = False

    def place(self, box: Box, shot: Shot, role: str, caption: str = "") -> None:
        self.sheet.picture(Placed(box, shot, self.product.edition, self.product.id, role, caption=caption))

    def flat(self, kind: str, box: Box, number: int, role: str, encoding: str = "jpeg", most: int = 1_030) -> None:
        """A swatch, close-up, drape or cut-out of colourway `number`."""
        seed = seed_of(self.product.prefix, kind, number, self.sheet.kind, *map(round, box))
        shot = Shot(kind, (stuff(self.product, number),), pixels(box, most=most), seed, encoding=encoding)
        self.place(box, shot, role, self.caption(number))

    def room(
        self,
        box: Box,
        room: tuple[str, str],
        number: int,
        decor: int,
        *,
        zoom: float = 1.0,
        encoding: str = "jpeg",
    ) -> str:
        """The product in a room, as what of it; the words for a caption."""
        name, use = room
        caption = f"{ROOMS[name]} with {self.caption(number)}"
        shot = Shot(
            "quick_scene" if self.quick else "scene",
            (stuff(self.product, number, tiled=True),),
            pixels(box),
            seed_of(self.product.prefix, name, number),
            name,
            use,
            frame(box, 0.5, 0.61, zoom),
            bool(decor % 2),
            decor,
            encoding,
        )
        self.place(box, shot, "scene", caption)
        return caption

    def still(self, box: Box, name: str, numbers: Sequence[int], encoding: str = "jpeg") -> None:
        """Samples of several colourways side by side."""
        stuffs = tuple(stuff(self.product, n) for n in numbers)
        stuffs = tuple(replace(s, metres=min(s.metres, 0.9)) for s in stuffs)
        shot = Shot(
            "quick_scene" if self.quick else "scene",
            stuffs,
            pixels(box),
            seed_of(self.product.prefix, name, *numbers),
            name,
            "samples",
            frame(box),
            False,
            numbers[0] % 4,
            encoding,
        )
        self.place(box, shot, "samples", f"{self.product.name}: " + ", ".join(self.way(n) for n in numbers))

    def way(self, number: int) -> str:
        return self.product.colourways[number % len(self.product.colourways)].name

    def caption(self, number: int) -> str:
        k = number % len(self.product.colourways)
        return f"{self.product.name} {self.way(k)}, {self.product.code(k)}"

    def label(self, x: float, y: float, number: int, note: str = "") -> None:
        """Colourway and order code under a picture."""
        k = number % len(self.product.colourways)
        self.sheet.text(x, y, self.way(k) + (f", {note}" if note else ""), 8.2, "bold")
        self.sheet.text(x, y + 11, self.product.code(k), 7.4, "sans", MUTED)


def accent(category: str) -> RGB:
    return ACCENTS[list(load_categories()).index(category)]


def _dress(sheet: Sheet, product: Product, *, bare: bool = False) -> None:
    """Logo and running head at the top; a bare page has neither."""
    if bare:
        return
    sheet.text(LEFT, 40, f"{product.category}  ·  {product.name}", 7.2, "sans", MUTED)
    mark = Shot("logo", (), (78, 48), 0, encoding="masked")
    box = (sheet.width - LEFT - 26, 28, sheet.width - LEFT, 44)
    sheet.picture(Placed(box, mark, 0, None, "logo", "decorative"))


def _head(sheet: Sheet, product: Product, words: str) -> None:
    sheet.text(LEFT, 84, words, 21, "serif")
    sheet.rule(LEFT, 97, LEFT + 34, accent(product.category), 1.6)


def _start(sheet: Sheet, product: Product, y: float) -> float:
    """Kind, name in large, strap line; the baseline for what follows."""
    sheet.heading = (2, product.name, y)
    sheet.text(LEFT, y, product.kind, 8, "bold", accent(product.category))
    sheet.text(LEFT, y + 44, product.name, 42, "serif")
    sheet.text(LEFT, y + 68, product.strap, 14, "italic", MUTED)
    return y + 96


# --- templates --------------------------------------------------------------------------------------------------------


def opener(hand: Hand) -> None:
    sheet, product = hand.sheet, hand.product
    box = (0.0, 0.0, sheet.width, 418.0)
    encoding = product.encoding("opener")
    hand.room(box, product.scenes[0], 0, seed_of(product.prefix) % 4, encoding=encoding)
    y = _start(sheet, product, 462)
    down = y
    for words in product.story[:2]:
        down = sheet.paragraph(LEFT, down, 300, words, 9) + 6
    sheet.text(LEFT, 782, f"{len(product.colourways)} colours  ·  {product.specification[-1][1]}", 8.4, "bold")
    for k in range(2):
        swatch = (392.0, y - 8 + 122 * k, RIGHT, y + 92 + 122 * k)
        hand.flat("swatch", swatch, k + 1, "swatch")
        sheet.text(392, swatch[3] + 11, hand.caption(k + 1), 7.4, "sans", MUTED)


def story(hand: Hand) -> None:
    sheet, product = hand.sheet, hand.product
    _dress(sheet, product)
    _head(sheet, product, "The story")
    box = (LEFT, 120.0, RIGHT, 440.0)
    caption = hand.room(box, product.scenes[1], 2, (seed_of(product.prefix) + 1) % 4, zoom=1.08)
    sheet.text(LEFT, 453, caption, 7.4, "sans", MUTED)
    y = sheet.paragraph(LEFT, 486, 240, product.story[0], 9) + 8
    y = sheet.paragraph(LEFT, y, 240, product.story[-1], 9)
    sheet.paragraph(LEFT, y + 22, 230, product.quote, 15, "italic", accent(product.category), leading=1.3)
    for k, box in enumerate(((306.0, 478.0, 424.0, 700.0), (435.0, 478.0, RIGHT, 700.0))):
        hand.flat("close", box, 3 + k, "detail")
        hand.label(box[0], 714, 3 + k)


def _grid(hand: Hand, columns: int, rows: int, top: float, high: float, first: int = 0, kind: str = "swatch") -> None:
    sheet, gap = hand.sheet, 13.0
    wide = (sheet.width - 2 * LEFT - gap * (columns - 1)) / columns
    notes = ("", "detail") if kind == "close" else ("", "")
    for k in range(columns * rows):
        x, y = LEFT + (k % columns) * (wide + gap), top + (k // columns) * (high + 38)
        box = (x, y, x + wide, y + high)
        hand.flat(
            kind, box, first + k, "swatch" if kind == "swatch" else "detail", hand.product.encoding(f"{kind} {k}"), 520
        )
        hand.label(x, y + high + 12, first + k, notes[1])


def grid6(hand: Hand) -> None:
    _dress(hand.sheet, hand.product)
    _head(hand.sheet, hand.product, "Colours")
    _grid(hand, 2, 3, 120, 178)


def grid9(hand: Hand) -> None:
    _dress(hand.sheet, hand.product)
    _head(hand.sheet, hand.product, "Colours")
    _grid(hand, 3, 3, 120, 176)


def grid12(hand: Hand) -> None:
    _dress(hand.sheet, hand.product)
    _head(hand.sheet, hand.product, "Colours")
    _grid(hand, 3, 4, 120, 126)


def turned12(hand: Hand) -> None:
    """Twelve colours on a landscape page."""
    hand.sheet.turned = True
    _dress(hand.sheet, hand.product)
    _head(hand.sheet, hand.product, "Colours")
    _grid(hand, 4, 3, 112, 108)


def more6(hand: Hand) -> None:
    """A continuation: no heading, no running head, pictures and captions alone."""
    _grid(hand, 2, 3, 66, 196, 0, "close")


def full(hand: Hand) -> None:
    sheet, product = hand.sheet, hand.product
    box = (0.0, 0.0, sheet.width, 590.0)
    caption = hand.room(box, product.scenes[2], 1, (seed_of(product.prefix) + 2) % 4)
    sheet.panel((0, 590, sheet.width, 596), accent(product.category))
    sheet.paragraph(LEFT, 652, 440, product.quote, 24, "italic", leading=1.25)
    sheet.text(LEFT, 766, caption, 8, "sans", MUTED)


def pair(hand: Hand) -> None:
    sheet, product = hand.sheet, hand.product
    _dress(sheet, product)
    for k, top in enumerate((62.0, 434.0)):
        box = (LEFT, top, RIGHT, top + 336)
        decor = (seed_of(product.prefix) + 1 + k) % 4
        caption = hand.room(box, product.scenes[1 + k], 3 + k, decor, zoom=1.05)
        sheet.text(LEFT, top + 349, caption, 7.6, "sans", MUTED)


def details(hand: Hand) -> None:
    _dress(hand.sheet, hand.product)
    _head(hand.sheet, hand.product, "Close up")
    kind = "drape" if hand.product.soft else "close"
    _grid(hand, 2, 2, 120, 290, 2, kind)


def mosaic(hand: Hand) -> None:
    sheet, product = hand.sheet, hand.product
    _dress(sheet, product)
    _head(sheet, product, "Combinations")
    box = (LEFT, 120.0, RIGHT, 436.0)
    hand.still(box, "board", range(6))
    sheet.text(LEFT, 449, "Sample board: " + ", ".join(hand.way(k) for k in range(6)), 7.4, "sans", MUTED)
    kinds = ("drape", "close", "drape", "close") if product.soft else ("close", "swatch", "close", "swatch")
    for k, kind in enumerate(kinds):
        x, y = LEFT + 262 * (k % 2), 470.0 + 168 * (k // 2)
        small = (x, y, x + 249, y + 128)
        hand.flat(kind, small, 5 + k, "detail", most=930)
        hand.label(x, y + 141, 5 + k)


def _table(
    sheet: Sheet,
    y: float,
    rows: Sequence[Sequence[str]],
    stops: Sequence[float],
    tone: RGB,
    *,
    step: float = 17,
    right: float = RIGHT,
) -> float:
    """Rows with rules between them as far as `right`, the first cell bold; the y below."""
    sheet.rule(stops[0], y, right, tone, 1.2)
    for row in rows:
        for k, (cell, x) in enumerate(zip(row, stops, strict=False)):
            sheet.text(x, y + step * 0.68, cell, 8.2, "sans" if k else "bold")
        y += step
        sheet.rule(stops[0], y, right)
    return y


def _seals(sheet: Sheet, y: float) -> None:
    for k, words in enumerate(SEALS):
        box = (LEFT + 104 * k, y, LEFT + 104 * k + 22, y + 22)
        sheet.picture(Placed(box, Shot("seal", (), (66, 66), k), 0, None, "seal", "decorative"))
        sheet.text(box[2] + 6, y + 14, words, 7.2, "sans", MUTED)


def spec(hand: Hand) -> None:
    sheet, product = hand.sheet, hand.product
    _dress(sheet, product)
    _head(sheet, product, "Technical data")
    tone = accent(product.category)
    y = _table(sheet, 122, product.specification, (LEFT, LEFT + 170), tone)
    sheet.text(LEFT, y + 32, "Formats and packing", 11, "serif")
    y = _table(
        sheet, y + 42, [("Format", "Contents", "Weight"), *product.formats], (LEFT, LEFT + 170, LEFT + 340), tone
    )
    top = max(y + 34, 478.0)
    hand.still((LEFT, top, 330.0, 740.0), product.still, (0, 1, 2))
    sheet.text(LEFT, 752, ", ".join(hand.way(k) for k in range(3)), 7.4, "sans", MUTED)
    if product.sample == "cutout":
        hand.flat("cutout", (343.0, 560.0, RIGHT, 730.0), 1, "cut-out", "masked", 440)
    else:
        hand.flat(product.sample, (343.0, top, RIGHT, 740.0), 1, "detail")
    sheet.text(343, 752, hand.caption(1), 7.4, "sans", MUTED)
    _seals(sheet, 772)


def end(hand: Hand, following: Hand) -> None:
    """The last figures of one product above, the next product from mid-page on."""
    sheet, product = hand.sheet, hand.product
    _dress(sheet, product)
    _head(sheet, product, "Technical data")
    _table(sheet, 118, product.specification, (LEFT, LEFT + 118), accent(product.category), step=15.5, right=390)
    hand.flat("close", (404.0, 120.0, RIGHT, 268.0), 7, "detail")
    sheet.text(404, 280, hand.caption(7), 6.6, "sans", MUTED)
    sheet.rule(LEFT, 318, RIGHT, INK, 0.8)
    product = following.product
    y = _start(sheet, product, 346)
    down = y
    for words in product.story:
        down = sheet.paragraph(LEFT, down, 232, words, 9) + 6
    box = (LEFT, 566.0, RIGHT, 790.0)
    following.room(box, product.scenes[0], 0, 2)
    following.flat("swatch", (300.0, y - 6, RIGHT, 552.0), 1, "swatch")


def small_colours(hand: Hand, encoding: str) -> None:
    """Three colours, three details and the specification on one page."""
    sheet, product = hand.sheet, hand.product
    _dress(sheet, product)
    _head(sheet, product, "Colours and technical data")
    for k in range(6):
        x, y = LEFT + (k % 3) * 175, 120.0 + (k // 3) * 178
        box = (x, y, x + 161, y + 140)
        hand.flat(
            "swatch" if k < 3 else "close", box, k, "swatch" if k < 3 else "detail", encoding if k == 1 else "jpeg", 600
        )
        hand.label(x, y + 152, k, "" if k < 3 else "detail")
    _table(sheet, 500, product.specification, (LEFT, LEFT + 170), accent(product.category))
    _seals(sheet, 752)


def small_start(hand: Hand) -> None:
    """A whole product on one page: its name, story, five pictures, specification."""
    sheet, product = hand.sheet, hand.product
    _dress(sheet, product)
    y = _start(sheet, product, 66)
    for words in product.story[:2]:
        y = sheet.paragraph(LEFT, y, 250, words, 9) + 6
    hand.flat("swatch", (343.0, 148.0, RIGHT, 330.0), 0, "swatch", "jpx", 700)
    sheet.text(343, 342, hand.caption(0), 7.4, "sans", MUTED)
    hand.flat("close", (LEFT, 258.0, 330.0, 386.0), 0, "detail", most=930)
    sheet.text(LEFT, 398, "Rialto honed, chips of 3 to 25 mm", 7.4, "sans", MUTED)
    for k in range(2):
        box = (LEFT + 175 * k, 420.0, LEFT + 175 * k + 161, 540.0)
        hand.flat("swatch", box, 1 + k, "swatch", most=600)
        hand.label(box[0], 552, 1 + k)
    hand.flat("cutout", (LEFT + 350, 420.0, RIGHT, 540.0), 2, "cut-out", "masked", 600)
    sheet.text(LEFT + 350, 552, hand.caption(2), 7.4, "sans", MUTED)
    _table(sheet, 592, product.specification, (LEFT, LEFT + 170), accent(product.category), step=16)


TEMPLATES: Mapping[str, Callable[[Hand], None]] = {
    f.__name__: f for f in (opener, story, grid6, grid9, grid12, turned12, more6, full, pair, details, mosaic, spec)
}
