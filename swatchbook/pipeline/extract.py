"""Stage 5: the pictures of the planned pages, and for each of their places whether it is shown and which text is about
it. How pictures are read: `pdf/reader.py`; the rules: `catalogue/pictures.py`, `catalogue/running_text.py`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from swatchbook.catalogue.decoration import contexts
from swatchbook.catalogue.pictures import caption, nearby_text, place_pictures
from swatchbook.catalogue.running_text import caption_lines, find_running_lines, margin_places
from swatchbook.geometry import turn_box
from swatchbook.pdf import reader
from swatchbook.pdf.folds import find_folds
from swatchbook.pdf.rasters import raster_texts
from swatchbook.records import Extraction, Line, Page, Plan, Reading, Sighting
from swatchbook.settings import Settings
from swatchbook.storage.files import Files

Seen = TypeVar("Seen", Line, Sighting)


def extract(
    path: Path,
    document: str,
    reading: Reading,
    plan: Plan,
    files: Files,
    settings: Settings,
    *,
    progress: reader.Progress | None = None,
    module: str = reader.CHILD,
) -> Extraction:
    """Extract the pictures of the planned pages, stored and deduplicated by content, and their placements.

    `document` is the document's id, from which the ids of placements are made. A picture that cannot be read is in
    `unreadable` and keeps its placement; a page that cannot be read is in `lost`. `lost_pictures` look like
    pictures and have no placement.
    """
    numbers = sorted(plan.shown)
    pages = reader.iter_pages(files, reading, pages=set(numbers))
    texts = {page.number: known for page in pages if (known := raster_texts(page))}
    folds = find_folds(reader.iter_pages(files, reading, pages=set(numbers)))
    found = reader.extract(
        path, numbers, reading.content, files, settings, texts=texts, folds=folds, progress=progress, module=module
    )
    return Extraction(
        pictures=found.pictures,
        placements=place_pictures(document, list(_with_texts(found.sightings, reading, files))),
        unreadable=found.unreadable,
        lost_pictures=found.lost_pictures,
        lost=found.lost,
        warnings=found.warnings,
    )


def _with_texts(sightings: Sequence[Sighting], reading: Reading, files: Files) -> Iterator[Sighting]:
    """Return the sightings, which are in the order of their pages, each with its caption, text and context."""
    if not sightings:
        return
    places = Counter(place for page in reader.iter_pages(files, reading) for place in margin_places(page))
    running = find_running_lines(places)
    pages = reader.iter_pages(files, reading, pages={sighting.page for sighting in sightings})
    for page, (_, grouped) in zip(pages, groupby(sightings, key=lambda sighting: sighting.page), strict=True):
        on_page = list(grouped)
        lines = [_turned(line, page) for line in caption_lines(page, running)]
        upright = [_turned(sighting, page) for sighting in on_page]
        for sighting, turned, context in zip(on_page, upright, contexts(upright, lines), strict=True):
            box = turned.bbox
            texts = {"caption": caption(box, lines), "nearby_text": nearby_text(box, lines), "context": context}
            yield sighting.model_copy(update=texts)


def _turned(seen: Seen, page: Page) -> Seen:
    """Return a line or picture where it lies once a sideways page is turned to be read."""
    return seen.model_copy(update={"bbox": turn_box(seen.bbox, page.box, page.turn)}) if page.turn else seen
