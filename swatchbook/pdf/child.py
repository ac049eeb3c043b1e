"""The child that opens PDFs: with `painting.py` the only importer of pymupdf. It may loop, crash or be killed.

Requests (`handle`): `open`, `read`, `tables`, `render`, `extract`. Those over pages end each page with `"done"`, or
with `"lost"` where it raised. Before a picture is touched it is announced (`"begun"`), so that the parent knows which
one took the process with it.
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

from swatchbook.catalogue.pictures import margin_places
from swatchbook.errors import EncryptedDocument, Failure, OutOfMemory, Unexpected, UnreadableDocument, as_failure
from swatchbook.geometry import UNIT, Transform, Turn, clip, moved, overlap, then, turn
from swatchbook.images.limits import ImageLimits
from swatchbook.pdf.painting import EVERYWHERE, Painting, Stroke, painted
from swatchbook.pdf.pixels import OPAQUE, Made, as_jpeg, as_png, least_alpha, passes
from swatchbook.pdf.tabular import looks_tabular
from swatchbook.records import Block, Box, Drawn, Line, Page, Span, sha256, text_key
from swatchbook.runtime.child import Frame, serve
from swatchbook.truncate import truncate

log = logging.getLogger(__name__)

TEXT = pymupdf.TEXTFLAGS_DICT & ~pymupdf.TEXT_PRESERVE_IMAGES & ~pymupdf.TEXT_PRESERVE_LIGATURES
BOLD, ITALIC = 16, 2  # bits of a span's flags
BOLD_NAMES = ("bold", "black", "heavy", "demi")
FARTHEST = 1e6  # points; a broken transform may say infinity, which JSON cannot
WARNINGS = 5  # kept a page
MOST_PICTURES = 1_000  # taken from a page, for the same reason; sliced backgrounds have some hundreds
MOST_LINES = 5_000  # of text kept a page, ten times a dense one: what reads them compares lines with lines
STOOD_IN = "the layout reader (pymupdf4llm) failed on its tables (see the log); PyMuPDF's find_tables read them."
VALUE_HEADS = {"value", "values", "wert", "werte", "valeur", "valor", "valore", "specification", "details", "data"}
"""Second heads of two-column tables; without one, the first row of two columns is data."""


def handle(request: dict[str, Any], _payload: bytes) -> Iterator[Frame]:
    """Answer one request; see the module's text."""
    with _opened(request["path"]) as document:
        match request["do"]:
            case "open":
                yield describe(document), b""
            case "read":
                yield from _over_pages(document, request, read_page)
            case "tables":
                yield from _over_pages(document, request, read_tables)
            case "render":
                yield from _over_pages(document, request, partial(render, side=request["side"]))
            case "extract":
                yield from _over_pages(document, request, Extractor(request))


def _over_pages(document: Any, request: dict[str, Any], work: Any) -> Iterator[Frame]:
    for number in request["pages"]:
        try:
            yield from work(document, number)
            end: dict[str, Any] = {"done": True, "warnings": _warnings()}
        except Exception as error:  # noqa: BLE001 — a page fails alone
            failure = _failure(error, f"page {number}", "The page could not be read (see the log).")
            end = {"lost": {"kind": failure.kind, "message": failure.message}}
        pymupdf.TOOLS.store_shrink(100)  # else 256 MiB of decoded pictures stay
        yield {"page": number, **end}, b""


# --- open -------------------------------------------------------------------------------------------------------------


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    try:
        document = pymupdf.open(path, filetype="pdf")
        page_count = 0 if document.needs_pass else document.page_count  # raises where the page tree lies
    except (RuntimeError, ValueError, pymupdf.mupdf.FzErrorBase) as error:
        log.warning("a PDF does not open", exc_info=error)
        raise _no_document(path, "it cannot be opened (see the log)") from None
    with document:
        if document.needs_pass:
            raise EncryptedDocument("The PDF needs a password.", advice="Save it without one and ingest that.")
        if page_count == 0:
            raise _no_document(path, "it has no pages")
        yield document


