"""A trade list of knobs and rails: price tables with thumbnails, drawings, colour charts, spaced names, strips."""

from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFilter

from samples.catalogues.press import Good, Label, Leaf, Press
from samples.catalogues.solids import RGB, on_ground, solid
from samples.sheet import A4, MUTED, Box
from samples.shots import Shot, Stuff, develop

HOUSE, TITLE = "Orsa & Field", "Trade List 2026"
LEFT, RIGHT = 48.0, 547.0

BRASS: RGB = (186, 146, 74)
IRON: RGB = (74, 76, 80)
NICKEL: RGB = (176, 178, 176)
OAK: RGB = (172, 128, 84)
BRONZE: RGB = (112, 84, 58)
SHAPES: dict[str, tuple[tuple[float, ...], RGB]] = {
    "Ansel Bar": ((0.0, 0.3, 0.34, 0.34, 0.34, 0.34, 0.34, 0.3, 0.0), BRASS),
    "Brant Knob": ((0.0, 0.7, 0.86, 0.8, 0.5, 0.3, 0.34, 0.5, 0.52, 0.0), OAK),
    "Corin Cup": ((0.0, 0.9, 0.92, 0.88, 0.8, 0.64, 0.4, 0.2, 0.0), NICKEL),
    "Dorne Peg": ((0.0, 0.5, 0.56, 0.3, 0.24, 0.24, 0.26, 0.44, 0.46, 0.0), IRON),
    "Elm Button": ((0.0, 0.5, 0.84, 0.92, 0.84, 0.5, 0.4, 0.4, 0.0), OAK),
    "Gale Knob": ((0.0, 0.4, 0.68, 0.78, 0.76, 0.6, 0.36, 0.28, 0.5, 0.56, 0.0), BRONZE),
    "Hollin Hook": ((0.0, 0.22, 0.3, 0.2, 0.2, 0.2, 0.4, 0.7, 0.3, 0.0), IRON),
    "Iver Latch": ((0.0, 0.6, 0.62, 0.3, 0.62, 0.6, 0.3, 0.6, 0.62, 0.0), NICKEL),
    "Jory Stop": ((0.0, 0.4, 0.7, 0.74, 0.7, 0.5, 0.8, 0.82, 0.0), BRASS),
    "Kemp Foot": ((0.0, 0.3, 0.32, 0.36, 0.44, 0.56, 0.72, 0.9, 0.92, 0.0), OAK),
}
"""Profile and colour of what is turned on a lathe."""


def _good(name: str, number: int, price: str, category: str) -> Good:
    return Good(name, f"OF-{number}", f"{price} EUR", category)


TABLED = tuple(
    _good(name, 2101 + 7 * n, f"{4 + 3 * n}.{20 + 7 * n}", "Knobs and bars") for n, name in enumerate(SHAPES)
)
LONG_BAR = _good("Ansel Bar Long", 2190, "18.40", "Knobs and bars")
RAIL = _good("Farrow Rail", 3004, "62.00", "Rails")
LACQUER = _good("Lacquer Twelve", 4012, "9.80", "Finishes")
POWDER = _good("Powder Six", 4006, "7.10", "Finishes")
GOODS = (*TABLED, LONG_BAR, RAIL, LACQUER, POWDER)
ANSEL, BRANT, CORIN, DORNE, ELM, GALE, HOLLIN, IVER, JORY, KEMP = TABLED

LACQUERS: tuple[tuple[str, RGB], ...] = (
    ("Chalk", (238, 234, 224)), ("Oyster", (206, 198, 184)), ("Clay", (178, 120, 92)), ("Rust", (150, 72, 44)),
    ("Ochre", (202, 152, 62)), ("Moss", (104, 112, 66)), ("Fir", (44, 78, 62)), ("Lagoon", (66, 124, 132)),
    ("Denim", (70, 92, 130)), ("Ink", (34, 44, 72)), ("Plum", (96, 52, 78)), ("Soot", (48, 46, 46)),
)  # fmt: skip
POWDERS: tuple[tuple[str, RGB], ...] = (
    ("Signal Red", (168, 36, 36)), ("Traffic Blue", (28, 86, 140)), ("Moss Green", (28, 86, 62)),
    ("Pearl White", (232, 230, 222)), ("Window Grey", (156, 162, 160)), ("Jet Black", (26, 26, 28)),
)  # fmt: skip

