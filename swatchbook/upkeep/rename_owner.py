"""Rename an owner: the ledger at once, then what is published of the collection. Deleting one: `ingest/delete.py`."""

from collections.abc import Iterator

from swatchbook.domain.settings import PREFIX, Settings
from swatchbook.ingest.publish import publish_all
from swatchbook.resources import Resources
from swatchbook.store.ledger import owners
from swatchbook.store.ledger.owners import require_owner


def rename(resources: Resources, old: str, new: str) -> None:
    """Rename an owner, and publish its images and chunks under the new name. Repeating it does what is left to do.

    Until then searches of the new name find only what is published; the loop and `fill failed` publish the rest. Raises
    UnknownOwner, InvalidReference for a name that is in use, and IndexDown after the rename.
    """
    if not owners.rename(resources.ledger, old, new):
        require_owner(resources.ledger, old)
    publish_all(resources, at_most=resources.settings.outage_wait_seconds)


def settings_naming(settings: Settings, owner: str) -> Iterator[str]:
    """Yield the settings that name an owner: keys, webhook sources and event sources that are for it."""
    for name in ("api_keys", "webhook_sources"):
        if any(owner in each.owners for each in getattr(settings, name)):
            yield f"{PREFIX}{name.upper()}"
    if any(owner == each.owner for each in settings.event_sources):
        yield f"{PREFIX}EVENT_SOURCES"
