"""Draw pages of labelled catalogues as an SVG that shows only boxes: nothing of what stands on the pages, which belongs
to the makers of the files. Each page has what was found of it and what is labelled.

Usage: python -m devtools.draw_failures LABELS PDFS SVG NAME:PAGE… [--keep FOLDER]
LABELS holds NAME.json, PDFS NAME.pdf; `--keep` as in `python -m devtools.score_products`.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from devtools.evaluation.likeness import likeness
from devtools.evaluation.links import Placed, judge_pair
from devtools.evaluation.score import match_products
from devtools.evaluation.truth import Truth, read_truths
from devtools.score_products import Result, answer_of, catalogue_of
from swatchbook.geometry import Box, overlap
from swatchbook.records import COUNTED

SIDE, SPACE, COLUMNS = 240, 24, 3
"""Pixels of a page's longer side and between two pages, and pages side by side."""
LOOKS: Final = {
    "page": 'fill="#fff" stroke="#808080"',
    "picture": 'fill="#000" fill-opacity="0.07" stroke="#808080" stroke-width="0.8"',
    "found": 'fill="#00734f" fill-opacity="0.6"',
    "labelled": 'fill="none" stroke="#0072b2" stroke-width="1.4" stroke-dasharray="3 2"',
    "wanted": 'fill="none" stroke="#8a4fa3" stroke-width="1.4" stroke-dasharray="1.5 2"',
    "right": 'stroke="#00734f" stroke-width="1.4"',
    "wrong": 'stroke="#b3261e" stroke-width="1.4"',
    "untold": 'stroke="#808080" stroke-width="1.4"',
}
"""How a page is drawn, a picture, a found name, a labelled name and picture, and links: right, wrong, not judged."""


def main() -> None:
    """Write the SVG."""
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("Usage: ")[1])
    parser.add_argument("labels", type=Path)
    parser.add_argument("pdfs", type=Path)
    parser.add_argument("svg", type=Path)
    parser.add_argument("pages", nargs="+", metavar="NAME:PAGE")
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    cells = []
    for n, asked in enumerate(given.pages):
        name, _, number = asked.partition(":")
        (truth,) = read_truths([given.labels / f"{name}.json"])
        result = catalogue_of(given.pdfs / f"{name}.pdf", given.keep)
        row, column = divmod(n, COLUMNS)
        place = f"translate({column * (SIDE + SPACE)} {row * (SIDE + SPACE)})"
        cells.append(f'<g transform="{place}"><text y="14">{n + 1}</text>{_page(truth, result, int(number))}</g>')
    rows = -(-len(cells) // COLUMNS)
    size = f"0 0 {COLUMNS * (SIDE + SPACE)} {rows * (SIDE + SPACE)}"
    drawn = "\n".join(cells)
    given.svg.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" font-size="13" fill="#808080">\n{drawn}\n</svg>\n'
    )


def _page(truth: Truth, result: Result, number: int) -> str:
    frame = result.reading.page_boxes[number]
    scale = (SIDE - SPACE) / max(frame[2], frame[3])
    parts = [_box(frame, "page", frame, scale)]
    shown = [each for each in result.extraction.placements if each.page == number and each.state in COUNTED]
    parts += [_box(each.bbox, "picture", frame, scale) for each in shown]
    names = {product.id: _names(result, k, number) for k, product in enumerate(result.products)}
    parts += [_box(box, "found", frame, scale) for boxes in names.values() for box in boxes]
    parts += [_box(box, "labelled", frame, scale) for box in _labelled(truth, result, number)]
    wanted = [label.bbox for label in truth.image_links if label.page == number and label.bbox]
    parts += [_box(box, "wanted", frame, scale) for box in wanted]
    parts += [_line(*link, scale) for link in _links(truth, result, number, names)]
    return f'<g transform="translate(0 {SPACE})">{"".join(parts)}</g>'


def _names(result: Result, product: int, number: int) -> list[Box]:
    """Return where a page names a found product."""
    places = result.discovery.products[product].occurrences
    return [place.bbox for place in places if place.page == number and place.text]


def _labelled(truth: Truth, result: Result, number: int) -> Iterator[Box]:
    """Yield the lines of a page that say the name of a product that is labelled for it."""
    names = [name for p in truth.products if p.first_page <= number <= p.last_page for name in (p.name, *p.also)]
    for page in result.pages:
        if page.number == number:
            yield from (line.bbox for line in page.lines if any(likeness(line.text, name) for name in names))


def _links(truth: Truth, result: Result, number: int, names: dict[str, list[Box]]) -> Iterator[tuple[Box, Box, str]]:
    """Yield for each link of a page the box of its picture, that of the product's name or else of the page, and whether
    it is right.
    """
    owner_of = {result.products[k].id: label for label, k in match_products(truth.products, result.products).items()}
    answer = answer_of(result)
    for link in answer.links:
        placed: Placed = answer.placements[link.placement]
        if placed.page == number:
            frame = result.reading.page_boxes[number]
            owner = owner_of.get(link.product)
            hits = judge_pair(truth, placed, owner, frame) if owner else None
            kind = "untold" if hits is None else "right" if hits else "wrong"
            top = (frame[0], frame[1], frame[2], frame[1])
            yield placed.bbox, (names.get(link.product) or [top])[0], kind


def _box(box: Box, kind: str, frame: Box, scale: float) -> str:
    x0, y0, x1, y1 = (side * scale for side in overlap(box, frame))
    return f'<rect {LOOKS[kind]} x="{x0:.1f}" y="{y0:.1f}" width="{x1 - x0:.1f}" height="{y1 - y0:.1f}"/>'


def _line(a: Box, b: Box, kind: str, scale: float) -> str:
    (ax, ay), (bx, by) = (_centre(box, scale) for box in (a, b))
    return f'<line {LOOKS[kind]} x1="{ax:.1f}" y1="{ay:.1f}" x2="{bx:.1f}" y2="{by:.1f}"/>'


def _centre(box: Sequence[float], scale: float) -> tuple[float, float]:
    return scale * (box[0] + box[2]) / 2, scale * (box[1] + box[3]) / 2


if __name__ == "__main__":
    main()
