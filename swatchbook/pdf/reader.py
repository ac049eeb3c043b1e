"""PDFs from the parent's side: limits, time, a restart behind whatever kills the child, progress.

Nothing here opens a PDF; `swatchbook.pdf.child` does, in a process that may be lost.
"""

import hashlib
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from swatchbook.catalogue.pictures import Running, Sighting, caption, nearby, place, running_lines, speaking_lines
from swatchbook.errors import (
    KINDS,
    CrashedWorker,
    Failure,
    FileMissing,
    InvalidReference,
    OutOfMemory,
    ProviderTimeout,
    TooLarge,
    UnreadableDocument,
    as_failure,
)
from swatchbook.images.limits import ImageLimits
from swatchbook.pdf.limits import HEAD_BYTES, is_pdf
from swatchbook.records import Box, Extraction, FailedPage, Page, Picture, Plan, Reading, Table, Tables, Unreadable
from swatchbook.runtime.child import TRIES, Child, Frame
from swatchbook.settings import Settings
from swatchbook.storage.files import Files
from swatchbook.truncate import truncate

CHILD = "swatchbook.pdf.child"
MIB = 1 << 20
SPARE, PER_PAGE = 3.0, 0.1  # a whole pass may take page_seconds × (SPARE + PER_PAGE × pages)
KEPT_WARNINGS = 100

_MAY_PASS = (ProviderTimeout.kind, CrashedWorker.kind)
"""How a picture fails that takes its child along: it may be the machine's fault, busy or short of memory."""

_LESS_BUSY = "Try again when the machine is less busy and has memory to spare."

Progress = Callable[[int, int], None]
"""Called with pages done and pages in all, after each page, picture and loss."""


def read(
    path: Path, files: Files, settings: Settings, *, progress: Progress | None = None, module: str = CHILD
) -> Reading:
    """One pass over all pages: text, styles, picture census, outline. Lost pages are named in the result.

    Raises UnreadableDocument, EncryptedDocument, TooLarge, FileMissing, InvalidReference, DiskFull, and where no page
    could be read but may be later: CrashedWorker, ProviderTimeout.
    """
    content = check_file(path, settings)
    boxes: dict[int, Box] = {}
    tables: list[int] = []
    margins: Counter[tuple[str, int]] = Counter()
    lost: list[FailedPage] = []
    with Child(module, memory_mb=settings.child_memory_mb) as child:
        opened = _open(child, path, settings)
        warnings = list(opened["warnings"])
        numbers = range(1, opened["page_count"] + 1)
        try:
            settings.incoming.mkdir(parents=True, exist_ok=True)
            with (
                tempfile.NamedTemporaryFile("wb", suffix=".jsonl", dir=settings.incoming) as file,
                closing(_survive(child, _request("read", path), numbers, settings, progress)) as answers,
            ):
                for answer, payload in answers:
                    if "box" in answer:
                        boxes[answer["page"]] = answer["box"]
                        tables += [answer["page"]] if answer["has_table"] else []
                        margins.update((text, place) for text, place in answer["margins"])
                        warnings += [f"Page {answer['page']}: {said}" for said in answer["warnings"]]
                        file.write(payload + b"\n")
                    elif "lost" in answer and answer["page"] not in boxes:
                        lost.append(FailedPage(page=answer["page"], **answer["lost"]))
                file.flush()
                if not boxes:
                    raise _none_read(lost)
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
        running=tuple(sorted(running_lines(margins))),
        lost=tuple(lost),
        warnings=truncate(warnings, KEPT_WARNINGS),
    )


def iterate(files: Files, reading: Reading, *, pages: Collection[int] | None = None) -> Iterator[Page]:
    """The pages of a reading (or these of them) in order, one at a time. Raises FileMissing."""
    with files.local(reading.pages_file) as path, path.open("rb") as lines:
        for number, line in zip(sorted(reading.page_boxes), lines, strict=True):  # a line for each page that was read
            if pages is None or number in pages:
                yield Page.model_validate_json(line)


def tables(
    path: Path,
    pages: Sequence[int],
    settings: Settings,
    *,
    progress: Progress | None = None,
    module: str = CHILD,
) -> Tables:
    """Tables on these pages (0.2 s a page: ask only for the `table_pages` of a reading).

    Pages that fail are named as lost; those that the second reader stood in for, as warnings.
    """
    if not pages:
        return Tables()
    found: list[Table] = []
    lost: list[FailedPage] = []
    warnings: list[str] = []
    with Child(module, memory_mb=settings.child_memory_mb) as child:
        for answer, _ in _survive(child, _request("tables", path), sorted(pages), settings, progress):
            if "tables" in answer:
                found += [Table.model_validate(table) for table in answer["tables"]]
                warnings += [f"Page {answer['page']}: {said}" for said in answer["warnings"]]
            if "lost" in answer:
                said = f"Its tables are lost: {answer['lost']['message']}"
                lost.append(FailedPage(page=answer["page"], **{**answer["lost"], "message": said}))
    return Tables(tables=tuple(found), lost=tuple(lost), warnings=truncate(warnings, KEPT_WARNINGS))


