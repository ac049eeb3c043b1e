"""How many labelled product pictures are shown, and how many labelled traps (pictures out of sight, decorations) are
not. It runs the pure stages on each labelled catalogue; the labels' format: tests/truth/README.md.

Usage: python -m devtools.score_pictures LABELS PDFS [NAME…] [--errors] [--dump FOLDER] [--keep FOLDER]
LABELS holds NAME.json, PDFS NAME.pdf. `--errors` names every label that is missed; `--dump` writes the placements;
`--keep` keeps what was read of each PDF, so that the next run does not read it again.
"""

import argparse
import json
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Literal

from devtools.score_products import catalogue_of
from swatchbook.domain.records import Box, Extraction, Placement, PlacementState, Plan
from swatchbook_base.geometry import area, clip, overlap

Label = Literal["product", "region", "hidden", "decorative", "other"]
"""What a label says: a product's picture that is an image object, or is a part of one; a trap that is out of sight, a
trap that is decoration, and any other trap (a room, a building: it may be shown, but belongs to no product)."""

LABELS: tuple[Label, ...] = ("product", "region", "hidden", "decorative", "other")
SLACK = 5.0  # points by which all sides of a placement may differ from the label's
_HIDDEN = re.compile(r"hidden|(?<!partly )off the page|clipped away|on this page|under xref|sliver|cut off|covered")
_DECORATIVE = re.compile(
    r"logo|icon|ornament|decorat|strip of|pictogram|badge|stamp|sketch|background|frame|band|tape|gradient|emblem|"
    r"seal|QR|watermark|slogan|shadow|footer"
)


