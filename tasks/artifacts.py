"""Artifacts of documents in Prefect's UI: their keys, and how those of deleted documents are deleted."""

import asyncio
from contextlib import suppress

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    ArtifactCollectionFilter,
    ArtifactCollectionFilterKey,
    ArtifactFilter,
    ArtifactFilterKey,
)
from prefect.client.schemas.sorting import ArtifactCollectionSort
from prefect.exceptions import ObjectNotFound

from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.stored_documents import document_statuses
from swatchbook.store.ledger.trashed_documents import list_trash
from swatchbook.tasks.prefect_client import PAGE

PROGRESS, REPORT, FAILURES = "progress", "report", "failures"

_OURS = "swatchbook-"  # others' flows on the same server have artifacts, too


def artifact_key(kind: str, document: str) -> str:
    """Return the key of a document's artifact. `kind`: PROGRESS, REPORT or FAILURES."""
    return f"{_OURS}{kind}-{document}"


async def delete_left_artifacts(client: PrefectClient, ledger: Ledger) -> int:
    """Delete the artifacts of documents that are not here any more, of all their runs; return their number."""
    ours = ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(like_=f"{_OURS}%"))
    found = list[str]()
    while page := await client.read_latest_artifacts(
        artifact_filter=ours, limit=PAGE, offset=len(found), sort=ArtifactCollectionSort.KEY_ASC
    ):
        found += [each.key for each in page if each.key]
    shown = {key: key.removeprefix(_OURS).partition("-")[2] for key in found}
    kept = await asyncio.to_thread(document_statuses, ledger, set(shown.values()))
    trashed = {each.document for each in await asyncio.to_thread(list_trash, ledger)}
    count = 0
    for key, document in shown.items():
        this = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
        while document not in kept and document not in trashed:
            left = await client.read_artifacts(artifact_filter=this, limit=PAGE)
            for artifact in left:
                with suppress(ObjectNotFound):  # another process was quicker
                    await client.delete_artifact(artifact.id)
            count += len(left)
            if len(left) < PAGE:
                break
    return count
