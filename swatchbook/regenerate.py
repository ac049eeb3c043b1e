"""Asking for what a document lacks: what is missing or stale is made, by the makers in use; what is done stays."""

from swatchbook.lab import Lab
from swatchbook.ledger import due
from swatchbook.ledger.runs import Document
from swatchbook.records import DocumentStatus, Role
from swatchbook.register import ask


def is_current(lab: Lab, document: Document) -> bool:
    """Whether it is complete with what its options and the settings ask for today."""
    asked = ask(lab.settings, document.options)
    return document.status == DocumentStatus.COMPLETED and document.fingerprint == asked.fingerprint


def regenerate(lab: Lab, document: Document, *, roles: frozenset[Role] = frozenset(), force: bool = False) -> bool:
    """Let a document be made again where it lacks something, by force what failed or was rejected too.

    `roles` are asked for beside those that it has; a document that asks for all already has them. False when there is
    nothing to do. Raises Configuration for a role that no chosen model makes.
    """
    ask(lab.settings, document.options.model_copy(update={"roles": roles or document.options.roles}))
    wanted = document.options.roles and document.options.roles | roles
    if wanted != document.options.roles:
        due.ask_anew(lab.ledger, document.id, document.options.model_copy(update={"roles": wanted}))
    elif not force and is_current(lab, document):
        return False
    due.regenerate(lab.ledger, document.id, force=force)
    return True
