"""What the core asks about object stores as sources: `swatchbook/buckets.py` has the contract."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from swatchbook.buckets import Copied, EventRound
from swatchbook.domain.settings import Settings
from swatchbook.resources import Resources
from swatchbook_buckets.bucket_copy import ObjectCopier, copied_folders, copy_bucket, remove_unused
from swatchbook_buckets.take_events import take_events, takes


class ObjectStores:
    """Copies of buckets, and the events of their stores."""

    def copy(self, settings: Settings, url: str, *, progress: Callable[[int, int], None]) -> Copied:
        """Copy what can be ingested below a URL. Raises what `copy_bucket` raises."""
        wanted = partial(takes, suffixes=settings.image_suffixes)
        return copy_bucket(settings, url, takes=wanted, progress=progress)

    def folder_of(self, settings: Settings, url: str) -> Path:
        """Return the folder of the copies of a URL."""
        return ObjectCopier(settings, url).folder

    def copied_folders(self, home: Path) -> list[Path]:
        """Return the folders with what was copied, one for each URL."""
        return copied_folders(home)

    def remove_unused(self, folder: Path, *, before: float, dry_run: bool) -> tuple[int, int]:
        """Delete what was copied from a URL if it was last used before a time; return number and bytes of files."""
        return remove_unused(folder, before=before, dry_run=dry_run)

    def take_events(self, resources: Resources) -> EventRound:
        """Store the messages of all queues, and register the objects of the events that are due."""
        return take_events(resources)
