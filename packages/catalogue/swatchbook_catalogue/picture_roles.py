"""Find the role of a picture for the product that it is linked to: photo, drawing, scene, variant or detail.

It follows from the caption and the traits of the pixels, compared with the product's other pictures.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from swatchbook_base.records import PictureRole, Placement, Product, Traits, fold
from swatchbook_catalogue.link_features import LEAST_LETTERS

PALE, DRAWN = 0.88, 0.5  # the least lightness of a drawing's ground, and the least share of the picture that is ground
GREY, EVEN, INK = 0.01, 0.08, 0.1
"""The most chroma of a drawing's lines (white goods: 0.011), the most difference between its parts, and the least
contrast with the ground."""
BLACK = 0.25  # the largest share of a drawing's lines that is as dark as black goods
PAPER, COLOURLESS, ON_PAPER = 0.95, 0.005, 0.6
"""A drawing that may fill its picture: the least lightness of its ground, its most chroma, and the least ground on its
edge."""
LESS_EVEN, FEW_DARK = 0.12, 0.15
"""A drawing that may fill its picture: the most difference between its parts, and its largest dark share."""
CUT_OUT = 0.8  # the least share of the edge that is ground, in pictures of goods on a plain ground and in drawings
PLAIN = 0.06  # the most difference between the parts of a swatch
BUSY = 0.04  # least difference between a scene's parts; also half more than in the product's plainest picture
LARGE = 0.15  # least share of the page that a scene covers if it is not about as large as the product's other pictures
AS_LARGE = 0.8  # the least size of other scenes, as a share of the product's largest plain picture
ELSEWHERE = 0.2  # the least share of the page of a scene on a page where the product was not found
SMALLER = 0.5  # the largest size of variants, as a share of the product's largest other picture
SAME_AREA = 0.2  # the share by which the areas of variants may differ

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
    """A picture of a product: its share of the page, its traits if it was read, and whether the product is there."""

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
    """Whether the caption names a variant, or the picture is one of several smaller ones of one size."""
    caption = fold(picture.placement.caption or "")
    names = [fold(variant.name) for variant in product.variants if variant.grain == "variant"]
    if others and any(len(name) >= LEAST_LETTERS and name in caption for name in names):
        return True
    if len(names) < 2 or picture.size > SMALLER * max((each.size for each in others), default=0.0):
        return False
    return any(abs(each.size - picture.size) <= SAME_AREA * picture.size for each in others)