def _no_document(path: str, why: str) -> UnreadableDocument:
    with Path(path).open("rb") as file:
        file.seek(max(0, Path(path).stat().st_size - 2048))
        whole = b"%%EOF" in file.read()
    if not whole:
        return UnreadableDocument("The PDF is truncated: its end is missing.", advice="Fetch or export it again.")
    return UnreadableDocument(f"The PDF is broken: {why}.", advice="Export it again, or repair it with a PDF tool.")


def describe(document: Any) -> dict[str, Any]:
    """Page count, title, outline, labels and what is wrong with the file as a whole."""
    warnings = ["The file is damaged and was repaired; parts may be missing."] if document.is_repaired else []
    try:
        outline = document.get_toc(simple=True)
    except (RecursionError, RuntimeError, ValueError, pymupdf.mupdf.FzErrorBase) as error:  # it only helps
        outline = []
        log.warning("an outline is broken", exc_info=error)
        warnings.append("The outline cannot be read (see the log).")
    return {
        "page_count": document.page_count,
        "title": clean((document.metadata or {}).get("title") or "").strip() or None,
        "outline": [
            {"level": level, "title": clean(title).strip(), "page": page}
            for level, title, page in outline
            if 1 <= page <= document.page_count and title.strip()
        ],
        "warnings": warnings + _warnings(),
    }


# --- read -------------------------------------------------------------------------------------------------------------


def read_page(document: Any, number: int) -> Iterator[Frame]:
    """Text and census of one page: one answer whose payload is a `Page` as JSON."""
    page = document[number - 1]
    as_shown: Transform = tuple(page.rotation_matrix)
    painting = painted(page)
    blocks, dropped = shorten(tuple(_blocks(page.get_text("dict", flags=TEXT)["blocks"], as_shown)))
    read = Page(
        number=number,
        label=clean(page.get_label() or ""),
        box=_box(page.rect),
        rotation=page.rotation,
        blocks=blocks,
        drawn=tuple(census(page, page.get_image_info(), painting)),
        paths=painting.paths,
        has_table=looks_tabular(line.bbox for block in blocks for line in block.lines),
        warnings=(*dropped, *_warnings()),
    )
    facts = {"box": read.box, "has_table": read.has_table, "margins": sorted(margin_places(read))}
    yield {"page": number, "warnings": read.warnings, **facts}, read.model_dump_json().encode()


def _blocks(blocks: Iterable[dict[str, Any]], as_shown: Transform) -> Iterator[Block]:
    for block in blocks:
        lines = tuple(
            Line(bbox=_box(moved(line["bbox"], as_shown)), spans=spans)
            for line in block["lines"]
            if (spans := tuple(_span(span, as_shown) for span in line["spans"] if span["text"]))
            and any(span.text.strip() for span in spans)
        )
        if lines:
            yield Block(bbox=_box(moved(block["bbox"], as_shown)), lines=lines)


def shorten(blocks: tuple[Block, ...]) -> tuple[tuple[Block, ...], tuple[str, ...]]:
    """The first blocks with at most `MOST_LINES` lines in all, and a warning where that is not the whole page."""
    ends = tuple(accumulate(len(block.lines) for block in blocks))
    if not ends or ends[-1] <= MOST_LINES:
        return blocks, ()
    whole = bisect_right(ends, MOST_LINES)
    rest = MOST_LINES - (ends[whole - 1] if whole else 0)
    cut = blocks[whole].model_copy(update={"lines": blocks[whole].lines[:rest]})
    kept = (*blocks[:whole], cut) if rest else blocks[:whole]
    return kept, (f"Its text has {ends[-1]} lines; the first {MOST_LINES} are read.",)


def _span(span: dict[str, Any], as_shown: Transform) -> Span:
    font = clean(span["font"])
    return Span(
        text=clean(span["text"]),
        bbox=_box(moved(span["bbox"], as_shown)),
        size=round(min(span["size"], FARTHEST), 2),
        font=font,
        bold=bool(span["flags"] & BOLD) or any(name in font.lower() for name in BOLD_NAMES),
        italic=bool(span["flags"] & ITALIC),
        color=span["color"] & 0xFFFFFF,
    )


