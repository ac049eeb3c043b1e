"""Artifacts of documents in Prefect's UI: their keys, and how those of deleted documents are deleted.

The ledger remembers a deleted document until its artifacts are gone (`store/ledger/deleted_documents.py`): where
Prefect does not answer, the next round of the loop or `gc` deletes them.
"""

import asyncio
import logging
from contextlib import suppress
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.exceptions import ObjectNotFound

from swatchbook.store.ledger.database import Ledger, portions
from swatchbook.store.ledger.deleted_documents import list_deleted, mark_cleared
from swatchbook.tasks.prefect_client import PAGE

log = logging.getLogger(__name__)

PROGRESS, REPORT, FAILURES = _KINDS = ("progress", "report", "failures")


def artifact_key(kind: str, document: str) -> str:
    """Return the key of a document's artifact. `kind`: PROGRESS, REPORT or FAILURES."""
    return f"{kind}-{document}"


async def delete_left_artifacts(client: PrefectClient, ledger: Ledger, *, again: bool = False) -> int:
    """Delete the artifacts of deleted documents, of all their runs; return their number.

    `again`: also look for what was made after their artifacts were deleted, by a run that was ending.
    """
    count = 0
    for some in portions(await asyncio.to_thread(list_deleted, ledger, again=again), PAGE // len(_KINDS)):
        keys = [artifact_key(kind, document) for document in some for kind in _KINDS]
        found = await _ids(client, keys)
        count += len(found)
        for id in found:
            with suppress(ObjectNotFound):  # another process was quicker
                await client.delete_artifact(id)
        await asyncio.to_thread(mark_cleared, ledger, some)
    return count


async def clear_deleted(ledger: Ledger) -> None:
    """Do what `delete_left_artifacts` does on the server that this process uses. An error is only logged."""
    try:
        async with get_client() as client:
            await delete_left_artifacts(client, ledger)
    except Exception:  # what Prefect shows must not stop the work
        log.warning("artifacts of deleted documents could not be deleted", exc_info=True)


async def _ids(client: PrefectClient, keys: list[str]) -> list[UUID]:
    """Return the ids of all artifacts with these keys, reading page by page."""
    ids, wanted = list[UUID](), ArtifactFilter(key=ArtifactFilterKey(any_=keys))
    while page := await client.read_artifacts(artifact_filter=wanted, limit=PAGE, offset=len(ids)):
        ids += [artifact.id for artifact in page]
    return ids
