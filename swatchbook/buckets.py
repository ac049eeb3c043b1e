"""The seam to swatchbook-buckets: object stores as sources, and the events that announce new objects."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, cast

from swatchbook.domain.extras import missing_package
from swatchbook.domain.plugins import Kind, find, installed
from swatchbook.domain.records import Record

if TYPE_CHECKING:
    from swatchbook.domain.settings import Settings
    from swatchbook.resources import Resources

PACKAGE: Final = "swatchbook-buckets"
_NAME: Final = "buckets"


class Copied(Record):
    """What is there now: the path of the folder or file, the objects found, the ones copied now, and those left out."""

    path: Path
    found: int
    copied: int
    left_out: tuple[str, ...] = ()


class EventRound(Record):
    """How many objects one round registered, and what failed."""

    registered: int = 0
    troubles: tuple[str, ...] = ()


class Buckets(Protocol):
    """What copies from object stores and takes their events."""

    def copy(self, settings: "Settings", url: str, *, progress: Callable[[int, int], None]) -> Copied:
        """Copy what can be ingested below a URL into the home."""

    def copied_folders(self, home: Path) -> list[Path]:
        """Return the folders with what was copied, one for each URL."""

    def remove_unused(self, folder: Path, *, before: float) -> tuple[int, int]:
        """Delete what was copied if it was last used before a time (Unix seconds); return number and bytes of files."""

    def take_events(self, resources: "Resources") -> EventRound:
        """Register the objects of the events that are due. Raises LedgerDown."""


def find_buckets(what: str) -> Buckets:
    """Return what reads object stores. Raises MissingExtra, which says what needs it, if it is not installed."""
    if not has_buckets():
        raise missing_package(what, PACKAGE)
    return cast("Buckets", find(Kind.BUCKETS, _NAME).load()())


def has_buckets() -> bool:
    """Return whether the package is installed."""
    return bool(installed(Kind.BUCKETS))
