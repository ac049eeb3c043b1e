"""What the core asks about object stores as sources: `swatchbook/buckets.py` has the contract."""

from collections.abc import Callable

from swatchbook.buckets import Copied
from swatchbook.domain.settings import Settings
from swatchbook_buckets.bucket_copy import copied_folders, copy_bucket, remove_unused
from swatchbook_buckets.take_events import take_events, takes


class ObjectStores:
    """Copies of buckets, and the events of their stores."""

    def copy(self, settings: Settings, url: str, *, progress: Callable[[int, int], None]) -> Copied:
        """Copy what can be ingested below a URL. Raises what `copy_bucket` raises."""
        return copy_bucket(settings, url, takes=takes, progress=progress)

    copied_folders = staticmethod(copied_folders)
    remove_unused = staticmethod(remove_unused)
    take_events = staticmethod(take_events)
