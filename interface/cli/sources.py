"""List the sources of an ingest, each once, in the order of the paths that name them.

They are printed before slow imports. `pipeline/find_sources.py` decides which source a file belongs to.
"""

from collections.abc import Collection, Iterable
from pathlib import Path

from interface.cli.terminal import clean, err, megabytes, note, out, say_failure
from swatchbook.errors import Failure
from swatchbook.ledger.documents import BATCH, FOLDER, PDF
from swatchbook.pipeline import find_sources
from swatchbook.pipeline.find_sources import Source


def name_sources(paths: Iterable[Path], suffixes: Collection[str], *, quiet: bool) -> tuple[list[Source], list[int]]:
    """Return the sources to ingest without duplicates, and the exit codes of invalid paths. Prints a line for each."""
    sources: dict[Path, Source] = {}
    codes: list[int] = []
    for path in paths:
        try:
            sources |= {source.path.absolute(): source for source in expand(path, suffixes)}
        except Failure as failure:
            codes.append(say_failure(failure))
    console = err() if quiet else out()
    for source in sources.values():
        what = megabytes(source.path.stat().st_size) if source.path.is_file() else _WORDS[source.kind][0]
        console.print(f"{clean(source.path.name or str(source.path.absolute()))} · {what}", soft_wrap=True)
    return list(sources.values()), codes


def expand(path: Path, suffixes: Collection[str]) -> list[Source]:
    """Return the sources at a path. Raises InvalidReference, and UnsupportedFormat for a folder without any."""
    found = find_sources.find_sources(path, suffixes)
    if not found:
        raise find_sources.nothing_in(path)
    if path.is_dir():
        counts = {kind: sum(source.kind == kind for source in found) for kind in _WORDS}
        words = ", ".join(f"{count:,} {_WORDS[kind][count > 1]}" for kind, count in counts.items() if count)
        note(f"{path}: {words}; other files are ignored")
    return found


_WORDS = {
    PDF: ("PDF", "PDFs"),
    BATCH: ("scraped batch", "scraped batches"),
    FOLDER: ("folder of pictures", "folders of pictures"),
}
"""Kind of document -> one, several."""
