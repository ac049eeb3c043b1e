"""A page as it is drawn: text, rules, panels and placed pictures, in points from the top left of the page as shown."""

from dataclasses import dataclass, field
from functools import cache
from typing import Literal

import pymupdf

from samples.shots import Shot

Box = tuple[float, float, float, float]
RGB = tuple[int, int, int]

FONTS = {"sans": "helv", "bold": "hebo", "serif": "tiro", "italic": "tiit"}
"""Our name -> the name of a font that comes with MuPDF (the Nimbus faces)."""

A4 = (595.0, 842.0)
INK: RGB = (36, 35, 33)
MUTED: RGB = (128, 122, 113)
WHITE: RGB = (255, 255, 255)
PAPER: RGB = (246, 243, 237)


@dataclass(frozen=True)
class Placed:
    """A picture on a page. `owner` is the product it shows (None: decoration or a page without product).

    `state` is what a person sees of it: shown, decorative, or hidden (covered, or off the page).
    """

    box: Box
    shot: Shot
    edition: int
    owner: str | None
    role: str
    state: Literal["shown", "decorative", "hidden"] = "shown"
    caption: str = ""


@dataclass
class Sheet:
    """One page under construction. `turned` pages are landscape by /Rotate 90."""

    kind: str
    turned: bool = False
    products: list[str] = field(default_factory=list)
    marks: list[str | Placed] = field(default_factory=list)
    heading: tuple[int, str, float] | None = None  # outline level, title, y

    @property
    def width(self) -> float:
        return A4[1] if self.turned else A4[0]

    @property
    def height(self) -> float:
        return A4[0] if self.turned else A4[1]

    @property
    def placed(self) -> list[Placed]:
        return [m for m in self.marks if isinstance(m, Placed)]

    def text(
        self,
        x: float,
        y: float,
        words: str,
        size: float = 8.6,
        face: str = "sans",
        colour: RGB = INK,
        *,
        align: Literal["left", "right", "centre"] = "left",
    ) -> None:
        """One line, `y` its baseline; `x` its left end, right end or middle by `align`."""
        left = x - measure(words, size, face) * {"left": 0, "right": 1, "centre": 0.5}[align]
        glyphs = "".join(f"{_glyph(face, c)[0]:04x}" for c in words)
        self.marks.append(
            f"BT /{face} {size:g} Tf {_rgb(colour)} rg {left:.2f} {self.height - y:.2f} Td <{glyphs}> Tj ET"
        )

    def paragraph(
        self,
        x: float,
        y: float,
        width: float,
        words: str,
        size: float = 8.6,
        face: str = "sans",
        colour: RGB = INK,
        *,
        leading: float = 1.5,
    ) -> float:
        """Lines broken to `width`, the first baseline at `y`; the baseline after the last one."""
        line = ""
        for word in words.split():
            longer = f"{line} {word}".strip()
            if line and measure(longer, size, face) > width:
                self.text(x, y, line, size, face, colour)
                y, line = y + size * leading, word
            else:
                line = longer
        self.text(x, y, line, size, face, colour)
        return y + size * leading

    def panel(self, box: Box, colour: RGB) -> None:
        x0, y0, x1, y1 = box
        self.marks.append(f"{_rgb(colour)} rg {x0:.2f} {self.height - y1:.2f} {x1 - x0:.2f} {y1 - y0:.2f} re f")

    def rule(self, x0: float, y: float, x1: float, colour: RGB = MUTED, weight: float = 0.4) -> None:
        down = self.height - y
        self.marks.append(f"{_rgb(colour)} RG {weight:g} w {x0:.2f} {down:.2f} m {x1:.2f} {down:.2f} l S")

    def ring(self, x: float, y: float, radius: float, colour: RGB, weight: float = 1.2) -> None:
        """A circle of four Bézier arcs."""
        k, cy, r = radius * 0.5523, self.height - y, radius
        arcs = " ".join(
            f"{x + a * k - b * r:.2f} {cy + b * k + a * r:.2f} {x + a * r - b * k:.2f} {cy + b * r + a * k:.2f} "
            f"{x + a * r:.2f} {cy + b * r:.2f} c"
            for a, b in ((1, 0), (0, -1), (-1, 0), (0, 1))
        )
        self.marks.append(f"{_rgb(colour)} RG {weight:g} w {x:.2f} {cy + r:.2f} m {arcs} S")

    def picture(self, placed: Placed) -> None:
        self.marks.append(placed)


@cache
def load_font(face: str) -> pymupdf.Font:
    return pymupdf.Font(FONTS[face])


def measure(words: str, size: float, face: str) -> float:
    """Width of a line in points."""
    return size * sum(_glyph(face, c)[1] for c in words)


@cache
def _glyph(face: str, character: str) -> tuple[int, float]:
    """Number and advance (of a font of size 1) of a character's glyph."""
    font = load_font(face)
    return int(font.has_glyph(ord(character))), float(font.glyph_advance(ord(character)))


def _rgb(colour: RGB) -> str:
    return " ".join(f"{c / 255:.3f}" for c in colour)