def render(
    path: Path, pages: Sequence[int], settings: Settings, *, side: int, module: str = CHILD
) -> Iterator[tuple[int, bytes | FailedPage]]:
    """These pages as JPEG, longest side `side` pixels, one at a time; one that cannot be painted is lost."""
    if not pages:
        return
    request = {**_request("render", path), "side": side}
    with (
        Child(module, memory_mb=settings.child_memory_mb) as child,
        closing(_survive(child, request, sorted(pages), settings)) as answers,
    ):
        for answer, payload in answers:
            if "rendered" in answer:
                yield answer["page"], payload
            elif "lost" in answer:
                yield answer["page"], FailedPage(page=answer["page"], **answer["lost"])


def extract(
    path: Path,
    document: str,
    reading: Reading,
    plan: Plan,
    files: Files,
    settings: Settings,
    *,
    progress: Progress | None = None,
    module: str = CHILD,
) -> Extraction:
    """Pictures of the planned pages, stored and deduplicated by content, and where they stand.

    `document` is the id that placements are named under. A picture that cannot be had is `Unreadable` and keeps its
    placement; a page that cannot is in `lost`.
    """
    gone = {page.page for page in reading.lost}
    numbers = [number for number in sorted(plan.shown) if number not in gone]
    found = _Found(files, iterate(files, reading, pages=set(numbers)), frozenset(reading.running))
    if numbers:
        request = {**_request("extract", path), "limits": ImageLimits.of(settings), "content": reading.content}
        with (
            Child(module, memory_mb=settings.child_memory_mb) as child,
            closing(_survive(child, request, numbers, settings, progress)) as answers,
        ):
            for answer, payload in answers:
                found.take(answer, payload)
    return Extraction(
        pictures=tuple(found.pictures.values()),
        placements=place(document, found.sightings),
        unreadable=tuple(found.unreadable.values()),
        lost=tuple(found.lost),
        warnings=truncate(found.warnings, KEPT_WARNINGS),
    )


class _Found:
    """What an extraction has gathered so far."""

    def __init__(self, files: Files, pages: Iterator[Page], running: Running) -> None:
        self.pictures: dict[str, Picture] = {}
        self.unreadable: dict[str, Unreadable] = {}
        self.sightings: list[Sighting] = []
        self.lost: list[FailedPage] = []
        self.warnings: list[str] = []
        self._files = files
        self._pages = pages
        self._running = running
        self._page: Page | None = None
        self._begun: dict[str, Any] = {}

    def take(self, answer: dict[str, Any], payload: bytes) -> None:
        if "begun" in answer:
            self._begun = answer
        elif "number" in answer:
            self._sight(answer, payload)
        elif "lost" in answer:
            self.lost.append(FailedPage(page=answer["page"], **answer["lost"]))
        else:
            self.warnings += [f"Page {answer['page']}: {said}" for said in answer.get("warnings", ())]

    def _sight(self, answer: dict[str, Any], payload: bytes) -> None:
        begun, failure = self._begun, answer.get("failure")
        key = begun["key"] if failure else answer["content_key"]
        if failure:
            self.unreadable[key] = Unreadable(content_key=key, **failure)
            if failure["kind"] in _MAY_PASS:  # this result is not one to keep
                self.lost.append(FailedPage(page=begun["page"], **failure, transient=True))
        elif key not in self.pictures:
            facts = {name: answer[name] for name in ("width", "height", "mode", "passed_through", "phash")}
            stored = self._files.put_bytes(payload, answer["suffix"])
            self.pictures[key] = Picture(content_key=key, file=stored, **facts)
        sighting = begun["sighting"]
        lines = speaking_lines(self._read(begun["page"]), self._running)
        self.sightings.append(
            Sighting(
                **sighting,
                opaque=answer.get("mode") in ("L", "RGB"),
                content_key=key,
                phash=answer.get("phash"),
                tone=answer.get("tone"),
                caption=caption(sighting["bbox"], lines),
                nearby_text=nearby(sighting["bbox"], lines),
            )
        )

    def _read(self, number: int) -> Page:
        """Pages come in order, so the file is read along once."""
        while self._page is None or self._page.number < number:
            self._page = next(self._pages)
        return self._page


# --- the file ---------------------------------------------------------------------------------------------------------


def check_file(path: Path, settings: Settings) -> str:
    """SHA-256 of a file that may be a PDF within the limits; nothing is parsed.

    Raises FileMissing, InvalidReference (no rights), TooLarge, UnreadableDocument.
    """
    try:
        size = path.stat().st_size
        if size > settings.max_document_mb * MIB:
            raise TooLarge(
                f"The document has {size / MIB:.0f} MiB; {settings.max_document_mb} are allowed.",
                advice="Split it, or raise SWATCHBOOK_MAX_DOCUMENT_MB.",
            )
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            file.seek(0)
            content = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise FileMissing(f"There is no file {path.name}.", advice="Check the path.") from None
    except (PermissionError, IsADirectoryError) as error:
        raise InvalidReference(f"{path.name} cannot be read: {error.strerror}.", advice="Check its rights.") from None
    if not size:
        raise UnreadableDocument("The file is empty.", advice="Fetch or export it again.")
    if not is_pdf(head):
        raise UnreadableDocument("The file is not a PDF.", advice="Export the catalogue as PDF.")
    return content


