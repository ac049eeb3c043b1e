"""The pages: one function a template, from a product to a drawn sheet. `bind` puts them in the order of the book."""

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from samples.content import HOUSE, TITLE, Product, load_categories, load_products
from samples.sheet import INK, MUTED, PAPER, RGB, WHITE, Box, Placed, Sheet
from samples.shots import Shot, Stuff

LEFT, RIGHT = 42.0, 553.0
UNNUMBERED = 2  # leaves before printed page 1
ACCENTS: tuple[RGB, ...] = ((172, 92, 60), (70, 108, 100), (150, 112, 62), (92, 86, 128), (140, 62, 58))
ROOMS = {
    "living": "Living room", "hall": "Hall", "bath": "Bathroom", "kitchen": "Kitchen", "chairs": "Reading corner", "bedroom": "Bedroom", "lobby": "Reception",
}  # fmt: skip
SEALS = ("Clear Air Gold", "Fair Source", "Long Life 30")


def seed_of(*parts: object) -> int:
    """A number that is the same on every machine."""
    return zlib.crc32("/".join(map(str, parts)).encode())


def stuff(product: Product, number: int, *, tiled: bool = False) -> Stuff:
    """Colourway `number` of a product (counted round) as a material."""
    way = product.colourways[number % len(product.colourways)]
    seed = seed_of(product.prefix, way.name)
    return Stuff(way.material, way.palette, seed, product.metres, product.gloss, product.laid if tiled else None)


def pixels(box: Box, density: float = 2.5, most: int = 900) -> tuple[int, int]:
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

    def flat(self, kind: str, box: Box, number: int, role: str, encoding: str = "jpeg", most: int = 620) -> None:
        """A swatch, close-up, drape or cut-out of colourway `number`."""
        seed = seed_of(self.product.prefix, kind, number, self.sheet.kind, *map(round, box))
        shot = Shot(kind, (stuff(self.product, number),), pixels(box, most=most), seed, encoding=encoding)
        self.place(box, shot, role, self.caption(number))

    def room(
        self, box: Box, name: str, number: int, decor: int, x: float, y: float, zoom: float, encoding: str = "jpeg"
    ) -> str:
        """The product in a room; the words for a caption."""
        caption = f"{ROOMS[name]} with {self.caption(number)}"
        shot = Shot(
            "quick_scene" if self.quick else "scene", (stuff(self.product, number, tiled=True),), pixels(box),
            seed_of(self.product.prefix, name, number), name, self.product.use, frame(box, x, y, zoom), bool(decor % 2), decor, encoding,
        )  # fmt: skip
        self.place(box, shot, "scene", caption)
        return caption

    def still(self, box: Box, name: str, numbers: Sequence[int], encoding: str = "jpeg") -> None:
        """Samples of several colourways side by side."""
        stuffs = tuple(stuff(self.product, n) for n in numbers)
        stuffs = tuple(replace(s, metres=min(s.metres, 0.9)) for s in stuffs)
        shot = Shot(
            "quick_scene" if self.quick else "scene", stuffs, pixels(box), seed_of(self.product.prefix, name, *numbers),
            name, "samples", frame(box), self.product.edition % 2 == 1, numbers[0] % 4, encoding,
        )  # fmt: skip
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
    encoding = {"Cordova Leather": "cmyk", "Carrara Luce": "jpx"}.get(product.name, "jpeg")
    hand.room(box, product.scenes[0], 0, seed_of(product.prefix) % 4, 0.5, 0.62, 1.0, encoding)
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
    caption = hand.room(box, product.scenes[1], 2, (seed_of(product.prefix) + 1) % 4, 0.5, 0.6, 1.08)
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
            kind, box, first + k, "swatch" if kind == "swatch" else "detail", _special(hand.product, kind, k), 520
        )
        hand.label(x, y + high + 12, first + k, notes[1])


def _special(product: Product, kind: str, number: int) -> str:
    """The few flat pictures that are stored otherwise than as JPEG."""
    odd = {
        ("Terra Nova", "swatch", 4): "cmyk", ("Medina", "swatch", 5): "cmyk", ("Solveig Linen", "swatch", 7): "jpx",
        ("Lamina", "swatch", 3): "jpx", ("Cimento", "swatch", 8): "inline",
    }  # fmt: skip
    return odd.get((product.name, kind, number), "jpeg")


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
    caption = hand.room(box, product.scenes[2], 1, (seed_of(product.prefix) + 2) % 4, 0.55, 0.6, 1.0)
    sheet.panel((0, 590, sheet.width, 596), accent(product.category))
    sheet.paragraph(LEFT, 652, 380, product.quote, 24, "italic", leading=1.25)
    sheet.text(LEFT, 766, caption, 8, "sans", MUTED)


def pair(hand: Hand) -> None:
    sheet, product = hand.sheet, hand.product
    _dress(sheet, product)
    for k, top in enumerate((62.0, 434.0)):
        box = (LEFT, top, RIGHT, top + 336)
        decor = (seed_of(product.prefix) + 1 + k) % 4
        caption = hand.room(box, product.scenes[1 + k], 3 + k, decor, 0.5, 0.6, 1.05)
        sheet.text(LEFT, top + 349, caption, 7.6, "sans", MUTED)


