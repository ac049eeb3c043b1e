"""Read PDFs through a child process (`parser_child.py`) with the library that SWATCHBOOK_PDF_READER names; the child is
started again when it crashes.

Nothing here opens a PDF. A page or picture at which the child crashes is tried twice, then reported as a failure. The
child's processor time is limited by the pages and bytes of the file; what takes longer is not tried again.
"""

import tempfile
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from swatchbook_base.check_file import check_file, check_pages
from swatchbook_base.child_process import TRIES, Child, Frame
from swatchbook_base.errors import (
    KINDS,
    Configuration,
    CrashedWorker,
    Failure,
    OutOfMemory,
    ProviderTimeout,
    TooLarge,
    TooSlow,
    UnreadableDocument,
    as_failure,
)
from swatchbook_base.geometry import area
from swatchbook_base.image_limits import ImageLimits
from swatchbook_base.reading import PRINT, FileStore, Progress, ReadSettings
from swatchbook_base.records import (
    Box,
    Drawing,
    ExtractedPictures,
    FailedPage,
    LostPicture,
    Picture,
    Reading,
    SeenPage,
    Sighting,
    Table,
    Tables,
    Unreadable,
)
from swatchbook_base.truncate import page_numbers, truncate
from swatchbook_catalogue.pdf.ocr_languages import check_languages, chosen_languages
from swatchbook_catalogue.pdf.ocr_pages import READABLE
from swatchbook_catalogue.pdf.rasters import Texts

WHOLE_BYTES = 16 << 20  # in a file this large, a page may take all of SWATCHBOOK_PAGE_SECONDS
LEAST_PART = 0.25  # of them that a page of the smallest file may take
SPARE, PER_PAGE = 3.0, 0.25  # a whole pass may take as long as three pages, and PER_PAGE more for each finished page
PAGE_BYTES = 10_000  # of a finished page, for PER_PAGE: the smallest scan of a page has as many
KEPT_WARNINGS = 100
MOST_HEIGHT = 4_000  # pixels of a page that is rendered for people
_TRANSIENT_KINDS = (ProviderTimeout.kind, CrashedWorker.kind)
"""Failures of a picture that ends its child. The cause may be the machine, busy or short of memory."""

_RETRY_ADVICE = "Try again when the machine is less busy and has memory to spare."
_SLOW_ADVICE = "Export it again, or raise SWATCHBOOK_PAGE_SECONDS."

MODULES = {
    "mupdf": ("swatchbook_catalogue.pdf.mupdf_document", "pymupdf"),
    "pdfium": ("swatchbook_catalogue.pdf.pdfium_document", "pypdfium2"),
}
"""Name of a reader -> its module, and the library that it needs."""

TurnedBox = tuple[Box, int]
"""A part of a page in points, and the degrees clockwise by which its page must be turned to be read."""


def reader_module(settings: ReadSettings) -> str:
    """Return the module of the child process, by SWATCHBOOK_PDF_READER.

    Raises Configuration if nothing has this name, or if the library that it reads with is not installed.
    """
    name = settings.pdf_reader
    if name in MODULES:
        module, library = MODULES[name]
        if find_spec(library) is None:
            raise Configuration(
                f"SWATCHBOOK_PDF_READER={name} needs {library}.",
                advice=f"Install it: pip install {library}, or choose another reader.",
            )
        return module
    found = [point.module for point in entry_points(group="swatchbook.pdf_readers", name=name)]
    if len(found) != 1:
        there = "Two packages have" if found else "There is"
        raise Configuration(f"{there} {'the' if found else 'no'} PDF reader {name!r}.", advice="docs/pdf-readers.md")
    return found[0]


