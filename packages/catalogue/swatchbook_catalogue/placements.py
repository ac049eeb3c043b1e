"""Decide whether a placement of a picture is shown, hidden (covered or clipped away) or decorative; find its caption.

Thresholds were chosen on 489 placements of real catalogues.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from swatchbook_base.geometry import gaps, short_side
from swatchbook_base.records import Box, Line, Placement, PlacementState, Sighting, placement_id
from swatchbook_catalogue.decoration import (
    LEAST_OPACITY,
    REPEATED_ON,
    find_repeated,
    is_band,
    is_faint,
    is_small,
)

SHOWN_SHARE = 0.01  # visible share of a picture's box; up to this, the picture is hidden
SHOWN_SIDE = 6.0  # points; a partly visible picture with a shorter visible side is hidden
CAPTION_REACH = 40.0  # points between a picture and its caption
CAPTION_LENGTH = 160  # characters; more is a paragraph
BESIDE, INSIDE = 8.0, 16.0  # points added to the distance of a caption next to or on the picture
NEARBY_REACH = 90.0  # points between a picture and the text near it
NEARBY_LENGTH = 600  # characters that are kept of the text near a picture
_COPIED = {"page", "kind", "xref", "content_key", "caption", "nearby_text"}  # fields that a placement has, too


def place_pictures(document: str, sightings: Sequence[Sighting]) -> tuple[Placement, ...]:
    """Return the placements of a document in the order found, each with its state and the reason if it is not shown."""
    visible = [n for n, sighting in enumerate(sightings) if not is_hidden(sighting)]
    repeated = {visible[n] for n in find_repeated([sightings[n] for n in visible])}
    ordinals: Counter[str] = Counter()
    placements = []
    for number, sighting in enumerate(sightings):
        state, reason = _state(sighting, repeated=number in repeated)
        bbox = sighting.whole if state is PlacementState.HIDDEN else sighting.bbox
        origin = sighting.xref if sighting.xref is not None else sighting.kind
        first_id = placement_id(document, sighting.page, sighting.kind, origin, bbox)
        ordinals[first_id] += 1
        placements.append(
            Placement(
                id=placement_id(document, sighting.page, sighting.kind, origin, bbox, ordinals[first_id] - 1),
                bbox=bbox,
                state=state,
                reason=reason,
                **sighting.model_dump(include=_COPIED),
            )
        )
    return tuple(placements)


def _state(sighting: Sighting, *, repeated: bool) -> tuple[PlacementState, str | None]:
    if sighting.kind == "box":  # a person marked it as a picture
        return (PlacementState.UNREADABLE if sighting.unreadable else PlacementState.SHOWN), sighting.unreadable
    if is_hidden(sighting):
        return PlacementState.HIDDEN, "covered" if sighting.on_page else "off the page or clipped away"
    if small := is_small(sighting):
        return PlacementState.DECORATIVE, small
    if repeated:
        return PlacementState.DECORATIVE, f"repeated: on {REPEATED_ON} pages or more"
    if sighting.unreadable:
        return PlacementState.UNREADABLE, sighting.unreadable
    if is_faint(sighting):
        return PlacementState.DECORATIVE, f"faint: its mean opacity is under {LEAST_OPACITY:.0%}"
    if sighting.code:
        return PlacementState.DECORATIVE, "a code to scan"
    if is_band(sighting):
        return PlacementState.DECORATIVE, "a band along an edge of the page"
    return PlacementState.SHOWN, None


def is_hidden(sighting: Sighting) -> bool:
    """Whether clips, the page's edge and later paint leave (almost) nothing of a picture visible."""
    slit = short_side(sighting.bbox) <= SHOWN_SIDE < short_side(sighting.whole)
    return sighting.shown <= SHOWN_SHARE or slit


# --- text -------------------------------------------------------------------------------------------------------------


def caption(box: Box, lines: Sequence[Line]) -> str | None:
    """Return the caption of a picture: the nearest line at any side of it or on it, with the lines that continue it.

    A line below or above must not be under or over a neighbouring picture; numbers alone are no caption.
    """
    candidates = [(d, n) for n, line in enumerate(lines) if (d := _distance(box, line)) is not None]
    if not candidates:
        return None
    _, first = min(candidates)
    continued = [n for n in range(first, len(lines)) if _continues(lines, first, n)]
    return " ".join(" ".join(lines[n].text for n in continued).split())[:CAPTION_LENGTH]


def nearby_text(box: Box, lines: Iterable[Line]) -> str | None:
    """Return all text around a picture, in the order of the page, cut to `NEARBY_LENGTH` characters."""
    near = [line.text for line in lines if max(gaps(box, line.bbox)) <= NEARBY_REACH]
    return "\n".join(near)[:NEARBY_LENGTH] or None


def _distance(box: Box, line: Line) -> float | None:
    """Return the distance of a line as the picture's caption, in points; None if it cannot be the caption."""
    text = line.text
    if len(text) > CAPTION_LENGTH or not any(c.isalpha() for c in text):
        return None
    across, down = gaps(box, line.bbox)
    centre = (line.bbox[0] + line.bbox[2]) / 2
    if max(across, down) > CAPTION_REACH:
        return None
    if across < 0 and down < 0:
        return INSIDE
    if across < 0:
        return max(down, 0.0) if box[0] <= centre <= box[2] or -across >= (box[2] - box[0]) / 2 else None
    return BESIDE + across if down < 0 else None


def _continues(lines: Sequence[Line], first: int, n: int) -> bool:
    """Whether each line from the first to the n-th is directly under the one before, in the same size."""
    return n - first < 3 and all(
        0 <= lines[k].bbox[1] - lines[k - 1].bbox[1] <= 1.6 * lines[k - 1].size
        and abs(lines[k].size - lines[k - 1].size) < 0.5
        and gaps(lines[k].bbox, lines[k - 1].bbox)[0] < 0
        for k in range(first + 1, n + 1)
    )
