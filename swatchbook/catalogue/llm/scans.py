"""Scanned catalogues: a vision model reads their pages, and what it read is then asked about like any page's text."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from swatchbook.catalogue.llm.prompts import READ_PAGE, Printed
from swatchbook.errors import Failure, Policy
from swatchbook.ledger.calls import CallContext
from swatchbook.providers.messages import Chat, Question
from swatchbook.records import Block, FailedPage, Line, Page, Scans, Span

SIDE: Final = 1_568  # pixels: more is scaled down by most models
MOST_TOKENS: Final = 4_000
MOST_LINES: Final = 400
FEWEST_LETTERS: Final = 20
"""A page with fewer holds no text; a document is scanned when most of its pages hold none."""
_AT_ONCE: Final = 8
_PAINTED_AT_ONCE: Final = 32  # some 10 MB
_HEADING, _BODY = 20.0, 10.0  # points, of lines that were read off a picture

Render = Callable[[Sequence[int]], Iterable[tuple[int, bytes | FailedPage]]]
"""Paints pages as JPEG, their longest side SIDE."""


def scanned_pages(pages: Iterable[Page]) -> list[int]:
    """Pages without text that show a picture, of a document most of whose pages are such."""
    count, without = 0, list[int]()
    for page in pages:
        count += 1
        if page.drawn and sum(map(str.isalnum, page.text)) < FEWEST_LETTERS:
            without.append(page.number)
    return without if 2 * len(without) > count else []


def read_scans(chat: Chat, context: CallContext, numbers: Sequence[int], render: Render) -> Scans:
    """The text of these pages. One that cannot be painted, or that the model will not or cannot read, is lost alone.

    Raises what passes, and what concerns everybody.
    """
    lines, lost = dict[int, tuple[str, ...]](), list[FailedPage]()
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="scan") as threads:
        for first in range(0, len(numbers), _PAINTED_AT_ONCE):
            pictures = list(render(numbers[first : first + _PAINTED_AT_ONCE]))
            for (number, _), read in zip(pictures, threads.map(partial(_read, chat, context), pictures), strict=True):
                if isinstance(read, FailedPage):
                    lost.append(read)
                else:
                    lines[number] = read
    return Scans(lines=lines, lost=tuple(lost))


def _read(chat: Chat, context: CallContext, painted: tuple[int, bytes | FailedPage]) -> tuple[str, ...] | FailedPage:
    number, picture = painted
    if isinstance(picture, FailedPage):
        return picture.model_copy(update={"transient": False})
    try:
        question = Question(instructions=READ_PAGE, parts=(picture,), max_tokens=MOST_TOKENS)
        return tuple(chat.ask(question, Printed, context).lines[:MOST_LINES])
    except Failure as failure:
        if failure.policy not in (Policy.NEVER, Policy.ONCE_MORE):
            raise
        message = f"It is a scan, and the vision model could not read it: {failure}"
        return FailedPage(page=number, kind=failure.kind, message=message)


def with_scans(pages: Iterable[Page], scans: Scans) -> Iterator[Page]:
    """The pages, those that were scanned with the text that was read: one line below the other, over the whole page."""
    for page in pages:
        lines = scans.lines.get(page.number)
        yield page.model_copy(update={"blocks": tuple(_blocks(page, lines))}) if lines else page


def _blocks(page: Page, lines: tuple[str, ...]) -> Iterator[Block]:
    x0, y0, x1, y1 = page.box
    step = (y1 - y0) / len(lines)
    for number, line in enumerate(lines):
        text, heading = line.removeprefix("#").strip(), line.startswith("#")
        box = (x0, y0 + number * step, x1, y0 + (number + 1) * step)
        size = _HEADING if heading else _BODY
        span = Span(text=text, bbox=box, size=size, font="", bold=heading, italic=False, color=0)
        yield Block(bbox=box, lines=(Line(bbox=box, spans=(span,)),))
