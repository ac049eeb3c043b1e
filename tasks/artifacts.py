"""Artifacts of documents in Prefect's UI: their keys, and how those of deleted documents are deleted."""

import asyncio
import re
from contextlib import suppress

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactCollectionSort
from prefect.exceptions import ObjectNotFound

from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.stored_documents import document_statuses
from swatchbook.store.ledger.trashed_documents import list_trash
from swatchbook.tasks.prefect_client import PAGE

PROGRESS, REPORT, FAILURES = "progress", "report", "failures"

_KEY = re.compile(rf"(?:{PROGRESS}|{REPORT}|{FAILURES})-([0-9a-f-]{{36}})")


def artifact_key(kind: str, document: str) -> str:
    """Return the key of a document's artifact. `kind`: PROGRESS, REPORT or FAILURES."""
    return f"{kind}-{document}"


async def delete_left_artifacts(client: PrefectClient, ledger: Ledger) -> int:
    """Delete the artifacts of documents that are not here any more, of all their runs; return their number."""
    shown, offset = dict[str, str](), 0
    while page := await client.read_latest_artifacts(limit=PAGE, offset=offset, sort=ArtifactCollectionSort.KEY_ASC):
        shown |= {each.key: found[1] for each in page if (found := _KEY.fullmatch(each.key))}
        offset += len(page)
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
