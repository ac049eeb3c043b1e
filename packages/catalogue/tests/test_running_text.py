"""Running heads and feet: what repeats in the margins."""

from swatchbook.domain.records import Page
from swatchbook_catalogue.running_text import caption_lines, find_running_lines, margin_lines
from tests.catalogue.layouts import page, text


def captions(*pages: Page) -> list[str]:
    """Return the lines of the first page that may be captions."""
    running = find_running_lines(line for each in pages for line in margin_lines(each))
    return [line.text for line in caption_lines(pages[0], running)]


def test_running_heads_and_feet_are_no_captions() -> None:
    lines = ((400, "Nordvik Oak, smoked"), (810, "Halden & Rue · Book 2026 · {}"))
    pages = [page(n, [text(50, y, words.format(n)) for y, words in lines]) for n in (1, 2, 3)]
    assert captions(*pages) == ["Nordvik Oak, smoked"]
    assert len(captions(*pages[:2])) == 2  # twice may be a caption


def test_price_in_a_margin_may_be_a_caption() -> None:
    prices = ("64.00", "8.50", "120.00", "64.00")
    pages = [page(n, [text(50, 800, f"€ {p} per m²"), text(50, 820, str(n))]) for n, p in enumerate(prices, start=1)]
    assert captions(*pages) == ["€ 64.00 per m²"]
