"""Reading a catalogue: text and census of pictures, with the child's start, against the same calls of PyMuPDF bare in
separate processes, against pdfplumber's words, against docling's parser, and against pymupdf4llm's layout mode. Also
the pictures of a page, two processes at once against one, and the printed text of scanned pages.

pdfplumber and docling's parser run in a separate environment in the cache folder, made when it is missing; docling as a
whole does not, as its models have to be downloaded. Its parser is asked for what we read, lines and places. The bare
calls are timed with the start of their process, and ours with the start of the child; of the other readers only the
work is timed.

Usage: python -m benchmarks.reading FILE   (prints the seconds of reading without OCR and with the question which
                                            rasters are worth it, then those of the pictures of each page)
       python -m benchmarks.reading ocr FILE   (prints the processor seconds of OCR of each page that is read so)
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory

_ROOT = Path(__file__).parents[1]
_READERS = ("pdfplumber==0.11.10", "docling-parse==7.23.1")
_WORDS_PAGES, _LAYOUT_PAGES = 20, 5  # they take tenths of a second a page
_AT_ONCE = 2
_SCANNED = 5  # every fifth page of the sample

_BARE = """
import pymupdf, sys
flags = pymupdf.TEXTFLAGS_DICT & ~pymupdf.TEXT_PRESERVE_IMAGES
for page in pymupdf.open(sys.argv[1]):
    page.get_text("dict", flags=flags), page.get_image_info(), page.get_bboxlog()
"""
_WORDS = """
import pdfplumber, sys, time
started = time.perf_counter()
with pdfplumber.open(sys.argv[1], pages=range(1, int(sys.argv[2]) + 1)) as document:
    for page in document.pages:
        page.extract_words()
print(time.perf_counter() - started)
"""
_PARSED = """
from docling_parse.pdf_parser import ContentConfig, ContentLevel, DoclingPdfParser
import sys, time
started = time.perf_counter()
document = DoclingPdfParser(loglevel="fatal").load(sys.argv[1])
wanted = ContentConfig(
    char_cells_content_level=ContentLevel.COMPUTE,
    word_cells_content_level=ContentLevel.SKIP,
    include_bitmap_bytes=False,
)
for number in range(1, int(sys.argv[2]) + 1):
    document.get_page(number, content_config=wanted)
