"""A book of pots in spreads: pictures across the fold, in patterns and forms, hidden ones, a scan, a sideways page, and
one raster with several captioned pots.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageFilter

from samples.catalogues.press import Good, Leaf, Press
from samples.catalogues.solids import RGB, on_ground, solid
from samples.sheet import A4, MUTED, Box
from samples.shots import Shot, Stuff, develop

HOUSE, TITLE = "Marlo Pottery", "Book of Shapes"
SPREAD = (A4[1], A4[0])
FOLD = SPREAD[0] / 2
MARGIN = 44.0
FIRST_NUMBERED = 3  # the physical page whose left half is printed as 2

CREAM: RGB = (226, 214, 190)
BLUE: RGB = (60, 88, 132)
CELADON: RGB = (148, 172, 148)
TERRA: RGB = (176, 98, 66)
SLATE: RGB = (84, 90, 96)
OCHRE: RGB = (196, 148, 72)
SHAPES: dict[str, tuple[tuple[float, ...], RGB]] = {
    "Harbour Jug": ((0.0, 0.5, 0.42, 0.4, 0.56, 0.78, 0.9, 0.88, 0.72, 0.5, 0.52), CREAM),
    "Tarn Bowl": ((0.0, 0.92, 0.95, 0.9, 0.8, 0.62, 0.4, 0.34, 0.4), BLUE),
    "Fell Vase": ((0.0, 0.3, 0.26, 0.24, 0.3, 0.5, 0.7, 0.72, 0.6, 0.42, 0.4), CELADON),
    "Beck Cup": ((0.0, 0.6, 0.6, 0.6, 0.58, 0.56, 0.5, 0.36, 0.38), TERRA),
    "Scar Bottle": ((0.0, 0.16, 0.16, 0.16, 0.3, 0.52, 0.56, 0.56, 0.56, 0.54, 0.5), SLATE),
    "Dale Urn": ((0.0, 0.5, 0.4, 0.7, 0.86, 0.88, 0.8, 0.6, 0.4, 0.3, 0.5), OCHRE),
    "Mere Dish": ((0.0, 0.0, 0.96, 0.98, 0.94, 0.8, 0.5, 0.52), CREAM),
    "Gill Beaker": ((0.0, 0.66, 0.62, 0.58, 0.54, 0.5, 0.46, 0.42, 0.4), BLUE),
    "Pike Pot": ((0.0, 0.4, 0.62, 0.78, 0.82, 0.82, 0.78, 0.62, 0.5), TERRA),
    "Force Lamp": ((0.0, 0.2, 0.3, 0.3, 0.6, 0.8, 0.6, 0.4, 0.44, 0.7), SLATE),
    "How Crock": ((0.0, 0.7, 0.74, 0.8, 0.84, 0.86, 0.84, 0.78, 0.7), OCHRE),
    "Rigg Plate": ((0.0, 0.0, 0.0, 0.98, 0.98, 0.9, 0.6, 0.0), CELADON),
    "Sike Egg": ((0.0, 0.3, 0.46, 0.56, 0.62, 0.62, 0.56, 0.42, 0.2), CREAM),
    "Nab Tumbler": ((0.0, 0.5, 0.52, 0.54, 0.54, 0.54, 0.52, 0.48, 0.46), SLATE),
    "Wath Pitcher": ((0.0, 0.54, 0.44, 0.4, 0.46, 0.6, 0.7, 0.74, 0.7, 0.6), BLUE),
    "Ghyll Jar": ((0.0, 0.2, 0.5, 0.52, 0.7, 0.76, 0.76, 0.74, 0.7, 0.6), TERRA),
    "Keld Basin": ((0.0, 0.96, 0.94, 0.92, 0.86, 0.74, 0.5, 0.48), OCHRE),
    "Holme Tray": ((0.0, 0.0, 0.9, 0.92, 0.9, 0.84, 0.8, 0.0), SLATE),
    "Thwaite Pan": ((0.0, 0.8, 0.82, 0.8, 0.78, 0.74, 0.7, 0.5), CELADON),
    "Moss Candle": ((0.0, 0.1, 0.12, 0.3, 0.2, 0.16, 0.2, 0.5, 0.6), CREAM),
}
"""Profile and glaze of what is thrown on the wheel."""

GOODS = tuple(
    Good(name, f"MP {310 + 4 * n}", f"£{18 + 5 * n}", "Tableware" if n % 2 else "Vessels")
    for n, name in enumerate(SHAPES)
)
HARBOUR, TARN = GOODS[:2]
PATTERNED, IN_ONE_RASTER, SCANNED = GOODS[2:6], GOODS[6:12], GOODS[12:16]
KELD, HOLME, THWAITE, MOSS = GOODS[16:]


def make_pottery(path: Path) -> dict[str, Any]:
    """Write the catalogue; its truth. The same libraries give the same bytes."""
    press = Press(path.stem, f"{HOUSE}: {TITLE}")
    _cover(press)
    _contents(press)
    _across_the_fold(press)
    _patterns(press)
    _one_raster(press)
    _scan(press)
    _sideways(press)
    _hidden(press)
    _windows(press)
    _back(press)
    return press.write(path, GOODS)


def _pot(good: Good, ground: RGB | None = None, side: int = 340) -> Image.Image:
    profile, colour = SHAPES[good.name]
    thing = solid(profile, colour, (side, side), gloss=0.3)
    return thing if ground is None else on_ground(thing, ground, 0.12)


def _leaf(press: Press, kind: str = "products") -> Leaf:
    """A spread; both halves carry printed numbers, which are not the PDF's."""
    leaf = press.leaf(kind, SPREAD)
    number = 2 * (len(press.leaves) - FIRST_NUMBERED) + 2
    if number > 0:
        leaf.text(MARGIN, 576, str(number), 7.6, "sans", MUTED)
        leaf.text(SPREAD[0] - MARGIN, 576, str(number + 1), 7.6, "sans", MUTED, align="right")
    return leaf