def census(page: Any, infos: Sequence[dict[str, Any]], painting: Painting) -> Iterator[Drawn]:
    """Pictures that a page paints, in order, each with the box of what its clips and the page's edge leave of it."""
    as_shown: Transform = tuple(page.rotation_matrix)
    unknown = Stroke(shading=False, clip=EVERYWHERE, visible=EVERYWHERE)
    agree = len(painting.strokes) == len(infos)
    for number, info in enumerate(infos):
        transform = then(info["transform"], as_shown)
        stroke = painting.strokes[number] if agree else unknown
        seen = clip(overlap(moved(UNIT, transform), stroke.clip), tuple(page.rect))
        yield Drawn(
            number=number,
            bbox=_box(seen),
            width=info["width"],
            height=info["height"],
            colorspace=info["colorspace"],
            bits=info["bpc"],
            has_mask=info["has-mask"],
            size=info["size"],
            transform=_numbers(transform),
            gradient=stroke.shading,
            fills=stroke.fills,
            covered=stroke.covered,
        )


# --- tables -----------------------------------------------------------------------------------------------------------


def read_tables(document: Any, number: int) -> Iterator[Frame]:
    """Tables of one page: one answer. The layout reader's cells keep their spaces; `find_tables` stands in for it."""
    page, warnings = document[number - 1], list[str]()
    try:
        import pymupdf4llm  # 0.7 s and 200 MB: only where there are tables

        read = json.loads(pymupdf4llm.to_json(document, pages=[number - 1], use_ocr=False))
        boxes = [box for one in read["pages"] for box in one["boxes"] if box["boxclass"] == "table" and box["table"]]
        found = [(box["table"]["bbox"], box["table"]["extract"]) for box in boxes]
    except Exception as error:
        log.warning("pymupdf4llm failed on page %d", number, exc_info=error)
        warnings.append(STOOD_IN)
        found = [(table.bbox, table.extract()) for table in page.find_tables(use_layout=False).tables]
    as_shown: Transform = tuple(page.rotation_matrix)
    tables = [
        {"page": number, "bbox": _box(moved(box, as_shown)), "rows": rows, "header": _has_header(rows)}
        for box, extracted in found
        if len(rows := _rows(extracted)) >= 2 and len(rows[0]) >= 2
    ]
    yield {"page": number, "tables": tables, "warnings": warnings}, b""


def render(document: Any, number: int, side: int) -> Iterator[Frame]:
    """A page as a person sees it: one answer whose payload is a JPEG, its longest side `side` pixels."""
    page = document[number - 1]
    scale = side / max(page.rect.width, page.rect.height, 1.0)
    pixmap = page.get_pixmap(matrix=pymupdf.Matrix(scale, scale), colorspace=pymupdf.csRGB, alpha=False)
    yield {"page": number, "rendered": True}, pixmap.tobytes("jpeg", jpg_quality=85)


def _rows(extracted: Iterable[Iterable[str | None]]) -> list[list[str]]:
    rows = [[" ".join(clean(cell or "").split()) for cell in row] for row in extracted]
    return [row for row in rows if any(row)]


def _has_header(rows: list[list[str]]) -> bool:
    head = rows[0]
    if len(head) == 2:
        return head[1].casefold() in VALUE_HEADS
    return all(head[1:]) and not any(letter.isdigit() for cell in head for letter in cell)


# --- extract ----------------------------------------------------------------------------------------------------------