def read(path: Path, files: FileStore, settings: ReadSettings, *, progress: Progress | None = None) -> Reading:
    """Read text, styles, pictures and outline in one pass over all pages.

    Pages that fail are in `lost`, and so are pages that were read, but whose printed text was not.

    Raises Configuration or MissingExtra if a language of SWATCHBOOK_OCR_LANGUAGES cannot be read; UnreadableDocument,
    EncryptedDocument, TooLarge, FileMissing, InvalidReference, DiskFull; CrashedWorker or ProviderTimeout if no page
    could be read but a later attempt may succeed, TooSlow if none can.
    """
    languages = chosen_languages(settings.ocr_languages)
    if settings.ocr != "off":
        check_languages(languages)
    boxes: dict[int, Box] = {}
    tables: list[int] = []
    unread: dict[int, int] = {}  # lines of printed text, by page
    lost: list[FailedPage] = []
    with Child(reader_module(settings), memory_mb=settings.child_memory_mb) as child:
        content = check_file(path, settings, meanwhile=child.start)
        opened = _open(child, path, settings)
        warnings = list(opened["warnings"])
        numbers = range(1, opened["page_count"] + 1)
        request = {**_request("read", path), "ocr": settings.ocr, "languages": languages}
        try:
            settings.temporary_folder.mkdir(parents=True, exist_ok=True)
            with (
                tempfile.NamedTemporaryFile("wb", suffix=".jsonl", dir=settings.temporary_folder) as file,
                closing(_stream_restarting(child, request, numbers, settings, progress)) as answers,
            ):
                read: Frame | None = None  # the page in progress: its last answer has most
                for answer, payload in answers:
                    if "box" in answer:
                        read = answer, payload
                        continue
                    number = answer["page"]
                    if read is None:
                        lost.append(FailedPage(page=number, **answer["lost"]))
                    else:
                        facts, line = read
                        boxes[number] = facts["box"]
                        tables += [number] if facts["has_table"] else []
                        unread |= {number: facts["unread"]} if facts["unread"] else {}
                        warnings += [f"Page {number}: {warning}" for warning in facts["warnings"]]
                        file.write(line + b"\n")
                        if not facts["whole"]:
                            lost.append(_lost_print(number, **answer["lost"]))
                    read = None
                file.flush()
                if not boxes:
                    raise _no_page_error(lost)
                key = files.put_file(Path(file.name), suffix=".jsonl")
        except OSError as error:
            raise as_failure(error) from error
    return Reading(
        content=content,
        page_count=opened["page_count"],
        title=opened["title"],
        outline=opened["outline"],
        page_boxes=boxes,
        pages_file=key,
        table_pages=tuple(tables),
        lost=tuple(lost),
        doubts=tuple(_unread_print(unread, languages)),
        warnings=truncate(warnings, KEPT_WARNINGS),
    )


def tables(path: Path, pages: Sequence[int], settings: ReadSettings, *, progress: Progress | None = None) -> Tables:
    """Read the tables of these pages (0.2 s a page: pass only the `table_pages` of a reading).

    Pages that fail are in `lost`; pages read by the fallback reader are in `warnings`.
    """
    if not pages:
        return Tables()
    tables_found: list[Table] = []
    lost: list[FailedPage] = []
    warnings: list[str] = []
    with _answers(_request("tables", path), sorted(pages), settings, progress) as answers:
        for answer, _ in answers:
            if "tables" in answer:
                tables_found += [Table.model_validate(table) for table in answer["tables"]]
                warnings += [f"Page {answer['page']}: {warning}" for warning in answer["warnings"]]
            if "lost" in answer:
                warning = f"Its tables are lost: {answer['lost']['message']}"
                lost.append(FailedPage(page=answer["page"], **{**answer["lost"], "message": warning}))
    return Tables(tables=tuple(tables_found), lost=tuple(lost), warnings=truncate(warnings, KEPT_WARNINGS))


def render(
    path: Path, pages: Sequence[int], settings: ReadSettings, *, side: int
) -> Iterator[tuple[int, bytes | FailedPage]]:
    """Render these pages as JPEG, longest side `side` pixels, one at a time; yield FailedPage for one that fails."""
    if not pages:
        return
    request = {**_request("render", path), "fit": (side, side), "form": "jpeg"}
    with _answers(request, sorted(pages), settings) as answers:
        for answer, payload in answers:
            if "rendered" in answer:
                yield answer["page"], payload
            elif "lost" in answer:
                yield answer["page"], FailedPage(page=answer["page"], **answer["lost"])


def render_page(path: Path, number: int, settings: ReadSettings, *, width: int) -> bytes:
    """Render one page as PNG, `width` pixels wide, or narrower if it would be higher than `MOST_HEIGHT`.

    Raises UnreadableDocument if it cannot be rendered, CrashedWorker or ProviderTimeout if it may be later.
    """
    request = {**_request("render", path), "fit": (width, MOST_HEIGHT), "form": "png"}
    return _picture_of(request, number, settings)