def _caption(leaf: Leaf, x: float, y: float, good: Good, size: float = 10) -> None:
    leaf.text(x, y, good.name, size, "bold")
    leaf.text(x, y + size * 1.3, f"{good.code}, {good.price}", size * 0.86)


def _cover(press: Press) -> None:
    leaf = press.leaf("cover", SPREAD)
    clay = Stuff("concrete", ((120, 84, 62), (168, 120, 92), (198, 156, 126)), 12)
    photo = develop(Shot("close", (clay,), (640, 452), 8))
    leaf.trap(press.picture(photo), (0, 0, *SPREAD), "cover photograph")
    leaf.text(FOLD + MARGIN, 280, HOUSE, 38, "serif", (255, 255, 255))
    leaf.text(FOLD + MARGIN, 316, TITLE, 18, "italic", (255, 255, 255))


def _contents(press: Press) -> None:
    leaf = _leaf(press, "contents")
    leaf.text(MARGIN, 90, "Contents", 24, "serif")
    starts = ((HARBOUR, 3), (PATTERNED[0], 4), (IN_ONE_RASTER[0], 5), (SCANNED[0], 6), (KELD, 7), (THWAITE, 8))
    for n, (good, page) in enumerate(starts):
        leaf.text(MARGIN, 140 + 22 * n, good.name, 10)
        leaf.text(FOLD - MARGIN, 140 + 22 * n, str(2 * (page - FIRST_NUMBERED) + 2), 10, align="right")
    words = (
        "We throw and fire every shape by hand in one kiln by the river. Sizes differ by as much as a thumb's width."
    )
    leaf.paragraph(FOLD + MARGIN, 140, 300, words, 10)


def _across_the_fold(press: Press) -> None:
    """One photograph on both pages."""
    leaf = _leaf(press)
    scene = Image.new("RGB", (900, 460), (198, 188, 172))
    scene.paste((150, 122, 96), (0, 340, 900, 460))
    for x, side, good in ((60, 360, HARBOUR), (330, 330, HARBOUR), (600, 280, HARBOUR)):
        pot = _pot(good, side=side)
        scene.paste(pot, (x, 400 - side), pot)
    box: Box = (120, 40, SPREAD[0] - 60, 420)
    photo = press.picture(scene)
    leaf.put(photo, box)
    leaf.tell(box, HARBOUR, "photo across the fold", photo)
    leaf.text(FOLD + MARGIN, 460, HARBOUR.name, 20, "serif")
    leaf.text(FOLD + MARGIN, 480, f"{HARBOUR.code}, {HARBOUR.price}", 9)
    leaf.paragraph(
        FOLD + MARGIN, 500, 320, "A jug of two litres with a lip that does not drip. Cream glaze, iron foot."
    )