def details(hand: Hand) -> None:
    _dress(hand.sheet, hand.product)
    _head(hand.sheet, hand.product, "Close up")
    kind = "drape" if hand.product.use == "upholstery" else "close"
    _grid(hand, 2, 2, 120, 290, 2, kind)


def mosaic(hand: Hand) -> None:
    sheet, product = hand.sheet, hand.product
    _dress(sheet, product)
    _head(sheet, product, "Combinations")
    box = (LEFT, 120.0, RIGHT, 436.0)
    hand.still(box, "board", range(6))
    sheet.text(LEFT, 449, "Sample board: " + ", ".join(hand.way(k) for k in range(6)), 7.4, "sans", MUTED)
    soft = product.use == "upholstery"
    kinds = ("drape", "close", "drape", "close") if soft else ("close", "swatch", "close", "swatch")
    for k, kind in enumerate(kinds):
        x, y = LEFT + 262 * (k % 2), 470.0 + 168 * (k // 2)
        small = (x, y, x + 249, y + 128)
        hand.flat(kind, small, 5 + k, "detail", most=560)
        hand.label(x, y + 141, 5 + k)


def _table(
    sheet: Sheet, y: float, rows: Sequence[Sequence[str]], stops: Sequence[float], tone: RGB, step: float = 17
) -> float:
    """Rows with rules between them, the first cell bold; the y below."""
    sheet.rule(stops[0], y, RIGHT, tone, 1.2)
    for row in rows:
        for k, (cell, x) in enumerate(zip(row, stops, strict=False)):
            sheet.text(x, y + step * 0.68, cell, 8.2, "sans" if k else "bold")
        y += step
        sheet.rule(stops[0], y, RIGHT)
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
    left, right = (LEFT, top, 330.0, 740.0), (343.0, top, RIGHT, 740.0)
    hand.still(
        left,
        {"Medina": "stack", "Fjord Wool": "roll", "Solveig Linen": "roll", "Cordova Leather": "roll"}.get(
            product.name, "slabs"
        ),
        (0, 1, 2),
    )
    sheet.text(LEFT, 752, ", ".join(hand.way(k) for k in range(3)), 7.4, "sans", MUTED)
    if product.name in ("Terra Nova", "Palladio Terrazzo", "Alentejo Cork", "Carrara Luce"):
        hand.flat("cutout", (343.0, 560.0, RIGHT, 730.0), 1, "cut-out", "masked", 440)
    else:
        hand.flat("drape" if product.use == "upholstery" else "close", right, 4, "detail")
    sheet.text(
        343,
        752,
        hand.caption(1 if product.name in ("Terra Nova", "Palladio Terrazzo", "Alentejo Cork", "Carrara Luce") else 4),
        7.4,
        "sans",
        MUTED,
    )
    _seals(sheet, 772)


def end(hand: Hand, following: Hand) -> None:
    """The last figures of one product above, the next product from mid-page on."""
    sheet, product = hand.sheet, hand.product
    _dress(sheet, product)
    _head(sheet, product, "Technical data")
    _table(sheet, 118, product.specification, (LEFT, LEFT + 118), accent(product.category), 15.5)
    hand.flat("close", (404.0, 120.0, RIGHT, 268.0), 7, "detail")
    sheet.panel((404, 120, 404, 120), WHITE)
    sheet.text(404, 280, hand.caption(7), 6.6, "sans", MUTED)
    sheet.rule(LEFT, 318, RIGHT, INK, 0.8)
    product = following.product
    y = _start(sheet, product, 346)
    down = y
    for words in product.story:
        down = sheet.paragraph(LEFT, down, 232, words, 9) + 6
    box = (LEFT, 566.0, RIGHT, 790.0)
    following.room(box, product.scenes[0], 0, 2, 0.5, 0.62, 1.0)
    following.flat("swatch", (300.0, y - 6, RIGHT, 552.0), 1, "swatch")


TEMPLATES: Mapping[str, Callable[[Hand], None]] = {
    f.__name__: f for f in (opener, story, grid6, grid9, grid12, turned12, more6, full, pair, details, mosaic, spec)
}


# --- pages without products -------------------------------------------------------------------------------------------


def _backdrop(sheet: Sheet, box: Box, product: Product, room: str, decor: int, number: int, kind: str) -> None:
    shot = Shot(
        kind, (stuff(product, number, tiled=True),), pixels(box), seed_of("backdrop", room), room, product.use,
        frame(box, 0.42, 0.55, 1.0), True, decor,
    )  # fmt: skip
    sheet.picture(Placed(box, shot, product.edition, None, "backdrop"))


def cover(product: Product, kind: str) -> Sheet:
    sheet = Sheet("cover")
    _backdrop(sheet, (0, 196, sheet.width, 842), product, product.scenes[-1], 1, 3, kind)
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
    _backdrop(sheet, (LEFT, 400, RIGHT, 770), product, "chairs", 0, 2, "scene")
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
        ("Clear Air Gold", "Emissions after 28 days below a fifth of the limit", "CA-2231-24"), ("Fair Source", "Origin of wood, cork and hides traced to the holding", "FS-0817-25"),
        ("Long Life 30", "Thirty years' guarantee on wear of tiles and stone", "LL-30-118"), ("EN 14411", "Ceramic tiles: definition, classification, marking", "DoP 114-26"),
        ("EN 13748-1", "Terrazzo tiles for internal use", "DoP 121-26"), ("EN 14342", "Wood flooring: evaluation of conformity", "DoP 130-26"), ("EN 1307", "Textile floor coverings: classification of use", "DoP 142-26"),
    )  # fmt: skip
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
        ("Halden & Rue", "Showroom and depot", "Quay 14, Harbour Quarter", "Monday to Saturday, 9 to 18 h", "+00 55 0123 0", "hello@haldenrue.example")
    ):  # fmt: skip
        sheet.text(LEFT, 150 + 20 * k, line, 10.5, "sans" if k else "bold")
    sheet.paragraph(
        LEFT, 700, 360, "Colours in print are approximations. Prices are recommended retail prices including tax, valid until the next edition. All names in this book are invented.",
        8, "sans", MUTED,
    )  # fmt: skip
    return sheet