class Extractor:
    """Pictures of planned pages, one after the other; each distinct one is converted and sent once."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._limits = ImageLimits(*request["limits"])
        self._content = request["content"]
        self._first, self._after = request["pages"][0], request["after"]
        self._made: dict[tuple[int, Turn], dict[str, Any]] = {}  # (xref, turn) -> its answer
        self._keys: dict[int, str] = {}  # xref -> key of its stream
        self._inlined: tuple[int, list[Any]] = (0, [])  # page, and MuPDF's images of all that it paints

    def __call__(self, document: Any, number: int) -> Iterator[Frame]:
        page = document[number - 1]
        infos = page.get_image_info()
        if not infos:
            return
        drawn = census(page, infos, painted(page))
        if len(infos) > MOST_PICTURES:
            said = f"It paints {len(infos)} pictures; the first {MOST_PICTURES} are taken."
            yield {"page": number, "warnings": [said]}, b""
        every = zip(drawn, infos, match_xrefs(page, infos), strict=True)
        for one, info, xref in islice(every, MOST_PICTURES):
            if one.gradient or (number == self._first and one.number <= self._after):
                continue
            kind = "embedded" if xref else "inline"
            key = self._key(document, number, one.number, xref)
            seen: dict[str, Any] = {"bbox": one.bbox, "whole": _box(moved(UNIT, one.transform)), "fills": one.fills}
            seen |= {"covered": one.covered, "page_box": _box(page.rect), "kind": kind, "xref": xref or None}
            yield {"page": number, "begun": one.number, "key": key, "sighting": {"page": number, **seen}}, b""
            facts, data = self._made.get((xref, turn(one.transform))), b""
            if facts is None:
                facts, data = self._make(page, one, info["cs-name"], xref)
            yield {"page": number, "number": one.number, **facts}, data

    def _key(self, document: Any, page: int, number: int, xref: int) -> str:
        """Identity of a picture that may turn out unreadable."""
        if not xref:
            return text_key(f"{self._content}:{page}:{number}")
        if xref not in self._keys:
            stream = document.xref_stream_raw(xref) or b""
            self._keys[xref] = sha256(stream + document.xref_object(xref, compressed=True).encode())
        return self._keys[xref]

    def _inline(self, page: Any, number: int) -> Image.Image:
        if self._inlined[0] != page.number + 1:
            self._inlined = page.number + 1, images(page)
        return inline(self._inlined[1][number])

    def _make(self, page: Any, drawn: Drawn, space: str, xref: int) -> Made:
        way = turn(drawn.transform)
        try:
            self._limits.check_size(drawn.width, drawn.height)
            if xref:
                made = embedded(page.parent, xref, passes(drawn.colorspace, space), way, self._limits)
            else:
                made = as_png(self._inline(page, drawn.number), way, self._limits)
        except Exception as error:  # noqa: BLE001 — a picture fails alone
            named = f"picture {drawn.number} of page {page.number + 1}"
            failure = _failure(error, named, "The picture could not be read (see the log).")
            kind = "unreadable_image" if failure.kind == "unexpected" else failure.kind  # MuPDF's own errors
            made = {"failure": {"kind": kind, "message": str(failure)}}, b""
        if xref:
            self._made[xref, way] = made[0]
        return made


def embedded(document: Any, xref: int, plain: bool, way: Turn, limits: ImageLimits) -> Made:
    """The picture of an image object. `plain`: its colour space is one that a JPEG shows by itself."""
    limits.check_bytes(len(document.xref_stream_raw(xref) or b""))
    alpha = soft_mask(document, xref)
    jpeg = document.xref_get_key(xref, "Filter")[1].rstrip("] ").endswith("DCTDecode")
    if jpeg and plain and alpha is None and way == "none" and document.xref_get_key(xref, "Decode")[0] == "null":
        extracted = document.extract_image(xref)
        if extracted.get("ext") in ("jpeg", "jpg") and (made := as_jpeg(extracted["image"], limits)):
            return made
    image = in_rgb(pymupdf.Pixmap(document, xref))
    if alpha is not None and image.mode == "RGB":  # with a Matte MuPDF has already applied the mask
        image.putalpha(alpha.resize(image.size, Image.Resampling.BILINEAR))
    return as_png(image, way, limits)


def soft_mask(document: Any, xref: int) -> Image.Image | None:
    """Opacity (mode L) by the object's soft or stencil mask, None where there is none or it is opaque."""
    for name in ("SMask", "Mask"):  # a Mask that is an array (a colour key) is applied by MuPDF
        kind, value = document.xref_get_key(xref, name)
        if kind == "xref":
            mask = pymupdf.Pixmap(document, int(value.split()[0]))
            image = Image.frombytes("L", (mask.width, mask.height), mask.samples)
            return None if least_alpha(image) >= OPAQUE else image
    return None