def _open(child: Child, path: Path, settings: Settings) -> dict[str, Any]:
    try:
        opened = _described(child, path, settings)
    except OutOfMemory as error:
        raise TooLarge(
            f"Opening the PDF takes more than {settings.child_memory_mb} MiB.",
            advice="Raise SWATCHBOOK_CHILD_MEMORY_MB, or split the document.",
        ) from error
    if opened["page_count"] > settings.max_pages:
        raise TooLarge(
            f"The document has {opened['page_count']} pages; {settings.max_pages} are allowed.",
            advice="Split it, or raise SWATCHBOOK_MAX_PAGES.",
        )
    return opened


def _described(child: Child, path: Path, settings: Settings) -> dict[str, Any]:
    """What the child says of the document as a whole; asked again where it dies."""
    deaths: list[CrashedWorker] = []
    while len(deaths) < TRIES:
        try:
            return child.ask({"do": "open", "path": str(path)}, seconds=settings.page_seconds)[0]
        except CrashedWorker as death:
            deaths.append(death)
    if _at_fault(deaths):
        raise UnreadableDocument(f"The PDF crashes its parser. {deaths[-1]}", advice="Export it again.")
    raise CrashedWorker(f"The PDF could not be opened: {deaths[-1]}", advice=_LESS_BUSY)


def _none_read(lost: Sequence[FailedPage]) -> Failure:
    """Why there is no reading: the first page that may be read later decides, and where there is none, the document."""
    transient = next((page for page in lost if page.transient), None)
    shown = transient or lost[0]
    message = f"No page could be read; page {shown.page}: {shown.message}"
    if transient:
        return KINDS[transient.kind](message, advice=_LESS_BUSY)
    return UnreadableDocument(message, advice="Export the PDF again, or repair it with a PDF tool.")


# --- a child that may be lost -----------------------------------------------------------------------------------------


def _request(do: str, path: Path) -> dict[str, Any]:
    return {"do": do, "path": str(path)}


def _at_fault(deaths: Sequence[CrashedWorker]) -> bool:
    """Whether what the children worked on is proven at fault: each fresh one that tried it crashed by itself."""
    return len(deaths) >= TRIES and all(death.by_itself for death in deaths)


def _survive(
    child: Child, request: dict[str, Any], pages: Sequence[int], settings: Settings, progress: Progress | None = None
) -> Generator[Frame]:
    """All answers over `pages`, whatever the child dies of.

    The picture or page under way at a death is tried again in a fresh child. At its second death, or when the child is
    silent for too long, the picture is answered for with `failure`, or else the page with `lost`, and a new child goes
    on behind it. When the whole takes too long (it grows with the pages), the rest is lost, as passing.
    """
    todo, after = deque(pages), -1
    deaths: list[CrashedWorker] = []  # at the picture or page under way
    until = time.monotonic() + settings.page_seconds * (SPARE + PER_PAGE * len(pages))
    while todo and time.monotonic() <= until:
        held: list[Frame] = []  # until the picture or page is whole: one that is tried again is answered once
        asked = {**request, "pages": list(todo), "after": after}
        try:
            with closing(child.stream(asked, seconds=settings.page_seconds)) as stream:
                for answer, payload in stream:
                    held.append((answer, payload))
                    if not answer.keys() & {"done", "lost", "number"}:
                        continue
                    yield from held
                    held.clear()
                    deaths.clear()
                    if "number" in answer:
                        after = answer["number"]
                    else:
                        todo.popleft()
                        after = -1
                    if progress:
                        progress(len(pages) - len(todo), len(pages))
                    if time.monotonic() > until:
                        break
        except (CrashedWorker, ProviderTimeout) as failure:
            if isinstance(failure, CrashedWorker):
                deaths.append(failure)
                if len(deaths) < TRIES:
                    continue
            yield from held
            what = {"kind": failure.kind, "message": failure.message}
            under_way = held[-1][0] if held else {}
            if "begun" in under_way:
                after = under_way["begun"]
                yield {"page": under_way["page"], "number": after, "failure": what}, b""
            else:
                yield {"page": todo.popleft(), "lost": {**what, "transient": not _at_fault(deaths)}}, b""
                after = -1
            deaths.clear()
            if progress:
                progress(len(pages) - len(todo), len(pages))
    for page in todo:
        lost = {"kind": ProviderTimeout.kind, "message": "The document took too long as a whole.", "transient": True}
        yield {"page": page, "lost": lost}, b""
