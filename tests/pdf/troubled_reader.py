"""The real PDF child, except for pages that say LOOP, ABORT, KILL or RAISE: there it does so.

ONCE: only the first time. LATE: when it has answered, before it says that the page is done. A document whose title
says so does it when it is opened.
"""

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from swatchbook_base.child_process import Frame
from swatchbook_catalogue.pdf import mupdf_pictures, parser_child
from swatchbook_catalogue.pdf.mupdf_document import open_document


def troubled(document: Any, what: str, text: str) -> None:
    if "ONCE" in text and not first(document, what):
        return
    if "LOOP" in text:
        re.match(r"(a+)+$", "a" * 64 + "b")  # for ever, holding the interpreter
    if "KILL" in text:
        os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when memory is short
    if "ABORT" in text:
        print("free(): invalid pointer", file=sys.stderr, flush=True)
        os.abort()
    if "RAISE" in text:
        raise RuntimeError("cannot find page object")


def first(document: Any, what: str) -> bool:
    """Whether no child was asked for this part of the document before."""
    seen = Path(f"{document.name}.{what}")
    try:
        seen.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


real_describe, real_page, real_tables, real_jpeg = (
    parser_child.describe_document,
    parser_child.read_page,
    parser_child.read_tables,
    mupdf_pictures.kept_jpeg,
)


def describe_document(document: Any) -> dict[str, Any]:
    troubled(document.library, "open", document.title or "")
    return real_describe(document)


def read_page(document: Any, number: int, **rest: Any) -> Iterator[Frame]:
    text = document.library[number - 1].get_text()
    if "LATE" not in text:
        troubled(document.library, f"page{number}", text)
    yield from real_page(document, number, **rest)
    if "LATE" in text:
        troubled(document.library, f"page{number}", text)


def read_tables(document: Any, number: int) -> Iterator[Frame]:
    """Make the layout reader fail on a page that says ODD."""
    text = document.library[number - 1].get_text()
    troubled(document.library, f"tables{number}", text)
    if "ODD" in text:
        sys.modules["pymupdf4llm"] = None  # type: ignore[assignment]  # importing it fails
    yield from real_tables(document, number)
    if "ODD" in text:
        del sys.modules["pymupdf4llm"]


def kept_jpeg(document: Any, xref: int, *rest: Any) -> Any:
    """End the process at a JPEG 13 pixels wide, hang at one of 17, be killed once at 19, meet an error at 23."""
    width = document.xref_get_key(xref, "Width")[1]
    if width == "13":
        os.abort()
    if width == "17":
        time.sleep(60)
    if width == "19":
        troubled(document, f"picture{xref}", "KILL ONCE")
    if width == "23":
        raise IndexError("list index out of range")
    return real_jpeg(document, xref, *rest)


if __name__ == "__main__":
    parser_child.describe_document, mupdf_pictures.kept_jpeg = describe_document, kept_jpeg
    parser_child.read_page, parser_child.read_tables = read_page, read_tables
    parser_child.serve_pdfs(open_document)
