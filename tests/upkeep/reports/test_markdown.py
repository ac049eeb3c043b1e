"""The report as Markdown: what a document says has no markup of its own."""

import re
from html import unescape

from markdown_it import MarkdownIt

from swatchbook.domain.records import Spent
from swatchbook.upkeep.reports.markdown import as_markdown
from tests.upkeep.reports.test_document_state import report


def test_names_and_warnings_are_shown_as_they_are() -> None:
    told = {"h1", "h2", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "p", "code"}
    harmful = ["![oak](https://example.org/seen.png)", "[oak](javascript:alert(1))", "<img src=x onerror=alert(1)>"]
    for name in (*harmful, "oak\n\n# Oak\n```", "https://example.org/oak", "a | b"):
        told_of = as_markdown(report(name=name, warnings=(name,)))
        rendered = MarkdownIt("commonmark", {"html": True}).enable("table").render(told_of)
        assert set(re.findall(r"</?(\w+)", rendered)) <= told, name
        assert unescape(rendered).count(" ".join(name.split())) == 2, name


def test_bill_says_how_much_is_known_and_unknown() -> None:
    paid = Spent(
        stage="embed", provider="vision", model="qwen|vl", calls=12, failed=1, unknown=2, unpriced=3, truncated=0,
        tokens_in=9_000, tokens_out=700, cost_usd=0.25, at_most_usd=0.5,
    )  # fmt: skip
    told = as_markdown(report(spent=(paid,), cost_usd=None))
    rendered = unescape(MarkdownIt().enable("table").render(told))
    assert "qwen|vl" in rendered
    assert "0.2500 + 3 of unknown price" in rendered
    assert "$0.25 + unknown" in rendered
    assert "0.5000" in rendered


def test_sureness_is_told_before_the_figures() -> None:
    told = as_markdown(report(sure=0.31, products_discovered=9))
    rendered = unescape(MarkdownIt().enable("table").render(told))
    assert "<p>Are these its products? 31 % likely. Check its names before you use them" in rendered
    assert rendered.index("Are these its products?") < rendered.index("<table>")
    assert "Sure" not in as_markdown(report())
