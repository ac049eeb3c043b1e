"""What a picture shows of the product that it is linked to: the product itself (photo), its form and measures in lines
(drawing), its use (scene), another colour or finish (variant) or a part of it (detail). By the traits of its pixels,
compared with the other pictures of the product; a photo where nothing speaks for another role.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from swatchbook.catalogue.link_features import LEAST_LETTERS
from swatchbook.records import PictureRole, Placement, Product, Traits, fold

PALE, DRAWN = 0.88, 0.5
"""A drawing has a ground so light, on at least this share of it and of four fifths of its edge."""
GREY, EVEN, INK = 0.01, 0.08, 0.1
"""Its lines are at most so far from grey (white goods: 0.011), its parts differ at most so much, and something on it is
at least so much darker than its ground."""
BLACK = 0.25
"""At most this share of what is on it is as dark as black goods are."""
PAPER, COLOURLESS, ON_PAPER = 0.95, 0.005, 0.6
"""On a ground as white as paper, which is so much of its edge, what has no colour at all is a drawing, too …"""
LESS_EVEN, FEW_DARK = 0.12, 0.15
"""… if its parts differ at most so much, and at most this share of what is on it is dark: its lines may fill it."""
CUT_OUT = 0.8
"""Goods on a plain ground: this share of the edge is ground."""
PLAIN = 0.06
"""The parts of a swatch differ at most so much."""
BUSY = 0.04
"""The parts of a scene differ at least so much, and by half more than those of the plainest picture of the product."""
LARGE = 0.15
"""A scene covers at least this share of its page, or is at least as large as the product's other pictures."""
AS_LARGE = 0.8
ELSEWHERE = 0.2
"""A picture of this share of its page, on a page that is not its product's, is a scene."""
SMALLER = 0.5
"""Variants are at most this share as large as the largest picture of the product."""
SAME_AREA = 0.2
"""Variants differ in area by at most this share."""

_DETAIL = re.compile(
    r"\b(?:details?|detalles?|détails?|dettagli[oa]?|detalhes?|detaje?|close[- ]?ups?|nahaufnahmen?|gros plan)\b|детал",
    re.IGNORECASE,
)
_DRAWING = re.compile(
    r"\b(?:drawings?|zeichnung(?:en)?|maßzeichnung|dessins?|disegn[oi]|dibujos?|desenhos?|sections?|schnitt)\b|чертеж",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of a product: its share of the page, its traits if it could be read, and whether the page is one on
    which the product was found.
    """

    placement: Placement
    size: float
    traits: Traits | None
    found_here: bool


def roles_of(product: Product, pictures: Sequence[Shown]) -> Mapping[str, PictureRole]:
    """Return placement id -> role, for the pictures of a product."""
    return {each.placement.id: _role(product, each, pictures) for each in pictures}


def _role(product: Product, picture: Shown, pictures: Sequence[Shown]) -> PictureRole:
    caption = picture.placement.caption or ""
    if is_drawing(picture) or (len(caption) <= 60 and _DRAWING.search(caption) and not _is_colourful(picture)):
        return "drawing"
    if len(caption) <= 60 and _DETAIL.search(caption):
        return "detail"
    others = [each for each in pictures if each is not picture and not is_drawing(each)]
    if _is_scene(picture, others):
        return "scene"
    if _is_variant(product, picture, others):
        return "variant"
    return "photo"


def is_drawing(picture: Shown) -> bool:
    """Whether a picture is vector paths, or grey lines on a pale ground."""
    traits = picture.traits
    if picture.placement.kind == "drawing":
        return not _is_colourful(picture)
    if traits is None or traits.contrast < INK:
        return False
    outlined = (
        traits.light >= PALE
        and traits.ground >= DRAWN
        and traits.edge >= CUT_OUT
        and traits.chroma <= GREY
        and traits.uneven <= EVEN
        and traits.solid <= BLACK
    )
    return outlined or (
        traits.light >= PAPER
        and traits.edge >= ON_PAPER
        and traits.chroma <= COLOURLESS
        and traits.uneven <= LESS_EVEN
        and traits.solid <= FEW_DARK
    )


def _is_colourful(picture: Shown) -> bool:
    return picture.traits is not None and picture.traits.chroma > 0.1


def _is_scene(picture: Shown, others: Sequence[Shown]) -> bool:
    traits = picture.traits
    if not picture.found_here:
        return picture.size >= ELSEWHERE
    plain = [each for each in others if each.traits and _is_plain(each.traits)]
    if traits is None or not plain or _is_plain(traits):
        return False
    busy = traits.uneven >= max(BUSY, 1.5 * min(each.traits.uneven for each in plain if each.traits))
    dark = traits.light < PALE
    large = picture.size >= LARGE or picture.size >= AS_LARGE * max(each.size for each in plain)
    return large and (busy or dark)


def _is_plain(traits: Traits) -> bool:
    """Whether a picture is a swatch, or goods on a light ground."""
    return (traits.uneven <= PLAIN and traits.ground >= DRAWN) or (traits.edge >= CUT_OUT and traits.light >= PALE)


def _is_variant(product: Product, picture: Shown, others: Sequence[Shown]) -> bool:
    """Whether one of several pictures is captioned with a variant, or is one of several smaller ones of one size, of a
    product with variants.
    """
    caption = fold(picture.placement.caption or "")
    names = [fold(variant.name) for variant in product.variants if variant.grain == "variant"]
    if others and any(len(name) >= LEAST_LETTERS and name in caption for name in names):
        return True
    if len(names) < 2 or picture.size > SMALLER * max((each.size for each in others), default=0.0):
        return False
    return any(abs(each.size - picture.size) <= SAME_AREA * picture.size for each in others)