def main() -> None:
    """Print a line for each catalogue and the sums."""
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("Usage: ")[1])
    parser.add_argument("labels", type=Path)
    parser.add_argument("pdfs", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--errors", action="store_true")
    parser.add_argument("--dump", type=Path)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    names = given.names or sorted(
        p.stem for p in given.labels.glob("*.json") if (given.pdfs / p.name).with_suffix(".pdf").exists()
    )
    total: Counter[tuple[Label, bool]] = Counter()
    with ProcessPoolExecutor() as processes:
        for name, result in zip(
            names, processes.map(partial(_score, given.labels, given.pdfs, given.dump, given.keep), names), strict=True
        ):
            count, errors, seconds, pages = result
            total += count
            print(f"{name:16} {_row(count)}  {1000 * seconds / pages:5.0f} ms a page", flush=True)
            for error in errors if given.errors else ():
                print("    " + error)
    print(f"{'all':16} {_row(total)}")


def _row(count: Mapping[tuple[Label, bool], int]) -> str:
    cells = []
    for label in LABELS:
        right, all_labels = count.get((label, True), 0), count.get((label, True), 0) + count.get((label, False), 0)
        cells.append(f"{label} {right:3}/{all_labels:<3}" if all_labels else f"{label}    -   ")
    return "  ".join(cells)


def _score(
    labels: Path, pdfs: Path, dump: Path | None, keep: Path | None, name: str
) -> tuple[Counter[tuple[Label, bool]], list[str], float, int]:
    truth = json.loads((labels / f"{name}.json").read_text())
    started = time.monotonic()
    result = catalogue_of(pdfs / f"{name}.pdf", keep)
    extraction, page_boxes = result.extraction, result.reading.page_boxes
    seconds = time.monotonic() - started
    if dump:
        dump.mkdir(parents=True, exist_ok=True)
        rows = [placement.model_dump(mode="json") for placement in extraction.placements]
        (dump / f"{name}.json").write_text(json.dumps(rows, ensure_ascii=False, indent=0))
    count, errors = judge(truth, extraction, page_boxes, skipped_pages(result.plan))
    return count, errors, seconds, len(page_boxes)


def judge(
    truth: Mapping[str, Any], extraction: Extraction, page_boxes: Mapping[int, Box], reasons: Mapping[int, str]
) -> tuple[Counter[tuple[Label, bool]], list[str]]:
    """Return how many labels of each class are right and wrong, and a line for each that is wrong.

    `reasons` say why a page was skipped.
    """
    count: Counter[tuple[Label, bool]] = Counter()
    errors: list[str] = []
    for label, entry in _entries(truth):
        shown, found = _is_shown(entry, extraction.placements, page_boxes, may_be_strip=label == "product")
        right = shown if label in ("product", "region", "other") else not shown
        count[label, right] += 1
        if not right:
            states = "; ".join(f"{p.state} {p.kind} {p.reason or ''}" for p in found) or reasons.get(
                entry["page"], "no placement"
            )
            hint = entry["image_hint"]
            errors.append(
                f"{label} page {entry['page']} xref {hint.get('xref')} {hint['bbox']} {entry['role'][:60]}: {states}"
            )
    return count, errors


def skipped_pages(plan: Plan) -> Mapping[int, str]:
    """Return page -> why it was skipped."""
    return {page.number: f"page skipped: {page.reason}" for page in plan.pages if page.kind == "skipped"}


def _entries(truth: Mapping[str, Any]) -> Iterator[tuple[Label, Mapping[str, Any]]]:
    for link in truth.get("image_links", ()):
        if (link.get("image_hint") or {}).get("bbox"):
            yield "region" if link["image_hint"].get("region_of_page_raster") else "product", link
    for trap in truth.get("image_traps", ()):
        role = trap.get("role") or trap.get("why") or ""
        if (trap.get("image_hint") or {}).get("bbox"):
            yield "hidden" if _HIDDEN.search(role) else "decorative" if _DECORATIVE.search(role) else "other", trap


def _is_shown(
    entry: Mapping[str, Any], placements: Iterable[Placement], page_boxes: Mapping[int, Box], *, may_be_strip: bool
) -> tuple[bool, Sequence[Placement]]:
    """Return whether the labelled picture is shown, and all placements that are it.

    Of several in one box those of the labelled image object count: a picture that is hidden lies under another one.
    """
    same = [p for p in placements if p.page == entry["page"] and _is_same(p, entry["image_hint"], page_boxes[p.page])]
    same = [p for p in same if p.xref == entry["image_hint"].get("xref")] or same
    if may_be_strip:
        same += [p for p in placements if p.page == entry["page"] and _is_strip_of(entry["image_hint"]["bbox"], p.bbox)]
    return any(p.state is PlacementState.SHOWN for p in same), same


def _is_same(placement: Placement, hint: Mapping[str, Any], page: Box) -> bool:
    """Whether a placement is the labelled picture: by its box, or by its image object and a box within the label's."""
    labelled: Box = tuple(hint.get("seen") or hint["bbox"])
    if any(
        _agree(placement.bbox, tuple(box), page) for box in (labelled, hint["bbox"], hint.get("mupdf_bbox") or labelled)
    ):
        return True
    xrefs = {hint.get("xref"), *hint.get("xrefs", ())} - {None, 0}
    return placement.xref in xrefs and _shared(placement.bbox, tuple(hint["bbox"])) >= 0.8 * area(placement.bbox) > 0


def _is_strip_of(labelled: Sequence[float], whole: Box) -> bool:
    """Whether a box lies in one that it spans in one direction: its picture was joined of strips."""
    x0, y0, x1, y1 = labelled
    inside = _shared((x0, y0, x1, y1), whole) >= 0.9 * area((x0, y0, x1, y1))
    return inside and (x1 - x0 >= 0.95 * (whole[2] - whole[0]) or y1 - y0 >= 0.95 * (whole[3] - whole[1]))


def _agree(box: Box, labelled: Box, page: Box) -> bool:
    a, b = clip(box, page), clip(labelled, page)
    if not area(a) or not area(b):
        return False
    shared = _shared(a, b)
    near = all(abs(x - y) <= SLACK for x, y in zip(a, b, strict=True))
    return near or shared >= 0.5 * (area(a) + area(b) - shared) or (shared >= 0.8 * area(a) and shared >= 0.4 * area(b))


def _shared(a: Box, b: Box) -> float:
    return area(overlap(a, b))


if __name__ == "__main__":
    main()
