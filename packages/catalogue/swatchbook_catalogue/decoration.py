"""Decide which pictures are decoration: logos, icons, ornaments, faint backgrounds, shadows.

Small and repeated pictures are, unless their context suggests a product. The thresholds were chosen on real catalogues:
they lose one of 1,207 pictures of products.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import product

from swatchbook_base.geometry import area, bounding_box, gaps, long_side, shared_area, short_side
from swatchbook_base.printed_prices import price_in
from swatchbook_base.records import Box, Line, LostPicture, Sighting
from swatchbook_catalogue.attributes import code_of
from swatchbook_catalogue.kinds import count_contacts

LEAST_SIDE = 32.0  # points; proportionally less on pages smaller than SMALL_PAGE, such as cards and phone screens
SMALL_PAGE = 600.0  # points, the long side of A5
LEAST_PAGE_SHARE = 0.006  # share of the page; a part cut from a raster next to names may be smaller
LEAST_SIDE_IN_CONTEXT = 15.0  # points; cells of palettes are at least this high, icons within text are lower
LEAST_OPACITY = 0.6  # mean of the visible part; fainter pictures are backgrounds of text (pictures of products: 0.83)
FAINT_FROM = 0.4  # visible share of the box; thin lines on a clear ground are faint, too, but cover less
LEAST_ASPECT = 0.2  # short by long side of a small picture in context; slivers are longer (a slim bottle: 0.24)
SLIM_HEIGHT = 64.0  # points; an upright picture at least this high may be slim, a lower one is an icon
REPEATED_ON = 3  # pages
LONGEST_RUN = 5  # pages; a picture on at most this many consecutive pages only may show one product
LEAST_SHARE_OF_REPEATED = 0.03  # share of the page; smaller repeated pictures without a context are logos and icons
MOVED = 36.0  # points; the least difference in height of a repeated picture that is no ornament
NEAR_LOOK = 4  # bits of the 64 of the hash; signs that are stored anew for each page differ by at most this many
MOST_COMPARED = 2_000  # lost pictures of a document; each is compared with each
SAME_PLACE = 12.0  # points; the middles of such signs differ by at most this
# The largest area of such a sign as a share of the page, and the head and foot of the page as shares of its height.
LARGEST_SIGN, HEAD = 0.08, 0.2
# A band: its least share of the page's width, least width by height, and most points from the page's edge.
SPANS, BAND_ASPECT, AT_EDGE = 0.95, 4.0, 3.0
TONE_STEP = 24  # steps of 255; pictures of the same shape in two colours are different pictures
LONGEST_CELL = 20  # characters
FEWEST_CELLS = 2
TOUCHING = 3.0  # points by which a text next to a picture may reach into its box
SAME_GROUND = 0.1  # share of the height by which the feet of pictures on the same ground may differ
MOST_IN_HEAP = 30  # copies of a picture on a page; more are a pattern


def contexts(sightings: Sequence[Sighting], lines: Sequence[Line]) -> tuple[str | None, ...]:
    """Return for each small picture of a page the context that suggests a product, else None.

    Contexts are "table row", "row" and "heap". Large pictures need none and get None.
    """

    def context(sighting: Sighting) -> str | None:
        if not is_small(sighting):
            return None
        if _is_in_row(sighting.bbox, lines):
            return "table row"
        if _stands_in_row(sighting.bbox, [other.bbox for other in sightings]):
            return "row"
        return None if sighting.kind == "region" else _heap(sighting, sightings)

    return tuple(map(context, sightings))


def _heap(sighting: Sighting, others: Iterable[Sighting]) -> str | None:
    """Return "heap" if copies of a small picture overlap it or each other and together are large: four rubber feet."""
    copies = [other.bbox for other in others if other.kind == "embedded" and other.xref == sighting.xref]
    heap = [sighting.bbox]
    for box in heap if len(copies) <= MOST_IN_HEAP else ():  # grows
        heap += [copy for copy in copies if copy not in heap and shared_area(copy, box)]
    return None if is_small(sighting.model_copy(update={"bbox": bounding_box(heap)})) else "heap"


def is_small(sighting: Sighting) -> str | None:
    """Return why a picture is too small to show a product; None if it is large enough, also for its context."""
    side = short_side(sighting.bbox)
    if sighting.context and side >= LEAST_SIDE_IN_CONTEXT and side >= LEAST_ASPECT * long_side(sighting.bbox):
        return None
    least = LEAST_SIDE * min(1.0, long_side(sighting.page_box) / SMALL_PAGE)
    if side < least:
        return f"tiny: its short side is under {least:.0f} pt"
    if sighting.kind != "region" and area(sighting.bbox) < LEAST_PAGE_SHARE * area(sighting.page_box):
        return f"tiny: under {LEAST_PAGE_SHARE:.1%} of the page"
    return None


def is_faint(sighting: Sighting) -> bool:
    """Whether a picture is translucent: a watermark, the ground of a page."""
    return sighting.opacity < LEAST_OPACITY and sighting.shown >= FAINT_FROM


def is_band(sighting: Sighting) -> bool:
    """Whether a picture is a band along an edge of its page."""
    (left, top, right, bottom), page = sighting.bbox, sighting.page_box
    spans = right - left >= max(SPANS * (page[2] - page[0]), BAND_ASPECT * (bottom - top))
    return spans and min(top - page[1], page[3] - bottom) <= AT_EDGE


def find_repeated(seen: Sequence[Sighting]) -> set[int]:
    """Return the indices of the visible pictures whose content or look is on `REPEATED_ON` pages or more.

    A large picture on a few consecutive pages only is no decoration, nor are pictures that look alike but each have
    another caption.
    """
    alike: defaultdict[object, list[int]] = defaultdict(list)
    for n, sighting in enumerate(seen):
        for look in _looks(sighting):
            alike[look].append(n)
    repeated = {
        n
        for numbers in alike.values()
        if len({seen[n].page for n in numbers}) >= REPEATED_ON and not _are_products([seen[n] for n in numbers])
        for n in numbers
    }
    return repeated | _signs_in_one_place(seen)


def _signs_in_one_place(seen: Sequence[Sighting]) -> set[int]:
    """Return the indices of logos stored anew for each page: nearly alike in one place of several pages' margins."""
    cells: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for n, sighting in enumerate(seen):
        if sighting.phash and sighting.kind != "region" and not sighting.context and _is_in_margin(sighting):
            cells[_cell(sighting.bbox)].append(n)

    def alike(n: int) -> Iterator[int]:
        across, down = _cell(seen[n].bbox)
        for cell in product((across - 1, across, across + 1), (down - 1, down, down + 1)):
            yield from (other for other in cells.get(cell, ()) if _is_same_sign(seen[n], seen[other]))

    signs = (n for numbers in cells.values() for n in numbers)
    return {n for n in signs if len({seen[other].page for other in alike(n)}) >= REPEATED_ON}


