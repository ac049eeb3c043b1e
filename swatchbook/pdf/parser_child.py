"""The child process that opens PDFs: text, styles, outline, tables, rendered pages, and pictures with their masks. The
most lines (5,000) and pictures (1,000) of a page, and what a broken, truncated or encrypted PDF is. Only it and
`painting.py` import pymupdf.

It may hang, crash or be killed. Requests (`handle`): `open`, `read`, `tables`, `render`, `extract`. Requests over pages
end each page with `"done"`, or with `"lost"` if it raised. The child sends `"begun"` before it reads a picture, so that
the parent knows which picture crashed the process.
"""

import json
import logging
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import pymupdf
from PIL import Image
from pymupdf import mupdf

from swatchbook.errors import EncryptedDocument, Failure, OutOfMemory, Unexpected, UnreadableDocument, as_failure
from swatchbook.geometry import UNIT_SQUARE, Transform, Turn, clip, compose, nearest_turn, overlap, transform_box
from swatchbook.images.limits import ImageLimits
from swatchbook.pdf.painting import EVERYWHERE, Painting, Stroke, trace_painting
from swatchbook.pdf.picture_file import OPAQUE, Colors, PictureFile, keep_jpeg, may_keep_jpeg, min_alpha, to_png
from swatchbook.pdf.tabular import looks_tabular
from swatchbook.records import Block, Box, Drawn, Line, Page, Span, sha256, text_key
from swatchbook.runtime.child_process import Frame, serve
from swatchbook.truncate import truncate

log = logging.getLogger(__name__)

TEXT = pymupdf.TEXTFLAGS_DICT & ~pymupdf.TEXT_PRESERVE_IMAGES & ~pymupdf.TEXT_PRESERVE_LIGATURES
BOLD, ITALIC = 16, 2  # bits of a span's flags
BOLD_NAMES = ("bold", "black", "heavy", "demi")
FARTHEST = 1e6  # points; a broken transform may be infinite, which JSON cannot hold
WARNINGS = 5  # kept for each page
MOST_PICTURES = 1_000  # taken from a page; backgrounds cut into slices have some hundreds
MOST_LINES = 5_000  # of text kept of a page, ten times a dense one; later stages compare all pairs of lines
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
                yield from _over_pages(document, request, read_page)
            case "tables":
                yield from _over_pages(document, request, read_tables)
            case "render":
                yield from _over_pages(document, request, partial(render, fit=request["fit"], form=request["form"]))
            case "extract":
                yield from _over_pages(document, request, Extractor(request))


def _over_pages(document: Any, request: dict[str, Any], handle_page: Any) -> Iterator[Frame]:
    for number in request["pages"]:
        try:
            yield from handle_page(document, number)
            last: dict[str, Any] = {"done": True, "warnings": _warnings()}
        except Exception as error:  # noqa: BLE001 — a page fails alone
            failure = _to_failure(error, f"page {number}", "The page could not be read (see the log).")
            last = {"lost": {"kind": failure.kind, "message": failure.message}}
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


def read_page(document: Any, number: int) -> Iterator[Frame]:
    """Read text and pictures of one page: one answer whose payload is a `Page` as JSON."""
    page = document[number - 1]
    as_shown: Transform = tuple(page.rotation_matrix)
    painting = trace_painting(page)
    blocks, warnings = limit_lines(tuple(_blocks(page.get_text("dict", flags=TEXT)["blocks"], as_shown)))
    page_read = Page(
        number=number,
        label=strip_control_characters(page.get_label() or ""),
        box=_box(page.rect),
        rotation=page.rotation,
        blocks=blocks,
        drawn=tuple(list_pictures(page, page.get_image_info(), painting)),
        paths=painting.paths,
        has_table=looks_tabular(line.bbox for block in blocks for line in block.lines),
        warnings=(*warnings, *_warnings()),
    )
    facts = {"box": page_read.box, "has_table": page_read.has_table}
    yield {"page": number, "warnings": page_read.warnings, **facts}, page_read.model_dump_json().encode()


def _blocks(blocks: Iterable[dict[str, Any]], as_shown: Transform) -> Iterator[Block]:
    for block in blocks:
        lines = tuple(
            Line(bbox=_box(transform_box(line["bbox"], as_shown)), spans=spans)
            for line in block["lines"]
            if (spans := tuple(_span(span, as_shown) for span in line["spans"] if span["text"]))
            and any(span.text.strip() for span in spans)
        )
        if lines:
            yield Block(bbox=_box(transform_box(block["bbox"], as_shown)), lines=lines)