def draw_page(path: Path, number: int, drawing: Drawing, settings: ReadSettings, *, side: int) -> bytes:
    """Return a page as PNG, longest side `side`, with boxes over it and notes. Raises what `render_page` raises."""
    request = {**_request("draw", path), "side": side, "drawing": drawing.model_dump()}
    return _picture_of(request, number, settings)


def _picture_of(request: dict[str, Any], number: int, settings: ReadSettings) -> bytes:
    failed: dict[str, Any] = {}
    with _answers(request, [number], settings) as answers:
        for answer, payload in answers:
            if "rendered" in answer:
                return payload
            failed = answer.get("lost", failed)
    kind = KINDS[failed["kind"]] if failed.get("transient") else UnreadableDocument
    advice = _RETRY_ADVICE if failed.get("transient") else None
    raise kind(f"Page {number} cannot be rendered: {failed['message']}", advice=advice)


def look(
    path: Path, placed: Mapping[int, Sequence[Box]], settings: ReadSettings, *, side: int = 0
) -> Generator[SeenPage | FailedPage]:
    """Find what looks like a picture outside the boxes of pages, each with a JPEG of `side` pixels (0: without)."""
    if not placed:
        return
    request = {**_request("look", path), "side": side, "placed": placed}
    with _answers(request, sorted(placed), settings) as answers:
        last = 0  # a child that is started again may answer again
        for answer, payload in answers:
            number = answer["page"]
            if number > last and "seen" in answer:
                unplaced = tuple(lost_pictures(number, answer["seen"], answer["unplaced"]))
                yield SeenPage(number=number, box=answer["seen"], unplaced=unplaced, jpeg=payload)
                last = number
            elif number > last and "lost" in answer:
                yield FailedPage(page=number, **answer["lost"])
                last = number


def extract(
    path: Path,
    pages: Sequence[int],
    content: str,
    files: FileStore,
    settings: ReadSettings,
    *,
    texts: Mapping[int, Texts] = {},
    boxes: Mapping[int, Sequence[TurnedBox]] = {},
    progress: Progress | None = None,
) -> ExtractedPictures:
    """Extract the pictures of these pages, stored and deduplicated by content, with the places where they are drawn.

    `content` is the SHA-256 of the file, `texts` what is known of the pages whose rasters are cut into what they show.
    With `boxes`, these parts of the pages are the pictures, each with how it is turned, and nothing else is looked for.
    A picture that cannot be read is in `unreadable`; a page in `lost`.
    """
    builder = _ExtractionBuilder(files)
    if pages:
        known = {"texts": texts, "boxes": boxes}
        request = {**_request("extract", path), "limits": ImageLimits.of(settings), "content": content, **known}
        with _answers(request, sorted(pages), settings, progress) as answers:
            for answer, payload in answers:
                builder.add(answer, payload)
    return ExtractedPictures(
        pictures=tuple(builder.pictures.values()),
        sightings=tuple(builder.sightings),
        unreadable=tuple(builder.unreadable.values()),
        lost_pictures=tuple(builder.lost_pictures),
        lost=tuple(builder.lost),
        warnings=truncate(builder.warnings, KEPT_WARNINGS),
    )


def lost_pictures(number: int, page: Box, unplaced: Iterable[tuple[Box, str | None]]) -> Iterator[LostPicture]:
    """Yield what looks like a picture outside all placements: boxes of a page with their perceptual hashes."""
    for box, phash in unplaced:
        yield LostPicture(page=number, bbox=box, share=round(area(box) / area(page), 4), phash=phash)


