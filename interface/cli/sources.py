"""Which files an ingest takes: a file as it is; of a folder the PDFs directly in it, not those in subfolders; each
once. They are printed before slow imports.
"""

from collections.abc import Iterable
from pathlib import Path

from interface.cli.terminal import clean, err, megabytes, note, out, say_failure
from swatchbook.errors import Failure, InvalidReference, UnsupportedFormat


def find_sources(paths: Iterable[Path], *, quiet: bool) -> tuple[list[Path], list[int]]:
    """Return the files to ingest without duplicates, and the exit codes of invalid paths. Prints a line per file."""
    files: dict[Path, Path] = {}
    codes: list[int] = []
    for path in paths:
        try:
            files |= {file.absolute(): file for file in expand(path)}
        except Failure as failure:
            codes.append(say_failure(failure))
    console = err() if quiet else out()
    for file in files.values():
        console.print(f"{clean(file.name)} · {megabytes(file.stat().st_size)}", soft_wrap=True)
    return list(files.values()), codes


def expand(path: Path) -> list[Path]:
    """Return a file as it is, a folder as the PDFs directly in it. Raises InvalidReference, UnsupportedFormat."""
    try:
        if not path.exists():
            raise InvalidReference(f"{path}: no such file.", advice="Check the path.")
        if not path.is_dir():
            return [path]
        pdfs = sorted(p for p in path.iterdir() if p.suffix.lower() == ".pdf" and p.is_file())
    except PermissionError as error:
        raise InvalidReference(f"{path}: permission denied.", advice="Check its permissions.") from error
    except OSError as error:  # a name too long, a share that is gone
        raise InvalidReference(f"{path}: {error.strerror}.", advice="Check the path.") from error
    if not pdfs:
        raise UnsupportedFormat(f"{path}: no PDF in this folder.", advice="Name PDF files, or a folder with PDF files.")
    note(f"{path}: {len(pdfs)} PDF{'s' if len(pdfs) > 1 else ''}; other files and subfolders are ignored")
    return pdfs