def limit_lines(blocks: tuple[Block, ...]) -> tuple[tuple[Block, ...], tuple[str, ...]]:
    """Return the first blocks with at most `MOST_LINES` lines in all, and a warning if lines were cut."""
    ends = tuple(accumulate(len(block.lines) for block in blocks))
    if not ends or ends[-1] <= MOST_LINES:
        return blocks, ()
    whole_blocks = bisect_right(ends, MOST_LINES)
    lines_left = MOST_LINES - (ends[whole_blocks - 1] if whole_blocks else 0)
    cut = blocks[whole_blocks].model_copy(update={"lines": blocks[whole_blocks].lines[:lines_left]})
    kept = (*blocks[:whole_blocks], cut) if lines_left else blocks[:whole_blocks]
    return kept, (f"Its text has {ends[-1]} lines; the first {MOST_LINES} are read.",)


def _span(span: dict[str, Any], as_shown: Transform) -> Span:
    font = strip_control_characters(span["font"])
    return Span(
        text=strip_control_characters(span["text"]),
        bbox=_box(transform_box(span["bbox"], as_shown)),
        size=round(min(span["size"], FARTHEST), 2),
        font=font,
        bold=bool(span["flags"] & BOLD) or any(name in font.lower() for name in BOLD_NAMES),
        italic=bool(span["flags"] & ITALIC),
        color=span["color"] & 0xFFFFFF,
    )


def list_pictures(page: Any, infos: Sequence[dict[str, Any]], painting: Painting) -> Iterator[Drawn]:
    """Return the pictures that a page paints, in order, each with the box left visible by clips and the page's edge."""
    as_shown: Transform = tuple(page.rotation_matrix)
    unknown = Stroke(shading=False, clip=EVERYWHERE, visible=EVERYWHERE)
    counts_agree = len(painting.strokes) == len(infos)
    for number, info in enumerate(infos):
        transform = compose(info["transform"], as_shown)
        stroke = painting.strokes[number] if counts_agree else unknown
        visible = clip(overlap(transform_box(UNIT_SQUARE, transform), stroke.clip), tuple(page.rect))
        yield Drawn(
            number=number,
            bbox=_box(visible),
            width=info["width"],
            height=info["height"],
            colorspace=info["colorspace"],
            bits=info["bpc"],
            has_mask=info["has-mask"],
            size=info["size"],
            transform=_rounded(transform),
            gradient=stroke.shading,
            fills=stroke.fills,
            covered=stroke.covered,
        )


# --- tables -----------------------------------------------------------------------------------------------------------


def read_tables(document: Any, number: int) -> Iterator[Frame]:
    """Read the tables of one page: one answer. If the layout reader fails, which keeps spaces in cells, use
    `find_tables`.
    """
    page, warnings = document[number - 1], list[str]()
    try:
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
        {"page": number, "bbox": _box(transform_box(box, as_shown)), "rows": rows, "header": _has_header(rows)}
        for box, extracted in tables_found
        if len(rows := _rows(extracted)) >= 2 and len(rows[0]) >= 2
    ]
    yield {"page": number, "tables": tables, "warnings": warnings}, b""


def render(document: Any, number: int, fit: tuple[int, int], form: str) -> Iterator[Frame]:
    """Render a page as large as fits into width and height, in pixels: one answer with a JPEG or a PNG (`form`)."""
    page = document[number - 1]
    scale = min(fit[0] / max(page.rect.width, 1.0), fit[1] / max(page.rect.height, 1.0))
    pixmap = page.get_pixmap(matrix=pymupdf.Matrix(scale, scale), colorspace=pymupdf.csRGB, alpha=False)
    yield {"page": number, "rendered": True}, pixmap.tobytes(form, jpg_quality=85)


def _rows(extracted: Iterable[Iterable[str | None]]) -> list[list[str]]:
    rows = [[" ".join(strip_control_characters(cell or "").split()) for cell in row] for row in extracted]
    return [row for row in rows if any(row)]


def _has_header(rows: list[list[str]]) -> bool:
    head = rows[0]
    if len(head) == 2:
        return head[1].casefold() in VALUE_HEADS
    return all(head[1:]) and not any(letter.isdigit() for cell in head for letter in cell)


# --- extract ----------------------------------------------------------------------------------------------------------


