"""Answer requests in the child process that opens PDFs: outline, pages, tables, rendered pages and pictures.

It may hang, crash or be killed. Requests over pages end each page with `"done"`, or with `"lost"` if it raised, and
send `"begun"` before a picture, so that the parent knows which picture crashed the process.
"""

import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import pymupdf

from swatchbook.errors import EncryptedDocument, Unexpected, UnreadableDocument
from swatchbook.geometry import Transform, finite_box, transform_box
from swatchbook.pdf.mupdf_failure import to_failure
from swatchbook.pdf.ocr_pages import PrintedText
from swatchbook.pdf.page_text import is_letter_spaced, looks_tabular, read_blocks, strip_control_characters
from swatchbook.pdf.painting import to_drawn
from swatchbook.pdf.visible_text import trace_text
from swatchbook.runtime.child_process import Frame, serve
from swatchbook.truncate import truncate

log = logging.getLogger(__name__)

FONTS_KEPT = 20  # pages read before MuPDF forgets their fonts, and the few pictures that reading decodes
WARNINGS = 5  # the most that are kept for each page
FALLBACK_WARNING = (
    "the layout reader (pymupdf4llm) failed on its tables (see the log); PyMuPDF's find_tables read them."
)
VALUE_HEADS = {"value", "values", "wert", "werte", "valeur", "valor", "valore", "specification", "details", "data"}
"""Headers of the second column; without one, the first row of a two-column table is data."""


def handle(request: dict[str, Any], _payload: bytes) -> Iterator[Frame]:
    """Answer one request; see the module's docstring."""
    with _open_document(request["path"]) as document:
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
                from swatchbook.pdf.picture_like import look

                yield from _over_pages(document, request, partial(look, side=request["side"], placed=request["placed"]))
            case "draw":
                from swatchbook.pdf.picture_like import draw

                yield from _over_pages(
                    document, request, partial(draw, side=request["side"], drawing=request["drawing"])
                )
            case "extract":
                from swatchbook.pdf.extract_pictures import Extractor  # and Pillow and pydantic: reading starts without

                yield from _over_pages(document, request, Extractor(request))


def _over_pages(document: Any, request: dict[str, Any], handle_page: Any) -> Iterator[Frame]:
    for number in request["pages"]:
        try:
            yield from handle_page(document, number)
            last: dict[str, Any] = {"done": True, "warnings": _warnings()}
        except Exception as error:  # noqa: BLE001 — a page fails alone
            failure = to_failure(error, f"page {number}", "The page could not be read (see the log).")
            # A repair in mid-page, or a page tree that is read further, leaves fewer pages than were counted.
            damaged = document.is_repaired or document.page_count < number
            at_fault = damaged or isinstance(error, (pymupdf.mupdf.FzErrorBase, RecursionError))  # nested too deep
            if isinstance(failure, Unexpected) and at_fault:
                failure = UnreadableDocument("The page is damaged (see the log).")
            _warnings()  # else they are said of the next page
            last = {"lost": {"kind": failure.kind, "message": failure.message}}
        if request["do"] != "read" or number % FONTS_KEPT == 0:
            pymupdf.TOOLS.store_shrink(100)  # else 256 MiB of decoded pictures stay
        yield {"page": number, **last}, b""


# --- open -------------------------------------------------------------------------------------------------------------


@contextmanager
def _open_document(path: str) -> Iterator[Any]:
    try:
        document = pymupdf.open(path, filetype="pdf")
        page_count = 0 if document.needs_pass else document.page_count  # raises if the page tree is wrong
    except (RuntimeError, ValueError, pymupdf.mupdf.FzErrorBase) as error:
        log.warning("a PDF does not open", exc_info=error)
        raise _document_error(path, "it cannot be opened (see the log)") from None
    with document:
        if document.needs_pass:
            raise EncryptedDocument("The PDF needs a password.", advice="Save it without one and ingest that.")
        if page_count == 0:
            raise _document_error(path, "it has no pages")
        yield document


def _document_error(path: str, reason: str) -> UnreadableDocument:
    _warnings()  # else they are said of what is read next
    with Path(path).open("rb") as file:
        file.seek(max(0, Path(path).stat().st_size - 2048))
        has_end = b"%%EOF" in file.read()
    if not has_end:
        return UnreadableDocument("The PDF is truncated: its end is missing.", advice="Fetch or export it again.")
    return UnreadableDocument(f"The PDF is broken: {reason}.", advice="Export it again, or repair it with a PDF tool.")