class _ExtractionBuilder:
    """Collects the results of an extraction while the child answers."""

    def __init__(self, files: FileStore) -> None:
        self.pictures: dict[str, Picture] = {}
        self.unreadable: dict[str, Unreadable] = {}
        self.sightings: list[Sighting] = []
        self.lost_pictures: list[LostPicture] = []
        self.lost: list[FailedPage] = []
        self.warnings: list[str] = []
        self._files = files
        self._announced: dict[str, Any] = {}

    def add(self, answer: dict[str, Any], payload: bytes) -> None:
        if "begun" in answer:
            self._announced = answer
        elif "number" in answer:
            self._add_sighting(answer, payload)
        elif "unplaced" in answer:
            self.lost_pictures += lost_pictures(answer["page"], answer["page_box"], answer["unplaced"])
        elif "lost" in answer:
            self.lost.append(FailedPage(page=answer["page"], **answer["lost"]))
        else:
            self.warnings += [f"Page {answer['page']}: {warning}" for warning in answer.get("warnings", ())]

    def _add_sighting(self, answer: dict[str, Any], payload: bytes) -> None:
        announced, failure = self._announced, answer.get("failure")
        key = announced["key"] if failure else answer["content_key"]
        if failure:
            self.unreadable[key] = Unreadable(content_key=key, **failure)
            if failure["kind"] in _TRANSIENT_KINDS:  # a transient loss, so that the result is not cached
                self.lost.append(FailedPage(page=announced["page"], **failure, transient=True))
        elif key not in self.pictures:
            facts = {name: answer[name] for name in ("width", "height", "mode", "passed_through", "phash", "traits")}
            stored = self._files.put_bytes(payload, answer["suffix"])
            self.pictures[key] = Picture(content_key=key, file=stored, **facts)
        self.sightings.append(
            Sighting(
                **announced["sighting"],
                unreadable=failure["message"] if failure else None,
                content_key=key,
                phash=answer.get("phash"),
                tone=answer.get("tone"),
                code=answer.get("code", False),
            )
        )


# --- the file ---------------------------------------------------------------------------------------------------------


def _open(child: Child, path: Path, settings: ReadSettings) -> dict[str, Any]:
    try:
        opened = _describe_document(child, path, settings)
    except OutOfMemory as error:
        raise TooLarge(
            f"Opening the PDF takes more than {settings.child_memory_mb} MiB.",
            advice="Raise SWATCHBOOK_CHILD_MEMORY_MB, or split the document.",
        ) from error
    check_pages(opened["page_count"], settings)
    return opened


def _describe_document(child: Child, path: Path, settings: ReadSettings) -> dict[str, Any]:
    """Return the child's facts about the document; ask again if the child crashes."""
    crashes: list[CrashedWorker] = []
    while len(crashes) < TRIES:
        try:
            return child.ask({"do": "open", "path": str(path)}, seconds=_page_seconds(path, settings))[0]
        except TooSlow as failure:
            raise TooSlow(f"The PDF could not be opened: {failure}", advice=_SLOW_ADVICE) from failure
        except CrashedWorker as crash:
            crashes.append(crash)
    if _is_at_fault(crashes):
        raise UnreadableDocument(f"The PDF crashes its parser. {crashes[-1]}", advice="Export it again.")
    raise CrashedWorker(f"The PDF could not be opened: {crashes[-1]}", advice=_RETRY_ADVICE)


def _unread_print(unread: Mapping[int, int], languages: Sequence[str]) -> Iterator[str]:
    """Yield a warning that names the pages with printed text that could not be read."""
    if unread:
        package = "" if find_spec("tesserocr") else "the package tesserocr and "
        pages = f"page{'s' * (len(unread) > 1)} {page_numbers(unread)}"
        yield (
            f"Printed text that cannot be read: {sum(unread.values())} lines on {pages} (OCR reads "
            f"{', '.join([READABLE, *languages])}; other scripts with {package}Tesseract's data of their language, "
            "such as Debian's tesseract-ocr-rus)."
        )


def _lost_print(page: int, kind: str, message: str, *, transient: bool = False) -> FailedPage:
    """Return the failure of a page that was read without its printed text. With more memory free it may be read."""
    message = f"Its printed text is lost: {message}"
    return FailedPage(page=page, kind=kind, message=message, transient=transient or kind == OutOfMemory.kind)


def _no_page_error(lost: Sequence[FailedPage]) -> Failure:
    """Return the error when no page was read: that of the first transient page, else an unreadable document."""
    transient = next((page for page in lost if page.transient), None)
    shown = transient or lost[0]
    message = f"No page could be read; page {shown.page}: {shown.message}"
    if transient:
        return KINDS[transient.kind](message, advice=_RETRY_ADVICE)
    if shown.kind == TooSlow.kind:
        return TooSlow(message, advice=_SLOW_ADVICE)
    return UnreadableDocument(message, advice="Export the PDF again, or repair it with a PDF tool.")