def _patterns(press: Press) -> None:
    """Pictures painted as the fill of a rectangle: the cell of a tiling pattern is as large as the picture."""
    leaf = _leaf(press)
    leaf.text(MARGIN, 66, "For flowers and for water", 22, "serif")
    for n, good in enumerate(PATTERNED):
        x = (MARGIN, MARGIN + 178, FOLD + MARGIN, FOLD + MARGIN + 178)[n]
        box: Box = (x, 110, x + 160, 350)
        width, height = box[2] - box[0], box[3] - box[1]
        picture = press.picture(_pot(good, (236, 230, 220)).resize((300, 450)))
        # as office programs write it: the cell that the file places lies right above the rectangle, where it is not
        # seen; what is seen is the cell below it, and a hair of the next
        lift, slack = (height, -0.1) if n % 2 else (0, 0.1)
        matrix = ((width + 4) / 300, 0, 0, (height + 2 * slack) / 450, box[0] - 2, leaf.height - box[3] - slack + lift)
        pattern = press.pattern(picture, (300, 450), matrix)
        leaf.paint(f"/Pattern cs {leaf.name('Pattern', pattern)} scn {leaf.area(box)} re f")
        leaf.tell(box, good, "photo painted as a pattern", picture)
        _caption(leaf, x, 370, good)