class Extractor:
    """Send the pictures of planned pages, one after the other; each distinct picture is converted and sent once."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._limits = ImageLimits(*request["limits"])
        self._content = request["content"]
        self._first, self._after = request["pages"][0], request["after"]
        self._converted: dict[tuple[int, Turn], dict[str, Any]] = {}  # (xref, turn) -> facts in the answer
        self._keys: dict[int, str] = {}  # xref -> content key of the stream
        self._painted: tuple[int, list[Any]] = (0, [])  # page number, and MuPDF's images of its pictures

    def __call__(self, document: Any, number: int) -> Iterator[Frame]:
        page = document[number - 1]
        infos = page.get_image_info()
        if not infos:
            return
        drawn = list_pictures(page, infos, trace_painting(page))
        if len(infos) > MOST_PICTURES:
            warning = f"It paints {len(infos)} pictures; the first {MOST_PICTURES} are taken."
            yield {"page": number, "warnings": [warning]}, b""
        pictures = zip(drawn, infos, match_xrefs(page, infos), strict=True)
        for picture, info, xref in islice(pictures, MOST_PICTURES):
            if picture.gradient or (number == self._first and picture.number <= self._after):
                continue
            sighting = {
                "page": number,
                "bbox": picture.bbox,
                "whole": _box(transform_box(UNIT_SQUARE, picture.transform)),
                "fills": picture.fills,
                "covered": picture.covered,
                "page_box": _box(page.rect),
                "kind": "embedded" if xref else "inline",
                "xref": xref or None,
            }
            key = self._key(document, number, picture.number, xref)
            yield {"page": number, "begun": picture.number, "key": key, "sighting": sighting}, b""
            facts, data = self._converted.get((xref, nearest_turn(picture.transform))), b""
            if facts is None:
                facts, data = self._convert(page, picture, info["cs-name"], xref)
            yield {"page": number, "number": picture.number, **facts}, data

    def _key(self, document: Any, page: int, number: int, xref: int) -> str:
        """Return the key that identifies a picture if it turns out to be unreadable."""
        if not xref:
            return text_key(f"{self._content}:{page}:{number}")
        if xref not in self._keys:
            stream = document.xref_stream_raw(xref) or b""
            self._keys[xref] = sha256(stream + document.xref_object(xref, compressed=True).encode())
        return self._keys[xref]

    def _inline(self, page: Any, number: int) -> Image.Image:
        if self._painted[0] != page.number + 1:
            self._painted = page.number + 1, painted_images(page)
        return inline_picture(self._painted[1][number])

    def _convert(self, page: Any, picture: Drawn, space: str, xref: int) -> PictureFile:
        orientation = nearest_turn(picture.transform)
        try:
            self._limits.check_size(picture.width, picture.height)
            if xref:
                colors = Colors(components=picture.colorspace, space=space)
                converted = embedded_picture(page.parent, xref, colors, orientation, self._limits)
            else:
                converted = to_png(self._inline(page, picture.number), orientation, self._limits)
        except Exception as error:  # noqa: BLE001 — a picture fails alone
            what = f"picture {picture.number} of page {page.number + 1}"
            failure = _to_failure(error, what, "The picture could not be read (see the log).")
            kind = "unreadable_image" if failure.kind == "unexpected" else failure.kind  # MuPDF's own errors
            converted = {"failure": {"kind": kind, "message": str(failure)}}, b""
        if xref:
            self._converted[xref, orientation] = converted[0]
        return converted


def embedded_picture(document: Any, xref: int, colors: Colors, turn: Turn, limits: ImageLimits) -> PictureFile:
    """Convert the picture of an image object, or keep the bytes of its JPEG."""
    limits.check_bytes(len(document.xref_stream_raw(xref) or b""))
    alpha = soft_mask(document, xref)
    encoding, decode = (document.xref_get_key(xref, name)[1] for name in ("Filter", "Decode"))
    if may_keep_jpeg(encoding, decode, colors, turn, masked=alpha is not None):
        extracted = document.extract_image(xref)
        if extracted.get("ext") in ("jpeg", "jpg") and (kept := keep_jpeg(extracted["image"], limits)):
            return kept
    image = to_rgb(pymupdf.Pixmap(document, xref))
    if alpha is not None and image.mode == "RGB":  # with a Matte MuPDF has already applied the mask
        image.putalpha(alpha.resize(image.size, Image.Resampling.BILINEAR))
    return to_png(image, turn, limits)


def soft_mask(document: Any, xref: int) -> Image.Image | None:
    """Return the opacity (mode L) from the object's soft or stencil mask, None without one or if it is opaque."""
    for name in ("SMask", "Mask"):  # a Mask that is an array (a colour key) is applied by MuPDF
        kind, value = document.xref_get_key(xref, name)
        if kind == "xref":
            mask = pymupdf.Pixmap(document, int(value.split()[0]))
            image = Image.frombytes("L", (mask.width, mask.height), mask.samples)
            return None if min_alpha(image) >= OPAQUE else image
    return None


