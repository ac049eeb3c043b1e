"""What the catalogue offers: the products of products.toml as records. Every name in it is invented."""

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from samples.textures import Colour

HOUSE = "Halden & Rue"
TITLE = "Material Book 2026"

EDITIONS = ("", "Alba", "Sera", "Riva", "Costa", "Monte", "Valle", "Isola", "Aura", "Notturno")
"""Names added to every product when the catalogue is repeated."""


@dataclass(frozen=True)
class Colourway:
    """One colour of a product, made of `material` (a texture's name) in `palette`."""

    name: str
    material: str
    palette: tuple[Colour, ...]


@dataclass(frozen=True)
class Product:
    """A product as its pages tell of it.

    `pages` names the templates of layout.py in order, `scenes` the rooms and what of them is made of the product,
    `still` a scene of samples, `sample` the kind of shot beside it, `encodings` the few shots that are not JPEG.
    `metres` is the length that one repeat of its texture stands for; `laid` the tiles across and down one repeat.
    """

    name: str
    category: str
    kind: str
    prefix: str
    strap: str
    quote: str
    story: tuple[str, ...]
    pages: tuple[str, ...]
    scenes: tuple[tuple[str, str], ...]
    still: str
    sample: str
    metres: float
    gloss: float
    specification: tuple[tuple[str, str], ...]
    formats: tuple[tuple[str, str, str], ...]
    colourways: tuple[Colourway, ...]
    laid: tuple[int, int] | None = None
    encodings: tuple[tuple[str, str], ...] = ()
    edition: int = 0

    @property
    def id(self) -> str:
        return self.name.lower().replace(" ", "-")

    @property
    def soft(self) -> bool:
        """Whether it falls in folds."""
        return self.sample == "drape"

    def encoding(self, shot: str) -> str:
        """How the named shot is stored."""
        return dict(self.encodings).get(shot, "jpeg")

    def code(self, number: int) -> str:
        """Order code of colourway `number`, counted from 0."""
        return f"{self.prefix}-{101 + 3 * number + 100 * self.edition}"


def _frozen(value: Any) -> Any:
    """Lists made tuples, however deep."""
    return tuple(_frozen(v) for v in value) if isinstance(value, list) else value


@cache
def _book() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("products.toml").read_text(encoding="utf-8"))


def load_products(edition: int = 0) -> tuple[Product, ...]:
    """All products; later editions carry another name, other codes. IndexError beyond the last edition."""
    products = []
    for entry in _book()["product"]:
        colourways = tuple(Colourway(**{k: _frozen(v) for k, v in c.items()}) for c in entry["colourways"])
        fields = {k: _frozen(v) for k, v in entry.items()} | {"colourways": colourways}
        product = Product(**fields)
        products.append(replace(product, name=f"{product.name} {EDITIONS[edition]}".strip(), edition=edition))
    return tuple(products)


def load_categories() -> dict[str, str]:
    """Category -> the sentence on its divider page, in the order of the book."""
    return dict(_book()["categories"])
