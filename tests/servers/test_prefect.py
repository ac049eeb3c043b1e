"""What people do in Prefect, and what dies there, on the whole stack."""

from pathlib import Path
from typing import Any

import pytest

from swatchbook.domain.records import DocumentStatus
from swatchbook.ingest.cache_keys import read_result_name
from tests.servers.audit import TERMINAL, flow_runs
from tests.servers.catalogues import make_catalogue
from tests.servers.halfway import PICTURES, SLOW, conclude, let_time_pass, pictures_made
from tests.servers.stack import Stack
from tests.servers.test_stack import fill_in_form, reschedule

pytestmark = pytest.mark.stack

HOW = {"asked": ("CANCELLING", False), "forced": ("CANCELLED", True)}
"""How people cancel -> the state that they set, and whether by force."""


def runs_of(stack: Stack, flow: str) -> list[dict[str, Any]]:
    given = {"flows": {"name": {"any_": [flow]}}, "sort": "START_TIME_DESC"}
    found: list[dict[str, Any]] = stack.ask_prefect("POST", "/flow_runs/filter", json=given)
    return found


def last_of(stack: Stack, document: str) -> str:
    given = {"flow_runs": {"tags": {"all_": [document]}}, "sort": "START_TIME_DESC"}
    return str(stack.ask_prefect("POST", "/flow_runs/filter", json=given)[0]["id"])


def set_state(stack: Stack, flow_run: str, state: str, *, force: bool = False) -> None:
    given = {"state": {"type": state, "name": state.capitalize()}, "force": force}
    stack.ask_prefect("POST", f"/flow_runs/{flow_run}/set_state", json=given)


def test_cancel_in_prefect_cancels_the_document(stack: Stack, tmp_path: Path) -> None:
    """One document is cancelled as the UI does, another one at the same time by a state that a person forces."""
    before = pictures_made(stack)
    stack.trouble(seconds=4.0)
    documents = [stack.upload(make_catalogue(tmp_path / f"cancel-{how}.pdf", pictures=PICTURES), **SLOW) for how in HOW]

    def are_at_work() -> bool:
        statuses = {stack.document(document).status for document in documents}
        return statuses == {DocumentStatus.RUNNING} and pictures_made(stack) > before

    stack.wait_until(are_at_work, "both run, and some pictures are made")
    for document, (state, force) in zip(documents, HOW.values(), strict=True):
        set_state(stack, last_of(stack, document), state, force=force)
    for document in documents:
        stack.wait_for(document, DocumentStatus.CANCELLED)
    stack.wait_until(lambda: not stack.worker.family(), "their processes end")
    for document in documents:
        stack.wait_until(lambda: TERMINAL.issuperset(flow_runs(stack, document)), "its flow run ends")  # noqa: B023
        assert flow_runs(stack, document) == ["CANCELLED"]
        assert stack.document(document).status == DocumentStatus.CANCELLED  # and is not started again
        assert stack.ask("POST", f"/documents/{document}/retry").status_code == 202
    stack.trouble()
    conclude(stack, "cancelled in Prefect", *documents)


@pytest.mark.parametrize("loop", [False, True], ids=["without the loop", "by the loop"])
def test_run_that_waits_goes_on_by_itself(stack: Stack, inbox: Path, loop: bool) -> None:
    """Its worker and Prefect's server die meanwhile. Where the document is due earlier, the loop moves its time."""
    stack.trouble(failing=0.4)
    catalogue = make_catalogue(inbox / f"waits-{loop}.pdf", pictures=PICTURES)
    document, run = fill_in_form(stack, catalogue)
    stack.wait_until(lambda: states(stack, run)[-1] == ("SCHEDULED", "Waiting"), "its flow run waits")
    if not loop:
        stack.service.stop()
    stack.worker.kill(family=True)
    stack.prefect.kill(family=True)
    stack.prefect.start()
    stack.worker.start()
    stack.trouble()
    let_time_pass(stack, document)
    try:
        if not loop:
            reschedule(stack, run)
        stack.wait_for(document, DocumentStatus.COMPLETED)
    finally:
        if not loop:
            stack.service.start()
    conclude(stack, "waits, and goes on", document)
    assert last_of(stack, document) == run
    assert not {"CANCELLED", "CRASHED"} & {kind for kind, _ in states(stack, run)}


def states(stack: Stack, flow_run: str) -> list[tuple[str, str]]:
    """Return the types and names of the states that a flow run was in, in order."""
    found = stack.ask_prefect("GET", "/flow_run_states/", params={"flow_run_id": flow_run})
    return [(state["type"], state["name"]) for state in sorted(found, key=lambda state: state["timestamp"])]


def test_results_are_in_the_home(stack: Stack, tmp_path: Path) -> None:
    document = stack.upload(make_catalogue(tmp_path / "results.pdf", pictures=4), focus=False)
    stack.wait_for(document, DocumentStatus.COMPLETED)
    ours, theirs = Path(stack.settings.results), Path(stack.environment["PREFECT_HOME"])
    assert [path for path in ours.iterdir() if read_result_name(path.name)] != []
    assert [path for path in theirs.rglob("*") if read_result_name(path.name)] == []
    before = {path.name for path in ours.iterdir()}
    assert stack.ask("DELETE", f"/documents/{document}").status_code == 202
    stack.wait_until(lambda: stack.ask("GET", f"/documents/{document}").status_code == 404, "it is deleted")
    assert '"results"' in stack.command("upkeep", "gc", "--now", "--json")
    content = {name for name in before if document in name}
    assert content
    assert content.isdisjoint(path.name for path in ours.iterdir())
