"""Asking for what a document lacks."""

from pathlib import Path

import pytest

from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import DocumentStatus, IngestOptions, Plan, PlannedPage, Role
from swatchbook.ingest.begin_run import begin_work
from swatchbook.ingest.register import register
from swatchbook.ingest.run import Work
from swatchbook.resources import Resources
from swatchbook.store.ledger import runs, stage_results
from swatchbook.store.ledger.stored_documents import Document, get_document
from swatchbook.upkeep.queue_again import is_current, regenerate
from tests.store.ledger.scene import reading


def completed(resources: Resources, path: Path, **options: object) -> Document:
    """A document that has nothing left to be made."""
    registered = register(resources, path, owner="default", options=IngestOptions.model_validate(options))
    work = begin_work(resources, registered)
    assert isinstance(work, Work)
    planned = tuple(
        PlannedPage(number=n, kind="skipped" if n in (1, 6) else "product", reason="cover") for n in range(1, 7)
    )
    stage_results.save_pages(resources.ledger, work.run, reading(count=6), Plan(pages=planned))
    runs.end(resources.ledger, work.run, DocumentStatus.COMPLETED)
    return get_document(resources.ledger, work.document)


def test_nothing_is_asked_for_twice_unless_forced(resources: Resources, small_catalogue: Path) -> None:
    document = completed(resources, small_catalogue)
    assert is_current(resources, document)
    assert not regenerate(resources, document)
    assert not regenerate(resources, document, roles=frozenset({Role.VISUAL})), "all roles are its own already"
    assert regenerate(resources, document, force=True)
    assert get_document(resources.ledger, document.id).status is DocumentStatus.WAITING


def test_roles_come_beside_those_there_are(resources: Resources, small_catalogue: Path) -> None:
    document = completed(resources, small_catalogue, roles=["visual"])
    assert regenerate(resources, document, roles=frozenset({Role.UNDERSTANDING}))
    asked = get_document(resources.ledger, document.id)
    assert asked.options.roles == {Role.VISUAL, Role.UNDERSTANDING}
    assert asked.status in (DocumentStatus.QUEUED, DocumentStatus.WAITING)
    assert not is_current(resources, asked)


@pytest.mark.parametrize("role", [Role.MATERIAL, Role.MULTIMODAL])
def test_role_that_nobody_makes_is_refused_without_change(
    resources: Resources, small_catalogue: Path, role: Role
) -> None:
    document = completed(resources, small_catalogue, roles=["visual"])
    with pytest.raises(Configuration, match=role):
        regenerate(resources, document, roles=frozenset({role}))
    assert get_document(resources.ledger, document.id) == document


def test_skipped_pages_are_taken_in_once_and_kept(resources: Resources, small_catalogue: Path) -> None:
    document = completed(resources, small_catalogue)
    assert not regenerate(resources, document, pages=(2, 3)), "they are not skipped"
    assert regenerate(resources, document, pages=(1, 2))
    asked = get_document(resources.ledger, document.id)
    assert (asked.options.pages, asked.status) == ((1,), DocumentStatus.WAITING)
    assert not is_current(resources, asked)

    taken = completed(resources, small_catalogue, pages=(1,))
    again = register(resources, small_catalogue, owner="default", options=IngestOptions(pages=(6,)))
    assert again.options.pages == (1, 6)
    same = register(resources, small_catalogue, owner="default", options=IngestOptions())
    assert same.options.pages == (1,)
    assert same.unchanged, "what a person took in is no other request"
    assert not regenerate(resources, taken, pages=(1,)), "it is taken in already"
