"""Apply to a document's pictures what a person taught: after they were found, and for a proposal.

What was found stays cached, and is changed in each run: so a decision counts at once, and undoing it brings all back.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from io import BytesIO
from typing import Final

from swatchbook.domain.records import (
    COUNTED,
    OF_PICTURES,
    Description,
    Discovery,
    Extraction,
    LinkKind,
    LostPicture,
    LostState,
    Placement,
    PlacementState,
    Reading,
    SeenPage,
    TaughtReading,
    sha256,
)
from swatchbook.resources import Resources
from swatchbook.store.ledger.page_findings import list_lost_pictures
from swatchbook_base.geometry import Box, area, centre_inside
from swatchbook_base.reading import iter_pages
from swatchbook_catalogue import describe, link
from swatchbook_catalogue.extract import find_captions
from swatchbook_catalogue.link_features import PagePlaces
from swatchbook_catalogue.pdf import reader
from swatchbook_teach.learning.grid_edges import PicturePixels
from swatchbook_teach.learning.grids import gutters
from swatchbook_teach.learning.pictures import (
    CUT,
    DocumentPictures,
    Look,
    TaughtPictures,
    apply_pictures,
    as_found,
    pair_by_side,
    share_of_union,
)
from swatchbook_teach.placed_pictures import count_pictured, read_placed
from swatchbook_teach.records import PagePlace, ProposedPictures

_PIXELS: Final = 1_400  # long side of a page in which cells are looked at
_MOST_LOOKED: Final = 8  # pages that a proposal looks at
_ANYTHING: Final[Box] = (0.0, 0.0, 1e5, 1e5)  # pages are only rendered: no picture is looked for
_LEAST_RASTER: Final = 0.02  # share of a page; smaller rasters are not cut


def amend_pictures(
    resources: Resources,
    file: str,
    reading: Reading,
    extraction: Extraction,
    taught: TaughtReading,
    taken: Sequence[LostPicture],
) -> tuple[Extraction, Sequence[LostPicture]]:
    """Return a document's pictures as a person has taught them, and the parts of pages that are pictures then.

    `extraction` is what was found, `taken` the parts that were taken in. A picture that is cut stays, hidden, with the
    number of its parts as the reason.
    """
    looks = {each.content_key: Look(each.phash, each.width, each.height) for each in extraction.pictures}
    found = _as_document(resources, reading, extraction.placements, looks, taught)
    changed = apply_pictures(found, taught)
    numbers = {page for page, _ in _all_parts(changed)}
    changed = replace(changed, empty=_find_empty(look_at(resources, file, numbers), changed))
    amended = {"placements": _with_counts(changed), "warnings": (*extraction.warnings, *_tell_blank(changed))}
    return extraction.model_copy(update=amended), list(_parts(changed, reading, taken))


def pairing(taught: TaughtReading) -> Callable[[Sequence[PagePlaces]], Mapping[str, str]] | None:
    """Return what pairs pictures with names on the side that was taught, None where none was."""
    side = taught.side
    return None if side is None else lambda places: pair_by_side(places, side)


def read_pictures(resources: Resources, document: str, reading: Reading, taught: TaughtReading) -> DocumentPictures:
    """Return the pictures of a stored document as they were found, before a reading changed them."""
    placed = read_placed(resources.ledger, document)
    taken = [(each.page, each.bbox) for each in list_lost_pictures(resources.ledger, document, LostState.TAKEN)]
    looks = {
        each.placement.content_key: Look(each.phash, each.width, each.height)
        for each in placed
        if each.width and each.height
    }
    return _as_document(resources, reading, as_found((each.placement for each in placed), taken), looks, taught)


def propose_pictures(
    resources: Resources,
    document: str,
    reading: Reading,
    found: DocumentPictures,
    taught: TaughtReading,
    discovery: Discovery,
    views: "PageViews",
) -> ProposedPictures:
    """Return what a reading would make of a document's pictures. `discovery`: the products that it would have.

    Whether parts show anything is looked at on the pages where something was drawn, at most eight.
    """
    changed = apply_pictures(found, taught)
    drawn = {each.page for each in taught.examples if each.what in OF_PICTURES}
    numbers = sorted(drawn & {page for page, _ in _all_parts(changed)})[:_MOST_LOOKED]
    changed = replace(changed, empty=_find_empty(views.get(numbers), changed))
    before = {place.id: place.state for place in found.placements}
    became = [place for place in changed.placements if place.state is not before[place.id]]
    return ProposedPictures(
        taken=changed.drawn,
        cut=changed.cut,
        empty=tuple(PagePlace(page=page, box=box) for page, box in sorted(changed.empty)),
        decoration=_places(place for place in became if place.state is PlacementState.DECORATIVE),
        shown=_places(place for place in became if place.state in COUNTED),
        missed=changed.missed,
        linked_now=count_pictured(resources.ledger, document),
        linked=_count_linked(resources, document, reading, discovery, changed, taught),
    )


def _places(placements: Iterable[Placement]) -> tuple[PagePlace, ...]:
    return tuple(PagePlace(page=place.page, box=place.bbox) for place in placements)


def _as_document(
    resources: Resources,
    reading: Reading,
    placements: Sequence[Placement],
    looks: Mapping[str, Look],
    taught: TaughtReading,
) -> DocumentPictures:
    """Return the pictures of a document, with the rasters of which only parts have placements if any are cut."""
    regions: dict[int, list[Box]] = defaultdict(list)
    for place in placements if taught.pictures_are_taught else ():
        if place.kind == "region":
            regions[place.page].append(place.bbox)
    rasters = {
        page.number: [
            each.bbox
            for each in page.drawn
            if not each.gradient
            and area(each.bbox) >= _LEAST_RASTER * area(page.box)
            and any(centre_inside(box, each.bbox) for box in regions[page.number])
        ]
        for page in (iter_pages(resources.files, reading, pages=regions) if regions else ())
    }
    return DocumentPictures(tuple(placements), reading.page_boxes, looks, rasters)


# --- parts of pages ---------------------------------------------------------------------------------------------------


def _parts(changed: TaughtPictures, reading: Reading, taken: Sequence[LostPicture]) -> Iterator[LostPicture]:
    """Yield the parts of pages that are pictures now, but those that show nothing, and those taken in otherwise."""
    for page, box in _all_parts(changed):
        known = any(each.page == page and share_of_union(each.bbox, box) >= 0.9 for each in taken)
        if not known and (page, box) not in changed.empty and page in reading.page_boxes:
            share = area(box) / max(area(reading.page_boxes[page]), 1.0)
            yield LostPicture(page=page, bbox=box, share=round(share, 4), state=LostState.TAKEN)


def _all_parts(pictures: TaughtPictures) -> Iterator[tuple[int, Box]]:
    yield from ((each.page, each.box) for each in pictures.drawn)
    yield from ((each.page, cell) for each in pictures.cut for cell in each.cells)


def _with_counts(changed: TaughtPictures) -> tuple[Placement, ...]:
    """Return the placements, those that are cut with the number of their parts."""
    of = {(each.page, each.box): each for each in changed.cut}

    def counted(place: Placement) -> Placement:
        cut = of.get((place.page, place.bbox))
        if cut is None or place.reason != CUT:
            return place
        empty = sum((cut.page, cell) in changed.empty for cell in cut.cells)
        nothing = f"; {empty} more show nothing" if empty else ""
        return place.model_copy(update={"reason": f"{CUT} into {len(cut.cells) - empty} pictures{nothing}"})

    return tuple(map(counted, changed.placements))


def _tell_blank(changed: TaughtPictures) -> Iterator[str]:
    for each in changed.drawn:
        if (each.page, each.box) in changed.empty:
            yield f"Page {each.page}: a picture that was drawn shows nothing, and was left out."


def _find_empty(seen: Iterable[SeenPage], pictures: TaughtPictures) -> frozenset[tuple[int, Box]]:
    """Return the parts of these pages that show nothing."""
    return frozenset((page.number, box) for page in seen for box in _empty_on(page, pictures))


def look_at(resources: Resources, file: str, numbers: Collection[int]) -> Iterator[SeenPage]:
    """Yield rendered pages of a PDF in the file store; those that cannot be rendered are left out."""
    if not numbers:
        return
    whole: dict[int, list[Box]] = {number: [_ANYTHING] for number in numbers}
    with (
        resources.files.local(file) as path,
        closing(reader.look(path, whole, resources.settings, side=_PIXELS)) as pages,
    ):
        yield from (page for page in pages if isinstance(page, SeenPage))


class PageViews:
    """Rendered pages of a document that is taught, each rendered once."""

    def __init__(self, resources: Resources, file: str) -> None:
        self._resources, self._file = resources, file
        self._seen: dict[int, SeenPage | None] = {}

    def get(self, numbers: Collection[int]) -> list[SeenPage]:
        """Return these pages, without those that cannot be rendered."""
        missing = [number for number in numbers if number not in self._seen]
        self._seen |= dict.fromkeys(missing)
        self._seen |= {page.number: page for page in look_at(self._resources, self._file, missing)}
        return [page for number in numbers if (page := self._seen[number])]

    def pixels(self, number: int) -> PicturePixels | None:
        """Return a page's pixels, None if it cannot be rendered or enough pages have been."""
        if len(self._seen) >= _MOST_LOOKED and number not in self._seen:
            return None
        import numpy as np
        from PIL import Image

        for page in self.get([number]):
            with Image.open(BytesIO(page.jpeg)) as image:
                pixels = np.asarray(image.convert("RGB"))
            return PicturePixels(pixels, pixels.shape[1] / max(page.box[2] - page.box[0], 1.0))
        return None


