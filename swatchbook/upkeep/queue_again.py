"""Queue a document again, for what is missing or stale under the current settings, or because of its lost pictures.

Done items are kept.
"""

from collections.abc import Collection

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import DocumentStatus, LostState, Role
from swatchbook.ingest.register import build_request
from swatchbook.resources import Resources
from swatchbook.store.ledger import document_commands, page_findings
from swatchbook.store.ledger.page_findings import skipped_pages
from swatchbook.store.ledger.stored_documents import PDF, Document


def is_current(resources: Resources, document: Document) -> bool:
    """Return whether a document is completed with all that its options and the current settings request."""
    request = build_request(resources.settings, document.options)
    return document.status == DocumentStatus.COMPLETED and document.fingerprint == request.fingerprint


def regenerate(
    resources: Resources,
    document: Document,
    *,
    roles: frozenset[Role] = frozenset(),
    pages: Collection[int] = (),
    boxes: Collection[str] = (),
    by: str = "",
    force: bool = False,
) -> bool:
    """Queue a document so that its next run computes the items it lacks; with `force` also failed and rejected ones.

    `roles` are added to the roles that its options name; options that name none already mean all roles. Of `pages`
    those that are skipped are taken in, in later ingests, too, and so are the lost pictures that `boxes` names, such as
    5:1; `by` says who asks for these. Returns False if there is nothing to do. Raises
    Configuration for a role that no configured model computes, InvalidReference for a page or box that there is not.
    """
    build_request(resources.settings, document.options.model_copy(update={"roles": roles or document.options.roles}))
    taken = bool(boxes) and decide(resources, document, boxes, LostState.TAKEN, by=by)
    added_roles = document.options.roles and document.options.roles | roles
    wanted = document.options.with_pages(_to_take_in(resources, document, pages))
    wanted = wanted.model_copy(update={"roles": added_roles})
    if wanted != document.options:
        document_commands.request_again(resources.ledger, document.id, wanted)
    elif not force and not taken and is_current(resources, document):
        return False
    document_commands.regenerate(resources.ledger, document.id, force=force)
    return True


def _to_take_in(resources: Resources, document: Document, pages: Collection[int]) -> set[int]:
    """Return those of the pages that are skipped; all of them before the document's pages are planned."""
    if not pages:
        return set()
    if document.kind != PDF:
        raise InvalidReference(f"{document.name} has no pages: it is not a PDF.", advice="Leave the pages out.")
    if document.page_count is None:
        return set(pages)
    if max(pages) > document.page_count:
        raise InvalidReference(f"{document.name} has no page {max(pages)}: it has {document.page_count}.")
    return set(pages) & {page.page for page in skipped_pages(resources.ledger, document.id)}


def decide(resources: Resources, document: Document, ids: Collection[str], state: LostState, *, by: str) -> bool:
    """Record that these lost pictures, such as 5:1, are taken in, dismissed or only seen again.

    Returns whether the document was queued, because its pictures change. Raises InvalidReference for an unknown id, a
    document without pages and one that is being deleted.
    """
    if document.kind != PDF:
        raise InvalidReference(f"{document.name} has no pages: it is not a PDF.", advice="Name a catalogue.")
    if document.status == DocumentStatus.DELETING:
        raise InvalidReference(f"{document.name} is being deleted.")
    changes = page_findings.decide_lost_pictures(resources.ledger, document.id, ids, state, by=by)
    if changes:
        document_commands.request_again(resources.ledger, document.id, document.options)
    return changes
