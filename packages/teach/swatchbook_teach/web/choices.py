"""A reading to choose, as a picture of one page with its names in boxes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from swatchbook.domain.records import Box
from swatchbook_base.geometry import turn_back
from swatchbook_teach.lessons import Lesson, names_apart
from swatchbook_teach.records import Proposal

_MARGIN = 1.5  # points around a text that belong to its box
_NAMES = 3

Place = tuple[int, Box]
"""A page, and a box on it as it was read."""


class Choice(NamedTuple):
    """A reading to choose, shown on one page. `value`: the address or the record that a click sends; `missing`: the
    boxes of names there that another reading finds, but not this one. `more` and `fewer`: names that only this one or
    the other finds.
    """

    title: str
    value: str
    proposal: Proposal
    names: tuple[str, ...]
    page: int
    size: tuple[float, float]
    boxes: tuple[Box, ...]
    missing: tuple[Box, ...] = ()
    more: tuple[str, ...] = ()
    fewer: tuple[str, ...] = ()


def show(
    lesson: Lesson, proposal: Proposal, value: str, *, title: str = "", shown: Mapping[Place, str] | None = None
) -> Choice:
    """Return a reading on the page where it finds most, or differs most from the names that are `shown`.

    `value`: what a click sends.
    """
    own = {(each.page, each.box): each.name for each in proposal.names}
    others = own if shown is None else shown
    counts = Counter(number for number, _ in own.keys() ^ others.keys() or own.keys())
    page = max(counts, key=lambda number: (counts[number], -number), default=1)
    box = lesson.reading.page_boxes[page]
    names, other_names = ([(number, name) for (number, _), name in each.items()] for each in (own, others))
    return Choice(
        title=title,
        value=value,
        proposal=proposal,
        names=tuple(own.values())[:_NAMES],
        page=page,
        size=(box[2], box[3]),
        boxes=_boxes(lesson, page, own),
        missing=_boxes(lesson, page, others.keys() - own.keys()),
        more=tuple(names_apart(names, other_names)),
        fewer=tuple(names_apart(other_names, names)),
    )


def changes(proposal: Proposal) -> bool:
    """Return whether a reading finds other names than the present ones."""
    return bool(proposal.lost) or any(each.new for each in proposal.names)


def _boxes(lesson: Lesson, page: int, places: Iterable[Place]) -> tuple[Box, ...]:
    return tuple(on_picture(lesson, page, box) for number, box in places if number == page)


def page_turn(lesson: Lesson, page: int) -> int:
    """Return the degrees clockwise by which a page must be turned to be read."""
    return next((each.turn for each in lesson.texts.document.layouts if each.number == page), 0)


def on_picture(lesson: Lesson, page: int, box: Box) -> Box:
    """Return where a text is on the picture of its page, with a margin: sideways pages were read turned."""
    x0, y0, x1, y1 = turn_back(box, lesson.reading.page_boxes[page], page_turn(lesson, page))
    return round(x0 - _MARGIN, 1), round(y0 - _MARGIN, 1), round(x1 + _MARGIN, 1), round(y1 + _MARGIN, 1)
