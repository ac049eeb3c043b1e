"""The keys of stored files: `<sha256><suffix>`, and where a store has each."""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

from swatchbook.domain.errors import InvalidReference

KEY = re.compile(r"^[0-9a-f]{64}(\.[a-z0-9]{1,8})?$")

ADVICE = "Set SWATCHBOOK_HOME to a folder that you may write to, or SWATCHBOOK_FILES_URL to a file store that answers."


class StoredFile(NamedTuple):
    """Size in bytes and time of the last write, in Unix seconds, of a stored file."""

    size: int
    modified: float


def place_of(key: str) -> str:
    """Return where a key is, relative to its store. Raises InvalidReference for what is no key."""
    if not KEY.match(key):
        raise InvalidReference(f"{key!r} is not a key of the file store.")
    return f"{key[:2]}/{key}"


def is_whole(path: Path, key: str) -> bool:
    """Return whether the bytes of a file match a key, by reading all of them."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == key[:64]
