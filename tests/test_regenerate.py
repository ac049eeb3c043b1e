"""Asking for what a document lacks."""

from pathlib import Path

import pytest

from swatchbook.errors import Configuration
from swatchbook.lab import Lab
from swatchbook.ledger import accounts, runs
from swatchbook.ledger.runs import Document, Run
from swatchbook.records import DocumentStatus, IngestOptions, Role
from swatchbook.regenerate import is_current, regenerate
from swatchbook.register import ask, register


def completed(lab: Lab, path: Path, **options: object) -> Document:
    """A document that has nothing left to be made."""
    asked_for = IngestOptions.model_validate(options)
    document = register(lab, path, owner="default", options=asked_for).document
    asked = ask(lab.settings, asked_for)
    run = runs.begin(
        lab.ledger, document.id, options=asked_for, fingerprint=asked.fingerprint, wants=asked.wants, prefect_run=None
    )
    assert isinstance(run, Run)
    runs.end(lab.ledger, run, DocumentStatus.COMPLETED)
    return accounts.get_document(lab.ledger, document.id)


def test_nothing_is_asked_for_twice_unless_forced(lab: Lab, small_catalogue: Path) -> None:
    document = completed(lab, small_catalogue)
    assert is_current(lab, document)
    assert not regenerate(lab, document)
    assert not regenerate(lab, document, roles=frozenset({Role.VISUAL})), "all roles are its own already"
    assert regenerate(lab, document, force=True)
    assert accounts.get_document(lab.ledger, document.id).status is DocumentStatus.WAITING


def test_roles_come_beside_those_there_are(lab: Lab, small_catalogue: Path) -> None:
    document = completed(lab, small_catalogue, roles=["visual"])
    assert regenerate(lab, document, roles=frozenset({Role.UNDERSTANDING}))
    asked = accounts.get_document(lab.ledger, document.id)
    assert asked.options.roles == {Role.VISUAL, Role.UNDERSTANDING}
    assert asked.status in (DocumentStatus.QUEUED, DocumentStatus.WAITING)
    assert not is_current(lab, asked)


@pytest.mark.parametrize("role", [Role.STRUCTURE, Role.MULTIMODAL])
def test_a_role_that_nobody_makes_is_refused_and_nothing_changes(lab: Lab, small_catalogue: Path, role: Role) -> None:
    document = completed(lab, small_catalogue, roles=["visual"])
    with pytest.raises(Configuration, match=role):
        regenerate(lab, document, roles=frozenset({role}))
    assert accounts.get_document(lab.ledger, document.id) == document
