"""Extract the pictures of the planned pages (stage 5), with their placements: shown or not, and the text about each.

`pdf/reader.py` reads pictures; the rules are in `placements.py` and `running_text.py`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from swatchbook_base.geometry import Box, area, shared_area, turn_box
from swatchbook_base.reading import FileStore, Progress, ReadSettings, iter_pages
from swatchbook_base.records import (
    COUNTED,
    ExtractedPictures,
    Extraction,
    Line,
    LostPicture,
    Page,
    Placement,
    Plan,
    Reading,
    Sighting,
)
from swatchbook_catalogue.decoration import contexts, without_repeated
from swatchbook_catalogue.pdf import reader
from swatchbook_catalogue.pdf.rasters import Texts, raster_texts
from swatchbook_catalogue.placements import caption, nearby_text, place_pictures
from swatchbook_catalogue.running_text import (
    MarginLine,
    Running,
    caption_lines,
    find_running_lines,
    margin_lines,
)

SAME_PLACE = 0.7  # shared area over the area of both boxes; with at least this they show the same

Seen = TypeVar("Seen", Line, Sighting)


def extract(
    path: Path,
    document: str,
    reading: Reading,
    plan: Plan,
    files: FileStore,
    settings: ReadSettings,
    *,
    progress: Progress | None = None,
) -> Extraction:
    """Extract the pictures of the planned pages, stored and deduplicated by content, and their placements.

    `document` is the document's id, from which the ids of placements are made. A picture that cannot be read is in
    `unreadable` and keeps its placement; a page that cannot be read is in `lost`. `lost_pictures` look like
    pictures, have no placement and are no ornaments.
    """
    numbers = sorted(plan.shown)
    texts: dict[int, Texts] = {}
    margins: list[MarginLine] = []
    for page in iter_pages(files, reading):
        margins += margin_lines(page)
        if page.number in plan.shown and (known := raster_texts(page)):
            texts[page.number] = known
    found = reader.extract(path, numbers, reading.content, files, settings, texts=texts, progress=progress)
    return _placed(document, found, margins, reading, files)


def _placed(
    document: str, found: ExtractedPictures, margins: Sequence[MarginLine], reading: Reading, files: FileStore
) -> Extraction:
    """Return extracted pictures with their placements and the texts about them."""
    sightings = _with_texts(found.sightings, find_running_lines(margins), reading, files)
    return Extraction(
        pictures=found.pictures,
        placements=place_pictures(document, list(sightings)),
        unreadable=found.unreadable,
        lost_pictures=without_repeated(found.lost_pictures),
        lost=found.lost,
        warnings=found.warnings,
    )


def extract_boxes(
    path: Path,
    document: str,
    reading: Reading,
    boxes: Iterable[LostPicture],
    files: FileStore,
    settings: ReadSettings,
    *,
    placed: Sequence[Placement] = (),
) -> Extraction:
    """Extract the parts of pages that a person took in, as pictures that are shown.

    `placed` are the document's other placements: what one of them shows by now is left out.
    """
    taken = defaultdict[int, list[Box]](list)
    for picture in boxes:
        if picture.page in reading.page_boxes and not any(_is_same_place(picture, each) for each in placed):
            taken[picture.page].append(picture.bbox)
    if not taken:
        return Extraction(pictures=(), placements=())
    margins: list[MarginLine] = []
    turns = dict[int, int]()
    for page in iter_pages(files, reading):
        margins += margin_lines(page)
        turns[page.number] = page.turn
    turned = {number: [(box, turns[number]) for box in of_page] for number, of_page in taken.items()}
    found = reader.extract(path, sorted(turned), reading.content, files, settings, boxes=turned)
    return _placed(document, found, margins, reading, files)


def _is_same_place(picture: LostPicture, placement: Placement) -> bool:
    """Return whether a placement shows what a person took in: a later version may find it by itself."""
    if picture.page != placement.page or placement.state not in COUNTED or placement.kind == "box":
        return False
    both = shared_area(picture.bbox, placement.bbox)
    return both >= SAME_PLACE * (area(picture.bbox) + area(placement.bbox) - both)


def _with_texts(
    sightings: Sequence[Sighting], running: Running, reading: Reading, files: FileStore
) -> Iterator[Sighting]:
    """Return the sightings, which are in the order of their pages, each with its caption, text and context."""
    pages = iter_pages(files, reading, pages={sighting.page for sighting in sightings})
    for page, (_, grouped) in zip(pages, groupby(sightings, key=lambda sighting: sighting.page), strict=True):
        on_page = list(grouped)
        lines = [_turned(line, page) for line in caption_lines(page, running)]
        upright = [_turned(sighting, page) for sighting in on_page]
        for sighting, turned, context in zip(on_page, upright, contexts(upright, lines), strict=True):
            box = turned.bbox
            texts = {"caption": caption(box, lines), "nearby_text": nearby_text(box, lines), "context": context}
            yield sighting.model_copy(update=texts)


def find_captions(parts: Iterable[tuple[int, Box]], pages: Sequence[Page]) -> dict[tuple[int, Box], str | None]:
    """Return the caption that each part of these pages would have as a picture."""
    running = find_running_lines([line for page in pages for line in margin_lines(page)])
    wanted = defaultdict[int, list[Box]](list)
    for number, box in parts:
        wanted[number].append(box)
    found = dict[tuple[int, Box], str | None]()
    for page in (page for page in pages if page.number in wanted):
        lines = [_turned(line, page) for line in caption_lines(page, running)]
        found |= {(page.number, box): caption(turn_box(box, page.box, page.turn), lines) for box in wanted[page.number]}
    return found


def _turned(seen: Seen, page: Page) -> Seen:
    """Return a line or picture at its place after a sideways page is turned to be read."""
    return seen.model_copy(update={"bbox": turn_box(seen.bbox, page.box, page.turn)}) if page.turn else seen
