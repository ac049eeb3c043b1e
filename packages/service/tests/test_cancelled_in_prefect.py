"""What a person cancels in Prefect is cancelled, and nothing else is; on a real Prefect server."""

from typing import Any

import pytest
from prefect.client.schemas.objects import State, StateType
from prefect.states import Cancelled, Cancelling, Crashed
from test_launch import flow_runs, launched, set_state, settled, started_run, state_of

from swatchbook.domain.records import DocumentStatus, IngestOptions
from swatchbook.resources import Resources
from swatchbook.store.ledger.document_commands import request_again, retry
from swatchbook.store.ledger.runs import Run, end
from swatchbook.store.ledger.stored_documents import Document, get_document
from swatchbook.tasks.prefect_client import WAITS
from swatchbook_service.scheduler import prefect_state
from tests.deployments.conftest import died, queued
from tests.store.ledger.scene import set_document

pytestmark = pytest.mark.gate

WAITING, CANCELLED = DocumentStatus.WAITING, DocumentStatus.CANCELLED


def status_of(resources: Resources, document: Document) -> DocumentStatus:
    return get_document(resources.ledger, document.id).status


def interrupted(resources: Resources, run: Run) -> None:
    end(resources.ledger, run, WAITING, message="Interrupted; run it again to go on.", due_at=resources.ledger.now())


@pytest.mark.parametrize("ends", ["alive", "interrupted", "killed"])
def test_cancelling_a_run_at_work_cancels_its_document(resources: Resources, deployment: Any, ends: str) -> None:
    document = queued(resources)
    flow_run, run = started_run(resources, document)
    set_state(flow_run.id, Cancelling())
    if ends == "interrupted":
        interrupted(resources, run)
    elif ends == "killed":
        died(resources, run)
    found = settled(resources)
    assert found.documents == (document.id,)
    assert found.crashed == ()
    assert launched(resources).documents == ()
    assert status_of(resources, document) == CANCELLED


@pytest.mark.parametrize("ends", ["interrupted", "killed"])
@pytest.mark.nightly
def test_cancel_finished_between_rounds_cancels_its_document(resources: Resources, deployment: Any, ends: str) -> None:
    document = queued(resources)
    flow_run, run = started_run(resources, document)
    set_state(flow_run.id, Cancelling())
    interrupted(resources, run) if ends == "interrupted" else died(resources, run)
    set_state(flow_run.id, Cancelled(message="Flow run was cancelled successfully."))  # by its worker
    found = launched(resources)
    assert (found.documents, found.stopped) == ((), (document.id,))
    assert status_of(resources, document) == CANCELLED


def test_cancel_before_the_run_begins_cancels_its_document(resources: Resources, deployment: Any) -> None:
    document = queued(resources)
    launched(resources)
    (flow_run,) = flow_runs()
    set_state(flow_run.id, Cancelled())
    assert launched(resources).stopped == (document.id,)
    assert status_of(resources, document) == CANCELLED


@pytest.mark.nightly
def test_flow_run_that_ends_waiting_is_no_cancel(resources: Resources, deployment: Any) -> None:
    document = queued(resources)
    flow_run, run = started_run(resources, document)
    due_at = resources.ledger.now() + 900
    end(resources.ledger, run, WAITING, due_at=due_at)
    set_state(flow_run.id, Cancelled(name=WAITS, message="Waiting: 14 of 46 images, next try 21:15 UTC."))
    assert settled(resources).documents == launched(resources).documents == ()
    set_document(resources.ledger, document.id, due_at=resources.ledger.now())
    assert launched(resources).documents == (document.id,)
    assert launched(resources).documents == ()  # the new flow run is found
    assert status_of(resources, document) == WAITING
    assert len(flow_runs()) == 2


@pytest.mark.nightly
def test_forced_cancel_cancels_document_and_kills_its_process(
    resources: Resources, deployment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = queued(resources)
    flow_run, _ = started_run(resources, document)
    set_state(flow_run.id, Cancelled())
    assert settled(resources).documents == (document.id,)
    assert status_of(resources, document) == CANCELLED
    assert state_of(flow_run) == "Cancelling"
    monkeypatch.setattr(prefect_state, "FAREWELL_SECONDS", 0.0)
    settled(resources)
    assert state_of(flow_run) == "Cancelled"


@pytest.mark.parametrize(("again", "noticed"), [("retry", True), ("other options", False)])
@pytest.mark.nightly
def test_document_requested_after_its_cancel_is_launched(
    resources: Resources, deployment: Any, again: str, noticed: bool
) -> None:
    document = queued(resources)
    flow_run, run = started_run(resources, document)
    set_state(flow_run.id, Cancelling())
    interrupted(resources, run)
    set_state(flow_run.id, Cancelled(message="Flow run was cancelled successfully."))
    if noticed:
        assert launched(resources).stopped == (document.id,)
    if again == "retry":
        retry(resources.ledger, document.id)
    else:
        request_again(resources.ledger, document.id, IngestOptions(focus=False))
    assert launched(resources).documents == (document.id,)
    assert launched(resources) == launched(resources)
    assert status_of(resources, document) != CANCELLED


@pytest.mark.parametrize("state", [Crashed(), State(type=StateType.FAILED)], ids=["crashed", "failed"])
def test_crash_is_not_a_cancel(resources: Resources, deployment: Any, state: Any) -> None:
    document = queued(resources)
    flow_run, run = started_run(resources, document)
    died(resources, run)
    set_state(flow_run.id, state)
    assert launched(resources).documents == (document.id,)


@pytest.mark.nightly
def test_cancel_by_the_loop_cancels_no_document(
    resources: Resources, deployment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = queued(resources)
    flow_run, run = started_run(resources, document)
    died(resources, run)
    monkeypatch.setattr(prefect_state, "is_dead", lambda process: False)  # it hangs
    assert settled(resources).cancelled == (str(flow_run.id),)
    set_state(flow_run.id, Cancelled(message="Flow run was cancelled successfully."))  # by its worker
    assert settled(resources).documents == ()
    assert launched(resources).documents == (document.id,)