def images(page: Any) -> list[Any]:
    """MuPDF's images of all pictures and gradients painted, as `get_image_info()` lists them.

    The blocks of `get_text("dict")` will not do: they lack what stands over the page's edge, if by a fraction of a
    point.
    """
    blocks = page.get_textpage(flags=pymupdf.TEXT_PRESERVE_IMAGES).this
    return [block.i_image() for block in blocks if block.m_internal.type != mupdf.FZ_STEXT_BLOCK_TEXT]


def inline(image: Any) -> Image.Image:
    """The pixels of a picture that has no object of its own, with its mask as alpha."""
    picture = in_rgb(pymupdf.Pixmap("raw", mupdf.fz_get_unscaled_pixmap_from_image(image)))
    mask = image.mask()
    if mask.m_internal and picture.mode == "RGB":
        alpha = pymupdf.Pixmap("raw", mupdf.fz_get_unscaled_pixmap_from_image(mask))
        opacity = Image.frombytes("L", (alpha.width, alpha.height), alpha.samples)
        picture.putalpha(opacity.resize(picture.size, Image.Resampling.BILINEAR))
    return picture


def in_rgb(pixmap: Any) -> Image.Image:
    """RGB or RGBA, from whatever colour space; a stencil becomes black on white."""
    size = (pixmap.width, pixmap.height)
    if pixmap.colorspace is None:
        painted = Image.frombytes("L", size, pixmap.samples)
        return Image.eval(painted, lambda alpha: 255 - alpha).convert("RGB")
    if pixmap.colorspace.n != 3 or "RGB" not in pixmap.colorspace.name:
        pixmap = pymupdf.Pixmap(pymupdf.csRGB, pixmap)
    if pixmap.alpha:
        return Image.frombytes("RGBa", size, pixmap.samples).convert("RGBA")  # MuPDF premultiplies
    return Image.frombytes("RGB", size, pixmap.samples)


def match_xrefs(page: Any, infos: list[dict[str, Any]]) -> list[int]:
    """Cross-reference number of each picture painted, 0 where it has none (inline, or in a pattern).

    Size and mask tell most; asking for them all by `xrefs=True` would decode and hash every picture.
    """
    listed: dict[tuple[int, int, bool], set[int]] = defaultdict(set)
    for xref, smask, width, height, *_ in page.get_images(full=True):
        listed[width, height, smask > 0].add(xref)
    candidates = [listed[info["width"], info["height"], info["has-mask"]] for info in infos]
    if any(len(some) > 1 for some in candidates):
        hashed = [info["xref"] for info in page.get_image_info(xrefs=True)]
        return [next(iter(some)) if len(some) == 1 else xref for some, xref in zip(candidates, hashed, strict=True)]
    return [next(iter(some), 0) for some in candidates]


# --- small things -----------------------------------------------------------------------------------------------------


def clean(text: str) -> str:
    """Text that JSON, UTF-8 and PostgreSQL take: no lone surrogates, no control characters."""
    text = text.encode("utf-8", "replace").decode()
    return "".join(c for c in text if c in "\t\n" or not (c < " " or "\x7f" <= c <= "\x9f"))


def _numbers(values: Iterable[float]) -> Any:
    return tuple(round(min(max(value, -FARTHEST), FARTHEST), 2) for value in values)


def _box(values: Iterable[float]) -> Box:
    box: Box = _numbers(values)
    return box


def _warnings() -> list[str]:
    said = dict.fromkeys(clean(line).strip() for line in pymupdf.TOOLS.mupdf_warnings().splitlines())
    return list(truncate([line for line in said if line], WARNINGS))


def _failure(error: Exception, what: str, message: str) -> Failure:
    """What becomes of a page or picture; of an unexpected error `message` says so, and the log has the rest.

    MuPDF reports a failed malloc as an error of its own.
    """
    if any(sign in str(error) for sign in ("malloc", "calloc", "realloc")):
        return OutOfMemory("Out of memory.")
    failure = as_failure(error)
    if isinstance(failure, Unexpected):
        log.warning("%s failed", what, exc_info=error)
        return Unexpected(message)
    return failure


if __name__ == "__main__":
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    serve(handle)
