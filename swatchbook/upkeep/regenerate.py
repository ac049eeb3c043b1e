"""Asking for what a document lacks: what is missing or stale is made, by the makers in use; what is done stays."""

from swatchbook.ledger.document_commands import regenerate as document_commands_regenerate
from swatchbook.ledger.document_commands import request_again
from swatchbook.ledger.documents import Document
from swatchbook.pipeline.register import plan_request
from swatchbook.records import DocumentStatus, Role
from swatchbook.resources import Resources


def is_current(resources: Resources, document: Document) -> bool:
    """Whether it is complete with what its options and the settings ask for today."""
    asked = plan_request(resources.settings, document.options)
    return document.status == DocumentStatus.COMPLETED and document.fingerprint == asked.fingerprint


def regenerate(
    resources: Resources, document: Document, *, roles: frozenset[Role] = frozenset(), force: bool = False
) -> bool:
    """Let a document be made again where it lacks something, by force what failed or was rejected too.

    `roles` are asked for beside those that it has; a document that asks for all already has them. False when there is
    nothing to do. Raises Configuration for a role that no chosen model makes.
    """
    plan_request(resources.settings, document.options.model_copy(update={"roles": roles or document.options.roles}))
    wanted = document.options.roles and document.options.roles | roles
    if wanted != document.options.roles:
        request_again(resources.ledger, document.id, document.options.model_copy(update={"roles": wanted}))
    elif not force and is_current(resources, document):
        return False
    document_commands_regenerate(resources.ledger, document.id, force=force)
    return True