def describe_document(document: Any) -> dict[str, Any]:
    """Return page count, title, outline, and warnings about the file as a whole."""
    warnings = ["The file is damaged and was repaired; parts may be missing."] if document.is_repaired else []
    try:
        outline = document.get_toc(simple=True)
    except (RecursionError, RuntimeError, ValueError, pymupdf.mupdf.FzErrorBase) as error:  # the outline is optional
        outline = []
        log.warning("an outline is broken", exc_info=error)
        warnings.append("The outline cannot be read (see the log).")
    return {
        "page_count": document.page_count,
        "title": strip_control_characters((document.metadata or {}).get("title") or "").strip() or None,
        "outline": [
            {"level": level, "title": strip_control_characters(title).strip(), "page": page}
            for level, title, page in outline
            if 1 <= page <= document.page_count and title.strip()
        ],
        "warnings": warnings + _warnings(),
    }


# --- read -------------------------------------------------------------------------------------------------------------


def read_page(document: Any, number: int, printed_text: PrintedText) -> Iterator[Frame]:
    """Read text and pictures of a page: a `Page` as JSON, and a second one with what was read from its pixels."""
    page = document[number - 1]
    painting, grounds = trace_text(page)
    blocks, warnings = read_blocks(
        page, grounds, [picture.bbox for picture in painting.pictures if not picture.gradient]
    )
    box, has_table = finite_box(page.rect), looks_tabular(line["bbox"] for block in blocks for line in block["lines"])
    read = {
        "number": number,
        "label": strip_control_characters(page.get_label() or ""),
        "box": box,
        "rotation": page.rotation,
        "blocks": blocks,
        "drawn": [to_drawn(number, picture) for number, picture in enumerate(painting.pictures)],
        "paths": painting.paths,
        "has_table": has_table,
        "unread": (),
        "warnings": (*warnings, *_warnings()),
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


def read_tables(document: Any, number: int) -> Iterator[Frame]:
    """Read the tables of one page by the layout reader, which keeps spaces in cells; if it fails, by `find_tables`."""
    page, warnings = document[number - 1], list[str]()
    try:
        _use_one_thread()
        import pymupdf4llm  # 0.7 s and 200 MB: only where there are tables

        parsed = json.loads(pymupdf4llm.to_json(document, pages=[number - 1], use_ocr=False))
        boxes = [
            box
            for parsed_page in parsed["pages"]
            for box in parsed_page["boxes"]
            if box["boxclass"] == "table" and box["table"]
        ]
        tables_found = [(box["table"]["bbox"], box["table"]["extract"]) for box in boxes]
    except Exception as error:
        log.warning("pymupdf4llm failed on page %d", number, exc_info=error)
        warnings.append(FALLBACK_WARNING)
        tables_found = [(table.bbox, table.extract()) for table in page.find_tables(use_layout=False).tables]
    as_shown: Transform = tuple(page.rotation_matrix)
    tables = [
        {"page": number, "bbox": finite_box(transform_box(box, as_shown)), "rows": rows, "header": _has_header(rows)}
        for box, extracted in tables_found
        if len(rows := _rows(extracted)) >= 2 and len(rows[0]) >= 2
    ]
    yield {"page": number, "tables": tables, "warnings": warnings}, b""


@cache
def _use_one_thread() -> None:
    """Let the models of pymupdf4llm, which has no setting for it, run in one thread each.

    Their threads, one for each core, wait for each other by spinning: reading tables took half as much processor time
    again, and longer on a busy machine.
    """
    import onnxruntime

    class OneThread(onnxruntime.SessionOptions):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.intra_op_num_threads = self.inter_op_num_threads = 1

    onnxruntime.SessionOptions = OneThread


def render(document: Any, number: int, fit: tuple[int, int], form: str) -> Iterator[Frame]:
    """Render a page as large as fits into width and height, in pixels: one answer with a JPEG or a PNG (`form`)."""
    page = document[number - 1]
    scale = min(fit[0] / max(page.rect.width, 1.0), fit[1] / max(page.rect.height, 1.0))
    pixmap = page.get_pixmap(matrix=pymupdf.Matrix(scale, scale), colorspace=pymupdf.csRGB, alpha=False)
    yield {"page": number, "rendered": True}, pixmap.tobytes(form, jpg_quality=85)


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


def _warnings() -> list[str]:
    """Return MuPDF's warnings since the last call, each once, at most `WARNINGS`."""
    lines = dict.fromkeys(
        strip_control_characters(line).strip() for line in pymupdf.TOOLS.mupdf_warnings().splitlines()
    )
    return list(truncate([line for line in lines if line], WARNINGS))


if __name__ == "__main__":
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    serve(handle)
