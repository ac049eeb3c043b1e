"""Read scanned catalogues: a document is scanned if most of its pages have pictures and fewer than 20 letters.

A vision model then reads their text, which is used like any other text.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from swatchbook_base.chat import PaidChat, Question
from swatchbook_base.errors import Failure, Policy
from swatchbook_base.records import Block, FailedPage, Line, Page, Scans, Span
from swatchbook_catalogue.llm.prompts import READ_PAGE, Printed

PAGE_SIDE: Final = 1_568  # pixels: most models scale larger pictures down
REPLY_TOKENS: Final = 4_000
MOST_LINES: Final = 400
FEWEST_LETTERS: Final = 20  # letters of a page with text; a document is scanned if most of its pages have fewer
_CONCURRENT_CALLS: Final = 8
_PAGES_PER_RENDER: Final = 32  # pages, about 10 MB
_HEADING, _BODY = 20.0, 10.0  # points; the font sizes that lines from a picture get

Render = Callable[[Sequence[int]], Iterable[tuple[int, bytes | FailedPage]]]
"""A function that renders pages as JPEG with longest side PAGE_SIDE, and yields (page number, picture or failure)."""


def scanned_pages(pages: Iterable[Page]) -> list[int]:
    """Return the pages that have pictures but no text, if they are most pages of the document; else none."""
    count, textless = 0, list[int]()
    for page in pages:
        count += 1
        if page.drawn and sum(map(str.isalnum, page.text)) < FEWEST_LETTERS:
            textless.append(page.number)
    return textless if 2 * len(textless) > count else []


def read_scans(chat: PaidChat, numbers: Sequence[int], render: Render) -> Scans:
    """Return the text of pages; those that fail are in `lost`. Raises failures that concern all pages."""
    lines, lost = dict[int, tuple[str, ...]](), list[FailedPage]()
    with ThreadPoolExecutor(_CONCURRENT_CALLS, thread_name_prefix="scan") as threads:
        for first in range(0, len(numbers), _PAGES_PER_RENDER):
            pictures = list(render(numbers[first : first + _PAGES_PER_RENDER]))
            for (number, _), result in zip(pictures, threads.map(partial(_read, chat), pictures), strict=True):
                if isinstance(result, FailedPage):
                    lost.append(result)
                else:
                    lines[number] = result
    return Scans(lines=lines, lost=tuple(lost))


def _read(chat: PaidChat, rendered: tuple[int, bytes | FailedPage]) -> tuple[str, ...] | FailedPage:
    number, picture = rendered
    if isinstance(picture, FailedPage):
        return picture.model_copy(update={"transient": False})
    try:
        question = Question(instructions=READ_PAGE, parts=(picture,), max_tokens=REPLY_TOKENS)
        return tuple(chat.ask(question, Printed).lines[:MOST_LINES])
    except Failure as failure:
        if failure.policy not in (Policy.NEVER, Policy.ONCE_MORE):
            raise
        message = f"It is a scan, and the vision model could not read it: {failure}"
        return FailedPage(page=number, kind=failure.kind, message=message)


def with_scans(pages: Iterable[Page], scans: Scans) -> Iterator[Page]:
    """Yield the pages; scanned ones have the text that was read, in lines evenly spaced over the whole page."""
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