CUPS = tuple(
    (f"{CORIN.code}-{wide}", f"{wide} x {high} mm", f"{price} EUR")
    for wide, high, price in ((64, 30, "18.34"), (96, 36, "21.60"), (128, 42, "24.90"))
)
"""Code, size and price of each size of CORIN: its variants."""


def make_hardware(path: Path) -> dict[str, Any]:
    """Write the catalogue; its truth. The same libraries give the same bytes."""
    press = Press(path.stem, f"{HOUSE}: {TITLE}")
    logo = press.picture(develop(Shot("logo", (), (120, 74), 0)), "masked")
    thumbs = {good: press.picture(_photo(good)) for good in TABLED}
    _cover(press, logo)
    _table(press, logo, thumbs, TABLED[:7], "Knobs and bars")
    _table(press, logo, thumbs, (*TABLED[7:], LONG_BAR), "Knobs and bars, continued")
    _drawings(press, logo, thumbs)
    _colours(press, logo)
    _strips(press, logo)
    _spaced(press, logo)
    _seals(press, logo)
    return press.write(path, GOODS)


def _photo(good: Good, ground: RGB = (255, 255, 255), size: tuple[int, int] = (210, 180)) -> Image.Image:
    profile, colour = SHAPES[good.name]
    return on_ground(solid(profile, colour, size), ground)


def _leaf(press: Press, logo: int, kind: str, heading: str) -> Leaf:
    leaf = press.leaf(kind)
    leaf.trap(logo, (LEFT, 30, LEFT + 52, 62), "logo in the head of every page")
    leaf.text(RIGHT, 50, f"{HOUSE} · {TITLE}", 8, "sans", MUTED, align="right")
    leaf.text(LEFT, 100, heading, 19, "serif")
    leaf.text(RIGHT, 815, str(len(press.leaves)), 8, "sans", MUTED, align="right")
    return leaf


def _cover(press: Press, logo: int) -> None:
    leaf = press.leaf("cover")
    metal = Stuff("hammered", ((70, 66, 62), (140, 128, 112), (206, 190, 164)), 41)
    leaf.trap(
        press.picture(develop(Shot("close", (metal,), (500, 500), 3))), (0, 240, A4[0], A4[1]), "cover photograph"
    )
    leaf.trap(logo, (LEFT, 60, LEFT + 104, 124), "logo")
    leaf.text(LEFT, 176, HOUSE, 34, "serif")
    leaf.text(LEFT, 210, TITLE, 16, "sans", MUTED)


def _table(press: Press, logo: int, thumbs: dict[Good, int], rows: tuple[Good, ...], heading: str) -> None:
    """A table whose first column has pictures no larger than its rows."""
    leaf = _leaf(press, logo, "table", heading)
    stops = (LEFT, 104.0, 190.0, 350.0, 450.0)
    for x, words in zip(stops, ("Picture", "Code", "Article", "Size", "Price"), strict=True):
        leaf.text(x, 132, words, 8, "bold", MUTED)
    y = 140.0
    for n, good in enumerate(rows):
        leaf.rule(LEFT, y, RIGHT)
        picture = thumbs[ANSEL if good is LONG_BAR else good]  # one photograph for both lengths
        leaf.show(picture, (LEFT + 2, y + 3, LEFT + 34, y + 31), good, "thumbnail in a table row")
        cells = (good.code, good.name, f"{24 + 8 * n} x {20 + 4 * n} mm", good.price)
        for x, words in zip(stops[1:], cells, strict=True):
            leaf.text(x, y + 21, words, 9)
        y += 34
    leaf.rule(LEFT, y, RIGHT)
    leaf.paragraph(LEFT, y + 28, 400, "All prices are net, per piece, in boxes of ten. Screws M4 are in the box.", 8.6)


def _drawings(press: Press, logo: int, thumbs: dict[Good, int]) -> None:
    """Sections of two goods, drawn as paths in a frame, with a photograph that other pages have, too."""
    leaf = _leaf(press, logo, "products", "Sections at full size")
    for n, good in enumerate((ANSEL, BRANT)):
        y = 130.0 + 330 * n
        frame: Box = (LEFT, y, LEFT + 300, y + 250)
        _section(leaf, frame, SHAPES[good.name][0])
        leaf.tell(frame, good, "drawing made of paths")
        leaf.text(LEFT, y + 266, f"{good.name} {good.code}, section 1:1", 9, "bold")
        leaf.show(thumbs[good], (380, y, 520, y + 120), good, "photo that stands on other pages, too")
        leaf.text(380, y + 134, f"{good.name}, {good.price}", 8.6)