def _empty_on(page: SeenPage, pictures: TaughtPictures) -> Iterator[Box]:
    from PIL import Image  # while a page is looked at: other commands start without

    from swatchbook_teach.empty_paper import find_empty, is_blank

    with Image.open(BytesIO(page.jpeg)) as image:
        image.load()
        scale = image.width / max(page.box[2] - page.box[0], 1.0)
        for each in pictures.drawn:
            if each.page == page.number and is_blank(image, scale, each.box):
                yield each.box
        for cut in (each for each in pictures.cut if each.page == page.number):
            yield from find_empty(image, scale, cut.cells, cut.box, gutters(cut.box, cut.grid))


# --- links ------------------------------------------------------------------------------------------------------------


def _count_linked(
    resources: Resources,
    document: str,
    reading: Reading,
    discovery: Discovery,
    changed: TaughtPictures,
    taught: TaughtReading,
) -> int:
    """Return how many products would have a picture."""
    parts = [each for each in _all_parts(changed) if each not in changed.empty]
    seen = [each for each in changed.placements if each.state in COUNTED]
    numbers = {each.page for each in seen} | {page for page, _ in parts}
    pages = list(iter_pages(resources.files, reading, pages=numbers))
    captions = find_captions(parts, pages)
    added = [
        Placement(
            id=f"part {n}",
            page=page,
            kind="box",
            bbox=box,
            xref=None,
            state=PlacementState.SHOWN,
            content_key=sha256(f"part {n}".encode()),
            caption=captions.get((page, box)),
        )
        for n, (page, box) in enumerate(parts)
    ]
    products = describe.assemble_products(document, discovery, [Description(metadata={}) for _ in discovery.products])
    links = link.link(products, discovery, [*seen, *added], (), pages, certain=pairing(taught))
    return len({each.target for each in links if each.kind is LinkKind.IMAGE_PRODUCT})