print(time.perf_counter() - started)
"""
_LAYOUT = """
import pymupdf4llm, sys, time
started = time.perf_counter()
pymupdf4llm.to_json(sys.argv[1], pages=list(range(int(sys.argv[2]))), use_ocr=False)
print(time.perf_counter() - started)
"""


@dataclass(frozen=True)
class Measured:
    """Seconds: of all pages, or of one page; medians of the rounds."""

    ours: float  # without OCR, as the others
    asked: float  # ours, with the question which rasters are worth OCR
    bare: float
    page: float  # ours
    words_page: float  # pdfplumber
    parsed_page: float  # docling's parser
    layout_page: float  # pymupdf4llm
    pictures_page: float  # the median of all pages
    one: float  # reading and pictures in one process
    two: float  # the same in two processes at once
    printed_page: float  # OCR of a page of a scan: the mean, in processor seconds of one thread
    printed_most: float  # the page that takes longest


def measure(catalogue: Path, pages: int, rounds: int) -> Measured:
    """Measure all sides in turn, `rounds` times."""
    from benchmarks.peers import environment

    readers = str(environment("readers", _READERS))
    ours, asked, bare, words, parsed, layout, pictures, one, two = ([] for _ in range(9))  # type: ignore[var-annotated]
    for _ in range(rounds):
        bare.append(_run(sys.executable, "-c", _BARE, catalogue)[0])
        spent, printed = _run(sys.executable, "-m", "benchmarks.reading", catalogue)
        ours.append(printed[0])
        asked.append(printed[1])
        pictures.append(median(printed[2:]))
        one.append(spent)
        words.append(_run(readers, "-c", _WORDS, catalogue, _WORDS_PAGES)[1][0])
        parsed.append(_run(readers, "-c", _PARSED, catalogue, _WORDS_PAGES)[1][0])
        layout.append(_run(sys.executable, "-c", _LAYOUT, catalogue, _LAYOUT_PAGES)[1][0])
        started = time.monotonic()
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            list(threads.map(lambda _: _run(sys.executable, "-m", "benchmarks.reading", catalogue), range(_AT_ONCE)))
        two.append(time.monotonic() - started)
    with TemporaryDirectory() as folder:
        printed = _run(sys.executable, "-m", "benchmarks.reading", "ocr", scan_of(catalogue, Path(folder) / "scan.pdf"))
    return Measured(
        printed_page=mean(printed[1]),
        printed_most=max(printed[1]),
        ours=median(ours),
        asked=median(asked),
        bare=median(bare),
        page=median(ours) / pages,
        words_page=median(words) / _WORDS_PAGES,
        parsed_page=median(parsed) / _WORDS_PAGES,
        layout_page=median(layout) / _LAYOUT_PAGES,
        pictures_page=median(pictures),
        one=median(one),
        two=median(two),
    )


def _run(*command: object) -> tuple[float, list[float]]:
    """Return the wall seconds of a command that must succeed, and the numbers that it prints."""
    started = time.monotonic()
    done = subprocess.run([*map(str, command)], cwd=_ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command}: exit {done.returncode}\n{done.stderr[-3000:]}")
    return time.monotonic() - started, [float(word) for word in done.stdout.split() if word[0].isdigit()]


def scan_of(catalogue: Path, to: Path) -> Path:
    """Write every fifth page of a catalogue as a picture of the page, and return the file."""
    import pymupdf

    with pymupdf.open(catalogue) as document, pymupdf.open() as scan:
        for page in document.pages(0, document.page_count, _SCANNED):
            picture = page.get_pixmap(dpi=144).tobytes("jpeg")
            scan.new_page(width=page.rect.width, height=page.rect.height).insert_image(page.rect, stream=picture)
        scan.save(to)
    return to


def printed_seconds(catalogue: Path) -> Iterator[float]:
    """Yield the processor seconds of OCR of each page that is read so; the models are loaded before."""
    import pymupdf

    from swatchbook_catalogue.pdf.mupdf_document import MupdfDocument
    from swatchbook_catalogue.pdf.ocr_pages import PrintedText
    from swatchbook_catalogue.pdf.parser_child import read_page

    printed_text = PrintedText("auto")
    with pymupdf.open(catalogue) as document:
        for number in range(document.page_count + 1):
            answers = read_page(
                MupdfDocument(document), max(number, 1), printed_text
            )  # the first page twice: it loads the models
            known, _ = next(answers)
            started = time.process_time()
            if not known["whole"] and next(answers) and number:
                yield time.process_time() - started


def main(catalogue: Path) -> None:
    from swatchbook.domain.settings import Settings
    from swatchbook.store.files.file_store import open_files
    from swatchbook_catalogue.pdf import reader

    with TemporaryDirectory() as home:
        files = open_files(str(Path(home) / "files"))
        for ocr in ("off", "auto"):
            settings = Settings.model_validate({"home": home, "ocr": ocr})
            started = time.perf_counter()
            reading = reader.read(catalogue, files, settings)
            print(time.perf_counter() - started)
        ends = {0: time.perf_counter()}
        reader.extract(
            catalogue, range(1, reading.page_count + 1), reading.content, files, settings,
            progress=lambda done, *_: ends.setdefault(done, time.perf_counter()),
        )  # fmt: skip
        print(*(ends[done + 1] - ends[done] for done in range(1, reading.page_count)))


if __name__ == "__main__":
    if sys.argv[1] == "ocr":
        print(*printed_seconds(Path(sys.argv[2])))
    else:
        main(Path(sys.argv[1]))