def _is_in_margin(sighting: Sighting) -> bool:
    """Whether a picture has the size of a sign and is at the top or at the foot of its page."""
    (_, top, _, bottom), (_, begin, _, end) = sighting.bbox, sighting.page_box
    reach = HEAD * (end - begin)
    is_sign = area(sighting.bbox) <= LARGEST_SIGN * area(sighting.page_box)
    return is_sign and (bottom <= begin + reach or top >= end - reach)


def _cell(box: Box) -> tuple[int, int]:
    return int((box[0] + box[2]) / (2 * SAME_PLACE)), int((box[1] + box[3]) / (2 * SAME_PLACE))


def _is_same_sign(a: Sighting, b: Sighting) -> bool:
    near = all(abs(a.bbox[k] + a.bbox[k + 2] - b.bbox[k] - b.bbox[k + 2]) <= 2 * SAME_PLACE for k in (0, 1))
    if not (near and a.phash and b.phash and a.tone and b.tone):
        return False
    differ = (int(a.phash, 16) ^ int(b.phash, 16)).bit_count()
    return differ <= NEAR_LOOK and all(abs(x - y) < TONE_STEP for x, y in zip(a.tone, b.tone, strict=True))


def _are_products(alike: Sequence[Sighting]) -> bool:
    if any(not s.context and area(s.bbox) < LEAST_SHARE_OF_REPEATED * area(s.page_box) for s in alike):
        return False
    pages = {sighting.page for sighting in alike}
    captions = {sighting.caption for sighting in alike} - {None}
    differ = len({s.content_key for s in alike}) == len(alike) == len(captions)
    of_one_product = len(pages) <= LONGEST_RUN and max(pages) - min(pages) < len(pages) and len(captions) == 1
    return differ or of_one_product or _moves_with_captions(alike, captions)