# --- the book ---------------------------------------------------------------------------------------------------------


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
        sheet.text(LEFT, foot + 8, f"{HOUSE}  ·  {TITLE}", 6.8, "sans", MUTED)
        sheet.text(sheet.width - LEFT, foot + 8, str(page - UNNUMBERED), 8, "bold", align="right")


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
    """One swatch of a product is printed again, smaller, on a later page of it."""
    shown = [(s, p) for s in sheets for p in s.placed if p.role == "swatch" and p.shot.encoding == "jpeg"]
    first = shown[2][1]
    for sheet in sheets:
        for k, mark in enumerate(sheet.marks):
            if (
                isinstance(mark, Placed)
                and mark.role == "detail"
                and mark.owner == first.owner
                and sheet is not shown[2][0]
            ):
                sheet.marks[k] = replace(first, box=mark.box, role="detail", caption=mark.caption)
                return


def bind(editions: int = 1) -> list[Sheet]:
    """The large catalogue: 71 pages an edition, all editions one after the other under one cover."""
    sheets: list[Sheet] = []
    base = load_products()
    for edition in range(editions):
        products = load_products(edition)
        inner: list[Sheet] = []
        for category in load_categories():
            chapter = [p for p in products if p.category == category]
            inner += [divider(category, chapter[0]), *_chapter(chapter, quick=False)]
        _repeat_one(inner)
        _hide(inner)
        before = len(sheets) + 3
        first = _first_pages(inner, before)
        tail = [("Certificates", before + len(inner) + 1), ("Contact", before + len(inner) + 2)]
        index = contents(((p, first[p.id]) for p in products), [("About us", before - 1), *tail])
        sheets += [cover(products[5], "scene"), about(products[8]), index, *inner, certificates(), contact()]
    _number(sheets, Shot("strip", tuple(stuff(p, 0) for p in base), (1012, 10), 0))
    return sheets


def bind_small() -> list[Sheet]:
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
    return book


def small_colours(hand: Hand, encoding: str) -> None:
    """Three colours, three details and the specification on one page."""
    sheet, product = hand.sheet, hand.product
    _dress(sheet, product)
    _head(sheet, product, "Colours and technical data")
    for k in range(6):
        x, y = LEFT + (k % 3) * 175, 120.0 + (k // 3) * 178
        box = (x, y, x + 161, y + 140)
        hand.flat(
            "swatch" if k < 3 else "close", box, k, "swatch" if k < 3 else "detail", encoding if k == 1 else "jpeg", 360
        )
        hand.label(x, y + 152, k, "" if k < 3 else "detail")
    _table(sheet, 500, product.specification, (LEFT, LEFT + 170), accent(product.category))
    _seals(sheet, 752)


def small_start(hand: Hand) -> None:
    """A whole product on one page: its name, story, five pictures, specification."""
    sheet, product = hand.sheet, hand.product
    y = _start(sheet, product, 66)
    sheet.paragraph(LEFT, y, 240, product.story[0], 9)
    hand.flat("swatch", (306.0, 56.0, RIGHT, 250.0), 0, "swatch", "jpx", 420)
    sheet.text(306, 262, hand.caption(0), 7.4, "sans", MUTED)
    for k in range(2):
        box = (LEFT + 175 * k, 292.0, LEFT + 175 * k + 161, 432.0)
        hand.flat("swatch", box, 1 + k, "swatch", most=360)
        hand.label(box[0], 444, 1 + k)
    hand.flat("cutout", (LEFT + 350, 292.0, RIGHT, 432.0), 2, "cut-out", "masked", 360)
    sheet.text(LEFT + 350, 444, hand.caption(2), 7.4, "sans", MUTED)
    hand.flat("close", (LEFT, 478.0, RIGHT, 580.0), 0, "detail", most=640)
    _table(sheet, 600, product.specification, (LEFT, LEFT + 170), accent(product.category), 15.5)
