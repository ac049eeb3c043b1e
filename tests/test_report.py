"""The report as Markdown: what a document says has no markup of its own."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from swatchbook.records import DocumentStatus, RunReport, Stage
from swatchbook.report import as_markdown


def report(name: str, *warnings: str) -> RunReport:
    return RunReport(
        document_id="d",
        name=name,
        owner="default",
        run=None,
        generation=None,
        status=DocumentStatus.COMPLETED,
        stage=Stage.COMPLETED,
        warnings=warnings,
    )


@pytest.mark.parametrize(
    "name",
    [
        "![oak](https://example.org/seen.png)",
        "[oak](javascript:alert(1))",
        "<img src=x onerror=alert(1)>",
        "oak\n\n# Oak\n```",
        "https://example.org/oak",
        "a | b",
    ],
)
def test_names_and_warnings_are_shown_as_they_are(name: str) -> None:
    rendered = MarkdownIt("commonmark", {"html": True}).enable("table").render(as_markdown(report(name, name)))
    tags = set(re.findall(r"</?(\w+)", rendered))
    assert tags <= {"h1", "h2", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"}
    assert unescape(rendered).count(" ".join(name.split())) == 2


@given(st.text())
def test_a_warning_is_one_line_whatever_it_holds(text: str) -> None:
    assert len(as_markdown(report("oak.pdf", text)).splitlines()) == len(
        as_markdown(report("oak.pdf", "x")).splitlines()
    )
