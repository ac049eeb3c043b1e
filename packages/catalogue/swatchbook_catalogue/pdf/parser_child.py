"""Answer requests in the child process that opens PDFs: outline, pages, tables, rendered pages and pictures.

The child's module is that of a library, such as `mupdf_document.py`, and ends with `serve_pdfs(open_document)`. It may
hang, crash or be killed. Requests over pages end each page with `"done"`, or with `"lost"` if it raised, and send
`"begun"` before a picture, so that the parent knows which picture crashed the process.
"""

import json
import logging
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from swatchbook_base.child_process import Frame, serve
from swatchbook_base.errors import Unexpected, UnreadableDocument
from swatchbook_base.geometry import finite_box
from swatchbook_catalogue.pdf.library_failure import to_failure
from swatchbook_catalogue.pdf.ocr_pages import PrintedText
from swatchbook_catalogue.pdf.page_contract import Document, OpenDocument, to_drawn
from swatchbook_catalogue.pdf.page_text import is_letter_spaced, looks_tabular, strip_control_characters

log = logging.getLogger(__name__)

FONTS_KEPT = 20  # pages read before the library forgets their fonts, and the few pictures that reading decodes
QUALITY = 85  # of the JPEG of a rendered page
END_BYTES = 2_048  # bytes at the end of a file that have its "startxref" and "%%EOF"
VALUE_HEADS = {"value", "values", "wert", "werte", "valeur", "valor", "valore", "specification", "details", "data"}
"""Headers of the second column; without one, the first row of a two-column table is data."""


def serve_pdfs(open_document: OpenDocument) -> None:
    """Answer requests with a library until stdin closes."""
    serve(partial(handle, open_document=open_document))


def handle(request: dict[str, Any], _payload: bytes, open_document: OpenDocument) -> Iterator[Frame]:
    """Answer one request; see the module's docstring."""
    with open_document(request["path"]) as document:
        match request["do"]:
            case "open":
                yield describe_document(document), b""
            case "read":
                printed_text = PrintedText(request["ocr"], request["languages"])
                yield from _over_pages(document, request, partial(read_page, printed_text=printed_text))
            case "tables":
                yield from _over_pages(document, request, read_tables)
            case "render":
                yield from _over_pages(document, request, partial(render, fit=request["fit"], form=request["form"]))
            case "look":
                from swatchbook_catalogue.pdf.picture_like import look

                yield from _over_pages(document, request, partial(look, side=request["side"], placed=request["placed"]))
            case "draw":
                from swatchbook_catalogue.pdf.picture_like import draw

                yield from _over_pages(
                    document, request, partial(draw, side=request["side"], drawing=request["drawing"])
                )
            case "extract":
                from swatchbook_catalogue.pdf.extract_pictures import (
                    Extractor,  # and Pillow and pydantic: reading starts without
                )

                yield from _over_pages(document, request, Extractor(request))


def _over_pages(document: Document, request: dict[str, Any], handle_page: Any) -> Iterator[Frame]:
    for number in request["pages"]:
        try:
            yield from handle_page(document, number)
            last: dict[str, Any] = {"done": True, "warnings": document.warnings()}
        except Exception as error:  # noqa: BLE001 — a page fails alone
            failure = to_failure(error, f"page {number}", "The page could not be read (see the log).")
            # A repair in mid-page, or a page tree that is read further, leaves fewer pages than were counted.
            damaged = document.is_repaired or document.page_count < number
            at_fault = damaged or isinstance(error, RecursionError) or document.is_damage(error)  # nested too deep
            if isinstance(failure, Unexpected) and at_fault:
                failure = UnreadableDocument("The page is damaged (see the log).")
            document.warnings()  # else they count for the next page
            last = {"lost": {"kind": failure.kind, "message": failure.message}}
        if request["do"] != "read" or number % FONTS_KEPT == 0:
            document.free()
        yield {"page": number, **last}, b""


# --- open -------------------------------------------------------------------------------------------------------------


def broken_document(path: str, reason: str = "it cannot be opened (see the log)") -> UnreadableDocument:
    """Return the failure for a file that a library cannot read: truncated if its end is missing, else broken."""
    if b"%%EOF" not in end_of(path):
        return UnreadableDocument("The PDF is truncated: its end is missing.", advice="Fetch or export it again.")
    return UnreadableDocument(f"The PDF is broken: {reason}.", advice="Export it again, or repair it with a PDF tool.")


