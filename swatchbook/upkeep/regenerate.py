"""Whether a document has all that the current models and settings make (`embed`, `ingest`); if not, queue it for
what is missing or stale. Done items are kept.
"""

from swatchbook.ledger import document_commands
from swatchbook.ledger.documents import Document
from swatchbook.pipeline.register import build_request
from swatchbook.records import DocumentStatus, Role
from swatchbook.resources import Resources


def is_current(resources: Resources, document: Document) -> bool:
    """Return whether a document is completed with all that its options and the current settings request."""
    request = build_request(resources.settings, document.options)
    return document.status == DocumentStatus.COMPLETED and document.fingerprint == request.fingerprint


def regenerate(
    resources: Resources, document: Document, *, roles: frozenset[Role] = frozenset(), force: bool = False
) -> bool:
    """Queue a document so that its next run computes the items it lacks; with `force` also failed and rejected ones.

    `roles` are added to the roles that its options name; options that name none already mean all roles. Returns False
    if there is nothing to do. Raises Configuration for a role that no configured model computes.
    """
    build_request(resources.settings, document.options.model_copy(update={"roles": roles or document.options.roles}))
    wanted = document.options.roles and document.options.roles | roles
    if wanted != document.options.roles:
        document_commands.request_again(
            resources.ledger, document.id, document.options.model_copy(update={"roles": wanted})
        )
    elif not force and is_current(resources, document):
        return False
    document_commands.regenerate(resources.ledger, document.id, force=force)
    return True
