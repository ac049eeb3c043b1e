"""Running heads and feet: what repeats in the margins."""

from swatchbook.domain.records import Block, Line, Page, Span
from swatchbook_catalogue.running_text import caption_lines, find_running_lines, margin_lines


def line(text: str, y: float) -> Line:
    bbox = (50.0, y, 250.0, y + 10)
    span = Span(text=text, bbox=bbox, size=9, font="f", bold=False, italic=False, color=0)
    return Line(bbox=bbox, spans=(span,))


def page(number: int, *lines: Line) -> Page:
    block = Block(bbox=(50, 400, 250, 820), lines=lines)
    box = (0.0, 0.0, 595.0, 842.0)
    return Page(number=number, label=str(number), box=box, rotation=0, blocks=(block,), drawn=())


def captions(*pages: Page) -> list[str]:
    """Return the lines of the first page that may be captions."""
    running = find_running_lines(line for each in pages for line in margin_lines(each))
    return [line.text for line in caption_lines(pages[0], running)]


def test_running_heads_and_feet_are_no_captions() -> None:
    pages = [page(n, line("Nordvik Oak, smoked", 400), line(f"Halden & Rue · Book 2026 · {n}", 810)) for n in (1, 2, 3)]
    assert captions(*pages) == ["Nordvik Oak, smoked"]
    assert len(captions(*pages[:2])) == 2  # twice may be a caption


def test_a_price_in_a_margin_may_be_a_caption_like_one_elsewhere() -> None:
    prices = ("64.00", "8.50", "120.00", "64.00")
    pages = [page(n, line(f"€ {price} per m²", 800), line(str(n), 820)) for n, price in enumerate(prices, start=1)]
    assert captions(*pages) == ["€ 64.00 per m²"]
