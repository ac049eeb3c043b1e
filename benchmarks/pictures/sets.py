"""The sets of pictures: where each is in its public repository, its SHA-256 and its class; and obtaining them."""

import hashlib
import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from devtools.obtain_truth import git
from swatchbook.domain.records import Record, Sha256

HERE: Final = Path(__file__).parent
_ID_DIGITS: Final = 12  # of the SHA-256, by which a picture is named


class PictureSet(Record):
    """Pictures of one repository: SHA-256, class and path of each."""

    repo: str
    commit: str
    licence: str
    pictures: tuple[tuple[Sha256, str, str], ...]

    @property
    def classes(self) -> Mapping[str, str]:
        """Return id of a picture -> its class."""
        return {sha256[:_ID_DIGITS]: of_class for sha256, of_class, _ in self.pictures}

    @property
    def digest(self) -> str:
        """Return a digest of the pictures and classes: scores of others do not compare."""
        return hashlib.sha256(json.dumps(sorted(self.classes.items())).encode()).hexdigest()[:16]


class Pictures(NamedTuple):
    """The pictures of a set on this machine, in one order."""

    name: str
    ids: Sequence[str]
    files: Sequence[Path]
    classes: Sequence[str]


@cache
def picture_sets() -> Mapping[str, PictureSet]:
    """Return name -> set."""
    files = sorted((HERE / "sets").glob("*.json"))
    return {file.stem: PictureSet.model_validate_json(file.read_bytes()) for file in files}


def pictures_in(folder: Path, name: str) -> Pictures:
    """Return the pictures of a set that were obtained into a folder."""
    found = [
        (sha256[:_ID_DIGITS], file_of(folder, name, sha256, path), of_class)
        for sha256, of_class, path in picture_sets()[name].pictures
    ]
    there = [each for each in found if each[1].exists()]
    return Pictures(name, [each[0] for each in there], [each[1] for each in there], [each[2] for each in there])


def file_of(folder: Path, name: str, sha256: str, path: str) -> Path:
    """Return where a picture is put, without its class: a system must not see it."""
    return folder / name / f"{sha256[:_ID_DIGITS]}{Path(path).suffix.lower()}"


def obtain(folder: Path, name: str, address: str) -> Iterator[str]:
    """Fetch the pictures of a set that are not there; yield a line for each that could not be."""
    wanted = picture_sets()[name]
    missing = [(s, path) for s, _, path in wanted.pictures if not file_of(folder, name, s, path).exists()]
    if not missing:
        return
    (folder / name).mkdir(parents=True, exist_ok=True)
    try:
        with _repository(wanted, address) as repository:
            for sha256, path in missing:
                data = git(repository, "cat-file", "blob", f"{wanted.commit}:{path}")
                if hashlib.sha256(data).hexdigest() == sha256:
                    file_of(folder, name, sha256, path).write_bytes(data)
                else:
                    yield f"{path} at {wanted.commit[:8]} is another file: its SHA-256 differs"
    except subprocess.CalledProcessError as error:
        yield f"{wanted.repo}: {' '.join(error.stderr.decode(errors='replace').split())}"


@contextmanager
def _repository(wanted: PictureSet, address: str) -> Iterator[str]:
    """Give a repository with the commit of a set: one in a folder of repositories as it is, another one fetched."""
    if Path(address).is_dir():
        yield str(Path(address) / wanted.repo)
        return
    with tempfile.TemporaryDirectory() as copy:
        git(copy, "init", "--bare", "--quiet")
        git(copy, "fetch", "--quiet", "--depth=1", f"{address.rstrip('/')}/{wanted.repo}", wanted.commit)
        yield copy