# --- restarting the child ---------------------------------------------------------------------------------------------


def _request(do: str, path: Path) -> dict[str, Any]:
    return {"do": do, "path": str(path)}


def _page_seconds(path: Path, settings: ReadSettings) -> float:
    """Return the processor time that a page of a file may take: one of a small file has little to be read."""
    return settings.page_seconds * min(1.0, LEAST_PART + _size(path) / WHOLE_BYTES)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@contextmanager
def _answers(
    request: dict[str, Any],
    pages: Sequence[int],
    settings: ReadSettings,
    progress: Progress | None = None,
) -> Iterator[Generator[Frame]]:
    """Yield the answers of a new child process, which ends with the block."""
    with (
        Child(reader_module(settings), memory_mb=settings.child_memory_mb) as child,
        closing(_stream_restarting(child, request, pages, settings, progress)) as answers,
    ):
        yield answers


def _is_at_fault(crashes: Sequence[CrashedWorker]) -> bool:
    """Return whether the input is proven to be the cause: each fresh child crashed on it without being killed."""
    return len(crashes) >= TRIES and all(crash.by_itself for crash in crashes)


def _stream_restarting(
    child: Child,
    request: dict[str, Any],
    pages: Sequence[int],
    settings: ReadSettings,
    progress: Progress | None = None,
) -> Generator[Frame]:
    """Return the answers for all `pages`, and restart the child when it crashes.

    The picture or page in progress at a crash is tried again in a fresh child. After its second crash, or when a child
    works or is silent for too long, the answer is `failure` for the picture, or `lost` for the page, and a new child
    continues with the next. When the whole takes too long (the limit grows with each finished page), the remaining
    pages are lost, too.
    """
    pages_left, after = deque(pages), -1
    crashes: list[CrashedWorker] = []  # crashes at the picture or page in progress
    size, seconds = _size(Path(request["path"])), _page_seconds(Path(request["path"]), settings)
    more_seconds = settings.page_seconds * PER_PAGE * min(1.0, size / (PAGE_BYTES * max(1, len(pages))))
    most_seconds = child.processor_seconds() + seconds * SPARE
    if progress:
        progress(0, len(pages), "")
    while pages_left and child.processor_seconds() <= most_seconds:
        frames: list[Frame] = []  # held until the picture or page is complete, so that a retry does not answer twice
        request_left = {**request, "pages": list(pages_left), "after": after}
        try:
            with closing(child.stream(request_left, seconds=seconds)) as stream:
                for answer, payload in stream:
                    frames.append((answer, payload))
                    if progress and answer.get("whole") is False:
                        progress(len(pages) - len(pages_left), len(pages), PRINT)
                    if not answer.keys() & {"done", "lost", "number"}:
                        continue
                    yield from frames
                    frames.clear()
                    crashes.clear()
                    if "number" in answer:
                        after = answer["number"]
                    else:
                        pages_left.popleft()
                        after = -1
                        most_seconds += more_seconds
                    if progress:
                        progress(len(pages) - len(pages_left), len(pages), "")
                    if child.processor_seconds() > most_seconds:
                        break
        except (CrashedWorker, ProviderTimeout, TooSlow) as failure:
            if isinstance(failure, CrashedWorker):
                crashes.append(failure)
                if len(crashes) < TRIES:
                    continue
            yield from frames
            details = {"kind": failure.kind, "message": failure.message}
            last = frames[-1][0] if frames else {}
            if "begun" in last:
                after = last["begun"]
                yield {"page": last["page"], "number": after, "failure": details}, b""
            else:
                transient = not (isinstance(failure, TooSlow) or _is_at_fault(crashes))
                yield {"page": pages_left.popleft(), "lost": {**details, "transient": transient}}, b""
                after = -1
            crashes.clear()
            if progress:
                progress(len(pages) - len(pages_left), len(pages), "")
    for page in pages_left:
        lost = {"kind": TooSlow.kind, "message": "The document takes too long as a whole."}
        yield {"page": page, "lost": lost}, b""