def _moves_with_captions(alike: Sequence[Sighting], captions: Collection[str | None]) -> bool:
    """Whether a picture is at several heights with two captions or more (variants share labels), unlike ornaments."""
    heights = [sighting.bbox[1] for sighting in alike]
    return len(captions) > 1 and len(alike) <= LONGEST_RUN and max(heights) - min(heights) >= MOVED


def without_repeated(lost: Sequence[LostPicture]) -> tuple[LostPicture, ...]:
    """Return lost pictures without those alike in `REPEATED_ON` places or more, or in one place of two pages."""
    looks = [(picture, int(picture.phash, 16)) for picture in lost[:MOST_COMPARED] if picture.phash]
    ornaments = set[LostPicture]()
    for picture, look in looks:
        alike = [other for other, another in looks if (look ^ another).bit_count() <= NEAR_LOOK]
        in_place = any(other.page != picture.page and _is_same_place(picture.bbox, other.bbox) for other in alike)
        if in_place or len(alike) >= REPEATED_ON:
            ornaments.add(picture)
    return tuple(picture for picture in lost if picture not in ornaments)


def _is_same_place(a: Box, b: Box) -> bool:
    return all(abs(one - other) <= SAME_PLACE for one, other in zip(a, b, strict=True))


def _looks(sighting: Sighting) -> Iterable[object]:
    yield sighting.content_key
    if sighting.phash and sighting.tone:
        yield sighting.phash, tuple(value // TONE_STEP for value in sighting.tone)


def _is_in_row(box: Box, lines: Iterable[Line]) -> bool:
    """Whether a picture is in the row of a table: next to cells, one of which is a number, a code or a price."""
    cells = [line.text for line in lines if _is_beside(box, line.bbox)]
    short = [cell for cell in cells if len(cell) <= LONGEST_CELL]
    return len(cells) >= FEWEST_CELLS and not count_contacts(cells) and any(map(_is_figure, short))


def _is_beside(box: Box, line: Box) -> bool:
    across, _ = gaps(box, line)
    return across >= -TOUCHING and box[1] <= (line[1] + line[3]) / 2 <= box[3]


_FIGURE = re.compile(r"\d[\d.,'’\s]*(?:[x×/–-]\s*\d[\d.,'’\s]*)*")


def _is_figure(cell: str) -> bool:
    return bool(_FIGURE.fullmatch(cell) or code_of(cell) or price_in(cell))


def _stands_in_row(box: Box, others: Iterable[Box]) -> bool:
    """Whether a slim upright picture is next to another upright one, no further away than it is wide."""
    wide, high = box[2] - box[0], box[3] - box[1]
    return high >= max(SLIM_HEIGHT, 2 * wide) and any(
        other != box
        and gaps(box, other)[0] <= wide
        and abs(box[3] - other[3]) <= SAME_GROUND * high
        and SLIM_HEIGHT <= other[3] - other[1] <= 2 * high
        for other in others
    )
