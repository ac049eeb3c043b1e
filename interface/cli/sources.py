"""What `ingest` was pointed at, said before anything heavy is imported."""

from collections.abc import Iterable
from pathlib import Path

from interface.cli.terminal import clean, err, megabytes, note, out, say_failure
from swatchbook.errors import Failure, InvalidReference, UnsupportedFormat


def find_sources(paths: Iterable[Path], *, quiet: bool) -> tuple[list[Path], list[int]]:
    """The files to take in, each once and said in one line; and the exit codes of the paths that are none."""
    found: dict[Path, Path] = {}
    codes: list[int] = []
    for path in paths:
        try:
            found |= {file.absolute(): file for file in expand(path)}
        except Failure as failure:
            codes.append(say_failure(failure))
    console = err() if quiet else out()
    for file in found.values():
        console.print(f"{clean(file.name)} · {megabytes(file.stat().st_size)}", soft_wrap=True)
    return list(found.values()), codes


def expand(path: Path) -> list[Path]:
    """A file as it is, a folder as the PDFs directly in it. Raises InvalidReference, UnsupportedFormat."""
    try:
        if not path.exists():
            raise InvalidReference(f"{path}: no such file.", advice="Check the path.")
        if not path.is_dir():
            return [path]
        found = sorted(p for p in path.iterdir() if p.suffix.lower() == ".pdf" and p.is_file())
    except PermissionError as error:
        raise InvalidReference(f"{path}: permission denied.", advice="Check its owner and mode.") from error
    except OSError as error:  # a name too long, a share that is gone
        raise InvalidReference(f"{path}: {error.strerror}.", advice="Check the path.") from error
    if not found:
        raise UnsupportedFormat(f"{path}: no PDF in this folder.", advice="Give PDF files, or a folder with some.")
    note(f"{path}: {len(found)} PDF{'s' if len(found) > 1 else ''}; other files and subfolders are left alone")
    return found