def painted_images(page: Any) -> list[Any]:
    """Return MuPDF's images of all pictures and gradients painted, as `get_image_info()` lists them.

    The blocks of `get_text("dict")` cannot be used: they lack pictures that extend over the page's edge, even by a
    fraction of a point.
    """
    blocks = page.get_textpage(flags=pymupdf.TEXT_PRESERVE_IMAGES).this
    return [block.i_image() for block in blocks if block.m_internal.type != mupdf.FZ_STEXT_BLOCK_TEXT]


def inline_picture(image: Any) -> Image.Image:
    """Return the pixels of a picture that is no separate object, with its mask as alpha."""
    picture = to_rgb(pymupdf.Pixmap("raw", mupdf.fz_get_unscaled_pixmap_from_image(image)))
    mask = image.mask()
    if mask.m_internal and picture.mode == "RGB":
        alpha = pymupdf.Pixmap("raw", mupdf.fz_get_unscaled_pixmap_from_image(mask))
        opacity = Image.frombytes("L", (alpha.width, alpha.height), alpha.samples)
        picture.putalpha(opacity.resize(picture.size, Image.Resampling.BILINEAR))
    return picture


def to_rgb(pixmap: Any) -> Image.Image:
    """Convert a pixmap of any colour space to RGB or RGBA; a stencil becomes black on white."""
    size = (pixmap.width, pixmap.height)
    if pixmap.colorspace is None:
        stencil = Image.frombytes("L", size, pixmap.samples)
        return Image.eval(stencil, lambda alpha: 255 - alpha).convert("RGB")
    if pixmap.colorspace.n != 3 or "RGB" not in pixmap.colorspace.name:
        pixmap = pymupdf.Pixmap(pymupdf.csRGB, pixmap)
    if pixmap.alpha:
        return Image.frombytes("RGBa", size, pixmap.samples).convert("RGBA")  # MuPDF premultiplies
    return Image.frombytes("RGB", size, pixmap.samples)


def match_xrefs(page: Any, infos: list[dict[str, Any]]) -> list[int]:
    """Return the cross-reference number of each picture painted, 0 if it has none (inline, or in a pattern).

    Size and mask identify most pictures; `xrefs=True` for all would decode and hash every picture.
    """
    xrefs_by_shape: dict[tuple[int, int, bool], set[int]] = defaultdict(set)
    for xref, smask, width, height, *_ in page.get_images(full=True):
        xrefs_by_shape[width, height, smask > 0].add(xref)
    candidates = [xrefs_by_shape[info["width"], info["height"], info["has-mask"]] for info in infos]
    if any(len(xrefs) > 1 for xrefs in candidates):
        by_hash = [info["xref"] for info in page.get_image_info(xrefs=True)]
        return [next(iter(xrefs)) if len(xrefs) == 1 else xref for xrefs, xref in zip(candidates, by_hash, strict=True)]
    return [next(iter(xrefs), 0) for xrefs in candidates]


# --- conversions ------------------------------------------------------------------------------------------------------


def strip_control_characters(text: str) -> str:
    """Return text that JSON, UTF-8 and PostgreSQL accept: no lone surrogates, no control characters.

    All else stays as the page has it, also what is invisible: later stages compare it with other texts of the page.
    """
    text = text.encode("utf-8", "replace").decode()
    return "".join(c for c in text if c in "\t\n" or not (c < " " or "\x7f" <= c <= "\x9f"))


def _rounded(values: Iterable[float]) -> Any:
    """Return finite values, rounded to 0.01."""
    return tuple(round(min(max(value, -FARTHEST), FARTHEST), 2) for value in values)


def _box(values: Iterable[float]) -> Box:
    box: Box = _rounded(values)
    return box


def _warnings() -> list[str]:
    """Return MuPDF's warnings since the last call, each once, at most `WARNINGS`."""
    lines = dict.fromkeys(
        strip_control_characters(line).strip() for line in pymupdf.TOOLS.mupdf_warnings().splitlines()
    )
    return list(truncate([line for line in lines if line], WARNINGS))


def _to_failure(error: Exception, subject: str, message: str) -> Failure:
    """Return the failure for an error. An unexpected error is logged; its failure has `message` instead of its text.

    MuPDF reports a failed malloc as a general error.
    """
    if any(sign in str(error) for sign in ("malloc", "calloc", "realloc")):
        return OutOfMemory("Out of memory.")
    failure = as_failure(error)
    if isinstance(failure, Unexpected):
        log.warning("%s failed", subject, exc_info=error)
        return Unexpected(message)
    return failure


if __name__ == "__main__":
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    serve(handle)
