"""pymupdf4llm's Markdown of each page, and the simple rules of `rules.py`."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from benchmarks.catalogues.answers import DocumentAnswer, SystemAnswers
from benchmarks.catalogues.systems import NotRun, Task, installed_version
from benchmarks.catalogues.systems.rules import Element, Kind, make_products

_KINDS: Final[Mapping[str, Kind]] = {"section-header": "heading", "title": "heading", "picture": "picture"}
_SKIPPED: Final = ("page-header", "page-footer")
_BOLD: Final = re.compile(r"\*\*[^*]+\*\*")
_PICTURE_TEXT: Final = re.compile(r"<!-- (?:Start|End) of picture text -->")


def about() -> SystemAnswers:
    """Return what the file says of the system."""
    return SystemAnswers(
        system="pymupdf4llm-rules",
        version=installed_version("pymupdf4llm"),
        about="pymupdf4llm's Markdown with its layout model, without OCR, and simple rules.",
        seen={"tuning": "unseen", "aside": "unseen"},
    )


def answer(task: Task) -> DocumentAnswer:
    """Convert a PDF to Markdown, and apply the rules. Raises NotRun without the package."""
    try:
        import pymupdf
        import pymupdf4llm
    except ImportError as error:
        raise NotRun("it is not installed: pip install pymupdf4llm") from error

    with pymupdf.open(task.pdf) as document:
        pages = pymupdf4llm.to_markdown(document, page_chunks=True, use_ocr=False)
    return make_products(element for page in pages for element in elements_of(page))


def elements_of(page: Mapping[str, Any]) -> Iterator[Element]:
    """Yield the elements of a page as pymupdf4llm gives it: its Markdown, and the place and class of each box in it."""
    number = int(page["metadata"]["page_number"])
    for each in page["page_boxes"]:
        if each["class"] in _SKIPPED:
            continue
        start, end = each["pos"]
        markdown = page["text"][start:end]
        x0, y0, x1, y1 = map(float, each["bbox"])
        kind = _KINDS.get(each["class"], "text")
        if each["class"] == "table":
            for line in markdown.splitlines():
                if line.startswith("|") and not re.fullmatch(r"[|\-: ]+", line):
                    yield Element("row", number, _plain(line.strip("| \n").replace("|", "\t")), (x0, y0, x1, y1))
            continue
        if kind == "picture":
            yield Element("picture", number, "", (x0, y0, x1, y1))
        lines = markdown.splitlines() if kind == "picture" else [markdown]
        for line in (part for text in lines for part in _PICTURE_TEXT.sub("", text).split("<br>") if part.strip()):
            heading = kind == "heading" or line.lstrip().startswith("#") or bool(_BOLD.fullmatch(line.strip()))
            yield Element("heading" if heading else "text", number, _plain(line), (x0, y0, x1, y1))


def _plain(markdown: str) -> str:
    """Return the words of Markdown without its signs; tabs stay."""
    text = re.sub(r"<br>|[*_`#~]+|^\s*[-+] ", " ", markdown)
    return "\t".join(" ".join(part.split()) for part in text.split("\t")).strip()