def _section(leaf: Leaf, frame: Box, profile: tuple[float, ...]) -> None:
    """Outline, axis, hatching and dimensions."""
    x0, y0, x1, y1 = frame
    leaf.paint(f"0.8 w 0 G {leaf.area(frame)} re S")
    middle, top, tall, wide = (x0 + x1) / 2, y0 + 40, y1 - y0 - 80, (x1 - x0) * 0.32
    down = [leaf.height - (top + tall * k / (len(profile) - 1)) for k in range(len(profile))]
    for side in (-1, 1):
        steps = [f"{middle + side * wide * r:.1f} {y:.1f}" for r, y in zip(profile, down, strict=True)]
        leaf.paint(f"1 w 0 G {steps[0]} m " + " ".join(f"{step} l" for step in steps[1:]) + " S")
    leaf.paint(f"0.4 w [6 2 1 2] 0 d 0 G {middle} {down[0] + 16:.1f} m {middle} {down[-1] - 16:.1f} l S")
    hatching = " ".join(
        f"{middle - wide * r + 2:.1f} {y - 3:.1f} m {middle + wide * r - 2:.1f} {y + 3:.1f} l"
        for r, y in zip(profile[1:-1], down[1:-1], strict=True)
    )
    leaf.paint(f"0.3 w 0 G {hatching} S")
    foot = leaf.height - (y1 - 18)
    leaf.paint(f"0.4 w 0 G {middle - wide:.1f} {foot} m {middle + wide:.1f} {foot} l S")


