"""A model that reads what it is given, and knows nothing else: what a good one would say of these catalogues."""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from swatchbook_catalogue.attributes import key_of

_PAGE = re.compile(r"^=== page (\d+) ===$", re.MULTILINE)


def answer(texts: Sequence[str], pictures: Sequence[bytes]) -> dict[str, Any]:
    """Products, facts or what is seen, whichever is asked."""
    if pictures:
        return see(pictures[0])
    if texts[0].startswith("The product:"):
        return {"facts": list(facts(texts[1]))}
    return {"products": list(products(texts[-1]))}


def products(text: str) -> Iterator[dict[str, Any]]:
    """What the contents page announces and a heading presents; it goes on while pages name it."""
    pages = dict(_pages(text))
    contents = next((number for number, lines in pages.items() if "# Contents" in lines), 0)
    announced = list(_entries(pages.get(contents, ())))
    starts = {
        name: number
        for number, lines in pages.items()
        for name, _ in announced
        if number != contents and f"# {name}" in lines
    }
    for name, category in announced:
        if name in starts:
            last = starts[name]
            while last + 1 in pages and last + 1 not in starts.values() and name in "\n".join(pages[last + 1]):
                last += 1
            yield {
                "name": name, "category": category, "code": None, "variants": [],
                "first_page": starts[name], "last_page": last,
            }  # fmt: skip


def facts(text: str) -> Iterator[dict[str, Any]]:
    """Rows of a known label and its value."""
    for number, lines in _pages(text):
        for line in lines:
            label, _, value = line.removeprefix("# ").partition(" | ")
            if value and (kind := key_of(label)):
                yield {"kind": kind, "value": value, "page": number}


def see(picture: bytes) -> dict[str, Any]:
    """The mean colour, as far as three names go."""
    from PIL import Image

    mean = sum(Image.open(io.BytesIO(picture)).convert("L").resize((1, 1)).tobytes())
    shade = "white" if mean > 170 else "grey" if mean > 85 else "black"
    nothing: Mapping[str, Any] = dict.fromkeys(
        ("finish", "pattern", "contrast", "dimensions", "slip_rating", "printed_text", "application")
    )
    return {
        **nothing, "material": f"{shade} surface", "colors": [{"name": shade, "share": 1.0}], "textures": ["matte"],
        "confidence": 0.8, "quality": 0.9,
    }  # fmt: skip


def _pages(text: str) -> Iterator[tuple[int, list[str]]]:
    parts = _PAGE.split(text)
    for number, lines in zip(parts[1::2], parts[2::2], strict=True):
        yield int(number), [line.removesuffix(" [picture]") for line in lines.strip().splitlines()]


def _entries(lines: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Name and category of each line of a contents page."""
    category = None
    for line in lines:
        cells = line.split(" | ")
        if line.startswith("# ") and len(cells) == 1:
            category = line.removeprefix("# ")
        elif len(cells) == 3 and cells[-1].isdigit():
            yield cells[0], category
