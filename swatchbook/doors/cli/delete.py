"""Ask before a delete (on a terminal, or --yes) and print a summary after it.

It serves `swatchbook delete` and `owners delete`. `store/ledger/document_commands.py` counts beforehand,
`ingest/delete.py` deletes.
"""

from swatchbook.domain.records import Deletion, Trashed
from swatchbook.doors.cli.shared_arguments import confirm
from swatchbook.doors.cli.terminal import COMPLETED, OPEN, note, owner_flag, say_json
from swatchbook.ingest import delete
from swatchbook.resources import Resources
from swatchbook.store.ledger.document_commands import count_deletion
from swatchbook.store.ledger.stored_documents import Document, all_documents
from swatchbook.store.ledger.trashed_documents import get_trashed
from swatchbook_base.truncate import plural


def delete_document(resources: Resources, document: Document, *, now: bool, yes: bool, as_json: bool) -> int:
    """Move a document to the trash, or with `now` delete it for good, after a question, unless `yes`.

    Return the exit code.
    """
    counted = count_deletion(resources.ledger, document.id)
    what = f"{document.name} ({document.id[:8]}, of {document.owner})"
    if not yes:
        _confirm(what, counted, f"Delete {document.name}?", now=now)
    finished = (delete.delete if now else delete.throw_away)(resources, document.id)
    now = now or get_trashed(resources.ledger, document.id) is None  # another process is deleting it for good
    named = {"document_id": document.id, "name": document.name, "owner": document.owner}
    return _tell(resources, named, counted, now=now, finished=finished, as_json=as_json)


def end_trashed(resources: Resources, trashed: Trashed, *, now: bool, yes: bool, as_json: bool) -> int:
    """Delete for good what is in the trash, after a question, unless `yes`; without `now` it stays.

    Return the exit code.
    """
    if now and not yes:
        what = f"{trashed.name} ({trashed.document[:8]}, of {trashed.owner})"
        confirm(
            f"{what} is in the trash. It cannot be restored any more afterwards.", f"Delete {trashed.name} for good?"
        )
    finished = now and delete.end(resources, trashed.document)
    named = {"document_id": trashed.document, "name": trashed.name, "owner": trashed.owner}
    return _tell(resources, named, None, now=now, finished=finished or not now, as_json=as_json)


def delete_owner(resources: Resources, owner: str, *, now: bool, yes: bool, as_json: bool) -> int:
    """Move all documents of an owner to the trash, or with `now` delete them for good, and thereby the owner.

    It asks before, unless `yes`. Return the exit code.
    """
    counted = count_deletion(resources.ledger, owner=owner)
    if counted.documents and not yes:
        question = f"Delete the owner {owner} with all documents?" if now else f"Delete all documents of {owner}?"
        _confirm(owner, counted, question, now=now)
    if now:
        finished = delete.delete_owner(resources, owner)
    else:
        thrown = [delete.throw_away(resources, each.id) for each in all_documents(resources.ledger, owner)]
        finished = all(thrown)
    return _tell(resources, {"owner": owner}, counted, now=now, finished=finished, as_json=as_json)


def _tell(
    resources: Resources, named: dict[str, str], counted: Deletion | None, *, now: bool, finished: bool, as_json: bool
) -> int:
    """Print what became of a document or owner; `finished` is False while the index still holds some of it."""
    what, flag = named.get("name", named["owner"]), owner_flag(named["owner"])
    had = _described(counted) if counted else "what it had"
    if as_json:
        say_json({**named, "finished": finished, "trash": not now, **(counted.model_dump() if counted else {})})
        return COMPLETED if finished else OPEN
    if now:
        note(f"{what}: {had} deleted{'' if finished else ', but not yet from the index'}.")
    else:
        document = named.get("document_id", "")[:8]
        back = f"bring it back: swatchbook trash restore {document}" if document else "see it: swatchbook trash"
        note(f"{what}: {had} in the trash for a day. To {back}{flag}")
    if not finished:
        note(f"The index still holds some of it. To finish: swatchbook fill failed{flag}")
    return COMPLETED if finished else OPEN


def _confirm(what: str, counted: Deletion, question: str, *, now: bool) -> None:
    goes = "deleted. Images that other documents use stay." if now else "in the trash for a day."
    confirm(f"{what}: {_described(counted)} will be {goes}", question)


def _described(counted: Deletion) -> str:
    return f"{plural(counted.documents, 'document')} and {plural(counted.images, 'image')}"