def _colours(press: Press, logo: int) -> None:
    """A chart of filled rectangles, and swatches that are images of one pixel."""
    leaf = _leaf(press, logo, "products", "Finishes")
    leaf.text(LEFT, 130, f"{LACQUER.name}   {LACQUER.code}   {LACQUER.price}", 11, "bold")
    for n, (name, colour) in enumerate(LACQUERS):
        x, y = LEFT + 126 * (n % 4), 146.0 + 76 * (n // 4)
        leaf.panel((x, y, x + 110, y + 52), colour)
        leaf.text(x, y + 64, name, 8)
    leaf.tell((LEFT, 146, LEFT + 488, 350), LACQUER, "palette of filled rectangles")
    leaf.text(LEFT, 420, f"{POWDER.name}   {POWDER.code}   {POWDER.price}", 11, "bold")
    for n, (name, colour) in enumerate(POWDERS):
        x, y = LEFT + 170 * (n % 3), 440.0 + 130 * (n // 3)
        pixel = press.object(
            "<</Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceRGB/BitsPerComponent 8>>", bytes(colour)
        )
        leaf.show(pixel, (x, y, x + 140, y + 90), POWDER, "swatch of one pixel")
        leaf.text(x, y + 104, f"{POWDER.name} {name}", 8)


def _strips(press: Press, logo: int) -> None:
    """A photograph cut into strips, and one that shines through a grey picture."""
    leaf = _leaf(press, logo, "products", "Rails")
    rail = solid((0.0, 0.2, 0.26, 0.26, 0.26, 0.26, 0.26, 0.26, 0.26, 0.2, 0.0), NICKEL, (260, 600)).rotate(
        90, expand=True
    )
    photo = on_ground(rail, (206, 198, 186), 0.08)
    box: Box = (LEFT, 130, RIGHT, 390)
    count, xrefs = 5, []
    for n in range(count):
        cut = photo.crop((0, photo.height * n // count, photo.width, photo.height * (n + 1) // count))
        xrefs.append(press.picture(cut))
        step = (box[3] - box[1]) / count
        leaf.put(xrefs[-1], (box[0], box[1] + step * n, box[2], box[1] + step * (n + 1)))
    leaf.tell(box, RAIL, "photo in five strips", *xrefs)
    leaf.text(LEFT, 406, f"{RAIL.name} {RAIL.code}, {RAIL.price} a metre", 9, "bold")
    leaf.paragraph(LEFT, 426, 400, "Nickel-plated tube of 25 mm for wardrobes and hall stands, cut to length.")
    box = (LEFT, 500, LEFT + 220, 720)
    grey = Image.new("L", (200, 200), 0)
    ImageDraw.Draw(grey).ellipse((54, 54, 146, 146), fill=255)
    mask = press.object(
        "<</Type/XObject/Subtype/Image/Width 200/Height 200/ColorSpace/DeviceGray/BitsPerComponent 8>>",
        grey.filter(ImageFilter.GaussianBlur(4)).tobytes(),
    )
    around = (box[0] - 110, box[1] - 110, box[2] + 110, box[3] + 110)
    state = press.luminosity(mask, leaf, around)
    leaf.labels.append(Label(around, None, "hidden: the grey picture of a luminosity mask", (mask,)))
    knob = press.picture(_photo(GALE, (232, 224, 210), (400, 400)))
    leaf.show(knob, box, GALE, "photo under a luminosity mask", before=f"{leaf.name('ExtGState', state)} gs")
    leaf.text(LEFT, 736, f"{GALE.name} {GALE.code}, {GALE.price}", 9, "bold")


def _spaced(press: Press, logo: int) -> None:
    """Names in capitals that stand apart, by spaces or by the font's tracking; pictures in four encodings."""
    leaf = _leaf(press, logo, "products", "Hooks and latches")
    encodings = ("cmyk", "jpx", "masked", "palette")
    for n, (good, encoding) in enumerate(zip((HOLLIN, IVER, JORY, KEMP), encodings, strict=True)):
        x, y = LEFT + 260 * (n % 2), 140.0 + 320 * (n // 2)
        box: Box = (x, y, x + 210, y + 210)
        profile, colour = SHAPES[good.name]
        thing = solid(profile, colour, (320, 320))
        if encoding == "masked":
            picture = press.picture(thing, encoding)
        elif encoding == "palette":
            picture = _indexed(press, on_ground(thing, (240, 238, 232)))
        else:
            picture = press.picture(on_ground(thing, (226, 222, 214)), encoding)
        leaf.show(picture, box, good, f"photo, {encoding}")
        if n % 2:
            leaf.text(x, y + 232, " ".join(good.name.upper().replace(" ", "  ")), 12, "bold")
        else:
            leaf.spaced(x, y + 232, good.name.upper(), 12, 5.0, "bold")
        leaf.text(x, y + 248, f"{good.code}   {good.price}", 8.6, "sans", MUTED)


def _indexed(press: Press, image: Image.Image) -> int:
    flat = image.quantize(64, dither=Image.Dither.NONE)
    table = bytes(flat.getpalette() or b"").ljust(192, b"\0")[:192].hex()
    return press.object(
        f"<</Type/XObject/Subtype/Image/Width {flat.width}/Height {flat.height}/BitsPerComponent 8"
        f"/ColorSpace[/Indexed/DeviceRGB 63<{table}>]>>",
        flat.tobytes(),
    )


def _seals(press: Press, logo: int) -> None:
    """Certificates, icons and a watermark around one product, with a table of its sizes."""
    leaf = _leaf(press, logo, "products", "Tested for twenty years")
    marble = Stuff("marble", ((250, 249, 247), (244, 243, 241), (226, 226, 228)), 77)
    watermark = develop(Shot("swatch", (marble,), (300, 420), 9))
    state = press.object("<</Type/ExtGState/ca 0.3>>")
    before = f"{leaf.name('ExtGState', state)} gs"
    leaf.trap(press.picture(watermark), (0, 0, *A4), "background texture behind the page", before)
    leaf.marks.insert(0, leaf.marks.pop())
    leaf.show(press.picture(_photo(CORIN, (228, 226, 222), (380, 320))), (LEFT, 130, LEFT + 300, 380), CORIN)
    leaf.text(LEFT, 398, f"{CORIN.name} {CORIN.code}, {CORIN.price}", 10, "bold")
    leaf.paragraph(
        LEFT, 418, 380, "A cup pull of cast zinc. Tested with 100 000 pulls at 25 kg, in salt fog and in steam."
    )
    rows = (("Code", "Size", "Price"), *CUPS)
    for n, cells in enumerate(rows):
        for x, words in zip((LEFT, LEFT + 90, LEFT + 180), cells, strict=True):
            leaf.text(x, 446 + 15 * n, words, 8.6, "sans" if n else "bold")
    for n, words in enumerate(("Salt fog 480 h", "Load 25 kg", "Recycled zinc")):
        seal = press.picture(develop(Shot("seal", (), (90, 90), n)))
        x = LEFT + 150 * n
        leaf.trap(seal, (x, 520, x + 28, 548), "seal")
        leaf.text(x + 36, 538, words, 8)
    fade = Image.linear_gradient("L").resize((400, 16)).convert("RGB")
    leaf.trap(press.picture(fade), (0, 770, A4[0], 780), "gradient strip at the foot")