def _raster(press: Press, leaf: Leaf, box: Box, goods: Sequence[Good], columns: int, ground: RGB) -> None:
    """One image object with several pots on a flat ground; each is a region of it."""
    scale = 2
    raster = Image.new("RGB", (round((box[2] - box[0]) * scale), round((box[3] - box[1]) * scale)), ground)
    rows = -(-len(goods) // columns)
    wide, high = (box[2] - box[0]) / columns, (box[3] - box[1]) / rows
    side = min(wide, high) * 0.66
    picture_boxes = []
    for n, good in enumerate(goods):
        x, y = wide * (n % columns) + (wide - side) / 2, high * (n // columns) + high * 0.06
        pot = _pot(good, side=round(side * scale))
        raster.paste(pot, (round(x * scale), round(y * scale)), pot)
        x0, y0, x1, y1 = (k / scale for k in pot.getchannel("A").point(lambda a: 255 * (a > 127)).getbbox() or ())
        picture_boxes.append((box[0] + x + x0, box[1] + y + y0, box[0] + x + x1, box[1] + y + y1))
    leaf.put(press.picture(raster), box)
    for n, (good, seen) in enumerate(zip(goods, picture_boxes, strict=True)):
        leaf.tell(seen, good, "pot in a raster of several", region=True)
        _caption(leaf, box[0] + wide * (n % columns) + wide * 0.2, box[1] + high * (n // columns) + high * 0.86, good)


def _one_raster(press: Press) -> None:
    leaf = _leaf(press)
    leaf.text(MARGIN, 62, "For the table", 22, "serif")
    _raster(press, leaf, (MARGIN, 90, SPREAD[0] - MARGIN, 550), IN_ONE_RASTER, 3, (244, 242, 238))


def _scan(press: Press) -> None:
    leaf = press.leaf("products")
    leaf.text(MARGIN, 80, "From the old kiln", 28, "serif")
    _raster(press, leaf, (MARGIN, 120, A4[0] - MARGIN, 780), SCANNED, 2, (255, 255, 255))
    press.scan(leaf)


def _sideways(press: Press) -> None:
    """A page on which everything lies on its side, though the file does not say that it is turned."""
    leaf = press.leaf("products", SPREAD, sideways=True)
    leaf.text(MARGIN, 76, "For the kitchen", 22, "serif")
    for n, good in enumerate((KELD, HOLME)):
        x = MARGIN + 390 * n
        leaf.show(press.picture(_pot(good, (230, 226, 218))), (x, 110, x + 320, 430), good, "photo on its side")
        _caption(leaf, x, 456, good, 13)


def _hidden(press: Press) -> None:
    """What a layout program leaves behind: pictures that nobody sees, beside two that everybody does."""
    leaf = _leaf(press)
    leaf.text(MARGIN, 62, "New this year", 22, "serif")
    ground: RGB = (222, 224, 220)
    old = [press.picture(_pot(good, ground, 160 + 4 * n)) for n, good in enumerate(GOODS[:8])]
    leaf.trap(old[0], (90, 150, 210, 270), "hidden under the photo")
    leaf.show(press.picture(_pot(THWAITE, ground)), (MARGIN, 100, MARGIN + 300, 400), THWAITE)
    _caption(leaf, MARGIN, 420, THWAITE)
    leaf.trap(old[1], (-260, 120, -60, 320), "off the page")
    leaf.trap(old[2], (FOLD + 300, -190, FOLD + 470, -20), "off the page")
    leaf.trap(old[3], (FOLD + 60, 330, FOLD + 200, 470), "hidden under a panel")
    leaf.panel((FOLD + 40, 310, SPREAD[0] - MARGIN, 490), (242, 238, 230))
    words = "The pan goes from the oven to the table; the candlestick holds candles of 22 mm. Both are fired twice."
    leaf.paragraph(FOLD + 60, 350, 280, words, 10)
    box: Box = (FOLD + 60, 100, FOLD + 240, 280)
    leaf.show(press.picture(_pot(MOSS, ground)), box, MOSS)
    _caption(leaf, FOLD + 60, 300, MOSS)
    nowhere = leaf.area((FOLD + 320, 200, FOLD + 321, 201))
    leaf.trap(old[4], (FOLD + 260, 100, FOLD + 360, 200), "clipped away", f"{nowhere} re W n")
    clear = press.object("<</Type/ExtGState/ca 0>>")
    leaf.trap(old[5], (FOLD + 260, 100, FOLD + 360, 200), "hidden: transparent", f"{leaf.name('ExtGState', clear)} gs")
    layer = press.document.add_ocg("old prices", on=False)
    leaf.trap(
        old[6],
        (MARGIN, 440, MARGIN + 110, 550),
        "hidden: in a layer that is off",
        f"/OC {leaf.name('Properties', layer)} BDC",
        "EMC",
    )
    leaf.invisible(MARGIN, 555, "Sample Only", 18)


def _windows(press: Press) -> None:
    """Pictures of which a clip, a form or a mask shows a part, or which are turned or flipped."""
    leaf = _leaf(press)
    leaf.text(MARGIN, 62, f"{TARN.name}, {TARN.code}, {TARN.price}", 20, "serif")
    wide = press.picture(_pot(TARN, (214, 220, 224), 420))
    window: Box = (MARGIN, 100, MARGIN + 220, 230)
    leaf.put(wide, (MARGIN - 40, 60, MARGIN + 260, 300), f"{leaf.area(window)} re W n")
    leaf.tell(window, TARN, "photo in a window", wide)
    leaf.text(MARGIN, 246, f"{TARN.name} in blue", 8)
    form = press.form(press.picture(_pot(TARN, (236, 228, 214), 300)), (100, 100))
    box: Box = (MARGIN, 290, MARGIN + 200, 490)
    leaf.paint(f"2 0 0 2 {box[0]:g} {leaf.height - box[3]:g} cm {leaf.name('XObject', form)} Do")
    leaf.tell(box, TARN, "photo in a form")
    leaf.text(MARGIN, 506, f"{TARN.name} before it is fired", 8)
    _turned(press, leaf, (FOLD + 170, 200), 150, 8)
    leaf.text(FOLD + 90, 320, f"{TARN.name} from the kiln", 8)
    shadow = Image.new("RGBA", (240, 60))
    shadow.paste((0, 0, 0, 120), (40, 20, 200, 40))
    ellipse: Box = (FOLD + 70, 510, FOLD + 270, 540)
    leaf.trap(press.picture(shadow.filter(ImageFilter.GaussianBlur(9)), "masked"), ellipse, "shadow on the ground")
    x0, y0, x1, y1 = box = (FOLD + 80, 340, FOLD + 260, 520)
    pot = press.picture(_pot(HARBOUR), "masked")
    leaf.paint(f"{x0 - x1} 0 0 {y1 - y0} {x1:g} {leaf.height - y1:g} cm {leaf.name('XObject', pot)} Do")
    leaf.tell(box, HARBOUR, "cut-out, flipped", pot)
    leaf.text(FOLD + 80, 556, f"{HARBOUR.name}, left-handed", 8)


def _turned(press: Press, leaf: Leaf, centre: tuple[float, float], side: float, degrees: float) -> None:
    """A photograph that lies askew; it is seen in the box around it."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    x, y = centre[0] - side / 2 * (cos - sin), leaf.height - centre[1] - side / 2 * (cos + sin)
    matrix = (side * cos, side * sin, -side * sin, side * cos, x, y)
    xref = press.picture(_pot(TARN, (228, 224, 216), 300))
    leaf.paint(f"{' '.join(f'{k:.3f}' for k in matrix)} cm {leaf.name('XObject', xref)} Do")
    half = side / 2 * (cos + sin)
    box = (centre[0] - half, centre[1] - half, centre[0] + half, centre[1] + half)
    leaf.tell(box, TARN, "photo that lies askew", xref)


def _back(press: Press) -> None:
    leaf = press.leaf("back", SPREAD)
    leaf.text(MARGIN, 300, HOUSE, 20, "serif")
    leaf.text(MARGIN, 324, "Kiln Lane 4, open Tuesday to Saturday", 9)