def end_of(path: str) -> bytes:
    """Return the last END_BYTES of a file."""
    with Path(path).open("rb") as file:
        file.seek(max(0, Path(path).stat().st_size - END_BYTES))
        return file.read()


def describe_document(document: Document) -> dict[str, Any]:
    """Return page count, title, outline, and warnings about the file as a whole."""
    warnings = ["The file is damaged and was repaired; parts may be missing."] if document.is_repaired else []
    try:
        outline = document.outline()
    except Exception as error:  # the outline is optional
        if not isinstance(error, (RecursionError, RuntimeError, ValueError)) and not document.is_damage(error):
            raise
        outline = []
        log.warning("an outline is broken", exc_info=error)
        warnings.append("The outline cannot be read (see the log).")
    return {
        "page_count": document.page_count,
        "title": strip_control_characters(document.title or "").strip() or None,
        "outline": [
            {"level": level, "title": strip_control_characters(title).strip(), "page": page}
            for level, title, page in outline
            if 1 <= page <= document.page_count and title.strip()
        ],
        "warnings": warnings + document.warnings(),
    }


# --- read -------------------------------------------------------------------------------------------------------------


def read_page(document: Document, number: int, printed_text: PrintedText) -> Iterator[Frame]:
    """Read text and pictures of a page: a `Page` as JSON, and a second one with what was read from its pixels."""
    page = document.page(number)
    blocks, painting, warnings = page.read_text()
    box, has_table = finite_box(page.box), looks_tabular(line["bbox"] for block in blocks for line in block["lines"])
    read = {
        "number": number,
        "label": strip_control_characters(page.label),
        "box": box,
        "rotation": page.rotation,
        "blocks": blocks,
        "drawn": [to_drawn(number, picture) for number, picture in enumerate(painting.pictures)],
        "paths": painting.paths,
        "has_table": has_table,
        "unread": (),
        "warnings": (*warnings, *document.warnings()),
    }
    if printed_text.is_wanted(read):
        yield _page_answer(read, whole=False)  # should its pixels end the child, this is what is known
        read = printed_text.complete(read, page)
    yield _page_answer(read, whole=True)


def _page_answer(read: dict[str, Any], *, whole: bool) -> Frame:
    facts = {name: read[name] for name in ("warnings", "box", "has_table")}
    facts |= {"page": read["number"], "whole": whole, "unread": len(read["unread"])}
    return facts, json.dumps(read, ensure_ascii=False, allow_nan=False).encode()


# --- tables -----------------------------------------------------------------------------------------------------------


def read_tables(document: Document, number: int) -> Iterator[Frame]:
    """Read the tables of one page."""
    found, warnings = document.page(number).read_tables()
    tables = [
        {"page": number, "bbox": finite_box(box), "rows": rows, "header": _has_header(rows)}
        for box, extracted in found
        if len(rows := _rows(extracted)) >= 2 and len(rows[0]) >= 2
    ]
    yield {"page": number, "tables": tables, "warnings": warnings}, b""


def render(document: Document, number: int, fit: tuple[int, int], form: str) -> Iterator[Frame]:
    """Render a page as large as fits into width and height, in pixels: one answer with a JPEG or a PNG (`form`)."""
    page = document.page(number)
    scale = min(fit[0] / max(page.box[2], 1.0), fit[1] / max(page.box[3], 1.0))
    yield {"page": number, "rendered": True}, page.encode_whole(scale, form, QUALITY)


def _rows(extracted: Iterable[Iterable[str | None]]) -> list[list[str]]:
    rows = [[_cell(strip_control_characters(cell or "")) for cell in row] for row in extracted]
    return [row for row in rows if any(row)]


def _cell(text: str) -> str:
    return ("" if is_letter_spaced(text) else " ").join(text.split())


def _has_header(rows: list[list[str]]) -> bool:
    head = rows[0]
    if len(head) == 2:
        return head[1].casefold() in VALUE_HEADS
    return all(head[1:]) and not any(letter.isdigit() for cell in head for letter in cell)
