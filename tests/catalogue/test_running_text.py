"""Running heads and feet: what repeats in the margins."""

from collections import Counter

from swatchbook.catalogue.running_text import caption_lines, find_running_lines, margin_places
from swatchbook.records import Block, Line, Page, Span


def test_running_heads_and_feet_are_no_captions() -> None:
    def line(text: str, y: float) -> Line:
        bbox = (50.0, y, 250.0, y + 10)
        span = Span(text=text, bbox=bbox, size=9, font="f", bold=False, italic=False, color=0)
        return Line(bbox=bbox, spans=(span,))

    def page(number: int) -> Page:
        lines = (line("Nordvik Oak, smoked", 400), line(f"Halden & Rue · Book 2026 · {number}", 810))
        block = Block(bbox=(50, 400, 250, 820), lines=lines)
        box = (0.0, 0.0, 595.0, 842.0)
        return Page(number=number, label=str(number), box=box, rotation=0, blocks=(block,), drawn=())

    pages = [page(n) for n in (1, 2, 3)]
    running = find_running_lines(Counter(place for each in pages for place in margin_places(each)))
    assert [line.text for line in caption_lines(pages[0], running)] == ["Nordvik Oak, smoked"]
    twice = find_running_lines(Counter(place for each in pages[:2] for place in margin_places(each)))
    assert len(caption_lines(pages[0], twice)) == 2  # twice may be a caption
