"""Three ways in, and what goes wrong in between: on real servers, worker, database and index, end to end.

SWATCHBOOK_TEST_SOAK=1 has outages last a minute and rounds come every thirty seconds, as in earnest;
SWATCHBOOK_TEST_FIGURES names a file that is told what was measured.
"""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from test_webhooks import signed

from swatchbook.domain.records import DocumentStatus, document_id, sha256
from tests.fixtures import SOAK
from tests.origin import origin
from tests.servers.audit import TERMINAL, audit, flow_runs
from tests.servers.catalogues import make_catalogue
from tests.servers.halfway import PICTURES, SLOW, WHOLE, conclude, fill, half_way, let_time_pass, mended, told_of
from tests.servers.stack import BACK_SECONDS, OWNER, SECRET, Stack, http

pytestmark = pytest.mark.stack

AWAY_SECONDS = 60.0 if SOAK else 5.0
RUNS = 3 if SOAK else 1
"""That die at once. Prefect lets three run: those that follow need the places of the dead."""

COMPLETED, WAITING, BLOCKED = DocumentStatus.COMPLETED, DocumentStatus.WAITING, DocumentStatus.BLOCKED


def test_prefect_form_with_its_defaults_ingests_a_catalogue(stack: Stack, inbox: Path) -> None:
    document, created = fill_in_form(stack, make_catalogue(inbox / "form.pdf", pictures=PICTURES))
    stack.wait_until(lambda: state_of(stack, created) in TERMINAL, "the flow run ends")
    assert state_of(stack, created) == "COMPLETED"
    assert audit(stack, document, pictures=PICTURES) == WHOLE
    assert document in found_by(stack, "form porcelain tiles")


def test_catalogue_by_webhook_and_upload_is_one_document(stack: Stack, tmp_path: Path) -> None:
    catalogue = make_catalogue(tmp_path / "hook.pdf", pictures=PICTURES)
    with origin() as elsewhere:
        elsewhere.files["/hook.pdf"] = catalogue.read_bytes()
        url = f"http://127.0.0.1:{elsewhere.port}"
        answer = announce(stack, "one", url=f"{url}/hook.pdf", options={"focus": False})
        assert answer.status_code == 202, answer.text
        again = announce(stack, "one", url=f"{url}/hook.pdf", options={"focus": False})
    document = answer.json()["id"]
    assert (again.status_code, again.json()["id"]) == (200, document)
    assert stack.upload(catalogue, focus=False) == document
    stack.wait_for(document, COMPLETED)
    assert audit(stack, document, pictures=PICTURES) == WHOLE
    assert document in found_by(stack, "hook porcelain tiles")
    assert len(flow_runs(stack, document)) == 1


def test_schedule_completes_what_failed_for_a_while(stack: Stack, tmp_path: Path) -> None:
    stack.trouble(failing=0.4)
    document = stack.upload(make_catalogue(tmp_path / "flaky.pdf", pictures=PICTURES), focus=False)
    stack.wait_for(document, WAITING)
    report = stack.ask("GET", f"/documents/{document}").json()["report"]
    assert 0 < report["images_pending"] < PICTURES
    assert {failure["kind"] for failure in report["failed_images"]} == {"provider_timeout"}
    stack.trouble()
    run = complete_by_schedule(stack, document)
    assert audit(stack, document, pictures=PICTURES) == WHOLE
    assert document in found_by(stack, "flaky porcelain tiles")
    stack.wait_until(lambda: state_of(stack, run) == "COMPLETED", "the scheduled run completes")


def complete_by_schedule(stack: Stack, document: str) -> str:
    """Wait until the schedule of `retry_failed` has completed a document; return its flow run.

    A soak waits for the pause of the items and for the schedule, each of a quarter of an hour.
    """
    stack.service.stop()  # whose loop would be quicker
    try:
        if not SOAK:
            let_time_pass(stack, document)
        stack.keep_to_schedule("retry_failed/retry_failed", active=True)
        run = scheduled_run(stack, "retry_failed/retry_failed")
        if not SOAK:
            reschedule(stack, run)
        stack.wait_for(document, COMPLETED, seconds=3_600 if SOAK else BACK_SECONDS)
    finally:
        stack.keep_to_schedule("retry_failed/retry_failed", active=False)
        stack.service.start()
    return run


def fill_in_form(stack: Stack, catalogue: Path, **options: Any) -> tuple[str, str]:
    """Run the deployment with the form's defaults, but for these options; return the document and the flow run."""
    deployment = stack.ask_prefect("GET", "/deployments/name/ingest_catalogue/ingest_catalogue")
    filled = {**defaults(deployment["parameter_openapi_schema"]), "source": str(catalogue), "owner": OWNER}
    filled["options"] |= {"focus": False, **options}
    created = stack.ask_prefect(
        "POST", f"/deployments/{deployment['id']}/create_flow_run",
        json={"parameters": filled, "enforce_parameter_schema": True, "state": {"type": "SCHEDULED"}},
    )  # fmt: skip
    return document_id(OWNER, sha256(catalogue.read_bytes())), str(created["id"])


def defaults(schema: dict[str, Any]) -> dict[str, Any]:
    """What the UI's form is filled in with: every default of the schema, those of models inside it too."""

    def filled(given: dict[str, Any]) -> Any:
        if "default" in given:
            return given["default"]
        (reference,) = (part["$ref"] for part in given.get("allOf", [given]) if "$ref" in part)
        return defaults({**schema["definitions"][reference.rsplit("/", 1)[-1]], "definitions": schema["definitions"]})

    wanted = set(schema.get("required", ()))
    return {name: filled(given) for name, given in schema["properties"].items() if name not in wanted}


def state_of(stack: Stack, flow_run: str) -> str:
    return str(stack.ask_prefect("GET", f"/flow_runs/{flow_run}")["state_type"])


def scheduled_run(stack: Stack, deployment: str) -> str:
    wanted = stack.ask_prefect("GET", f"/deployments/name/{deployment}")["id"]
    planned = {"deployments": {"id": {"any_": [wanted]}}, "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
    found = list[Any]()

    def is_planned() -> bool:
        given = {**planned, "sort": "EXPECTED_START_TIME_ASC"}
        found[:] = stack.ask_prefect("POST", "/flow_runs/filter", json=given)
        return bool(found)

    stack.wait_until(is_planned, f"the scheduler plans {deployment}")
    assert found[0]["auto_scheduled"]
    return str(found[0]["id"])


def reschedule(stack: Stack, flow_run: str) -> None:
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": datetime.now(UTC).isoformat()}}
    stack.ask_prefect("POST", f"/flow_runs/{flow_run}/set_state", json={"state": state, "force": True})


def announce(stack: Stack, delivery: str, **announced: Any) -> httpx.Response:
    body = json.dumps(announced).encode()
    headers = signed(body, delivery, SECRET)
    return http().post(f"{stack.service_url}/hooks/upload", content=body, headers=headers)


def found_by(stack: Stack, text: str, owner: str = OWNER) -> set[str]:
    answer = stack.ask("GET", "/search", params={"text": text, "owner": owner})
    assert answer.status_code == 200, answer.text
    return {hit["document_id"] for hit in answer.json()["hits"] if hit["kind"] == "image"}


def test_killed_weaviate_costs_no_run(stack: Stack, tmp_path: Path) -> None:
    document = half_way(stack, tmp_path / "weaviate.pdf")
    stack.restart_weaviate(away=AWAY_SECONDS if SOAK else 0)
    stack.trouble()
    conclude(stack, "weaviate_killed", document)


def test_prefect_killed_costs_neither_runs_nor_uploads(stack: Stack, tmp_path: Path) -> None:
    at_work = half_way(stack, tmp_path / "prefect.pdf")
    stack.prefect.kill(family=True)
    meanwhile = stack.upload(make_catalogue(tmp_path / "meanwhile.pdf", pictures=PICTURES), focus=False)
    time.sleep(AWAY_SECONDS)
    stack.trouble()
    stack.prefect.start()
    conclude(stack, "prefect_killed", at_work, meanwhile)


def test_runs_that_die_with_their_machine_start_again(stack: Stack, tmp_path: Path) -> None:
    stack.trouble(seconds=4.0)
    catalogues = [make_catalogue(tmp_path / f"machine-{number}.pdf", pictures=PICTURES) for number in range(RUNS)]
    documents = [stack.upload(catalogue, **SLOW) for catalogue in catalogues]

    def are_running() -> bool:
        return all(stack.document(document).status == DocumentStatus.RUNNING for document in documents)

    stack.wait_until(are_running, "all of them run")
    stack.worker.kill(family=True)
    stack.worker.start()
    stack.trouble()
    conclude(stack, "machine_killed", *documents)


def test_full_disk_blocks_documents_until_there_is_room(stack: Stack, tmp_path: Path) -> None:
    ballast = stack.folder / "files" / "ballast"
    document = stack.upload(make_catalogue(tmp_path / "full.pdf", pictures=PICTURES), focus=False)
    fill(ballast)
    try:
        stack.wait_for(document, BLOCKED, COMPLETED)
        assert "disk is full" in told_of(stack, document)
    finally:
        ballast.unlink()
    mended(stack, document)
    conclude(stack, "disk_full", document)


def test_wrong_index_key_blocks_until_corrected(stack: Stack, tmp_path: Path) -> None:
    stack.restart_weaviate(api_key="another key altogether", kill=False)
    document = stack.upload(make_catalogue(tmp_path / "locked.pdf", pictures=PICTURES), focus=False)
    try:
        stack.wait_for(document, BLOCKED, COMPLETED)
        assert "SWATCHBOOK_WEAVIATE__API_KEY" in told_of(stack, document)
    finally:
        stack.restart_weaviate(kill=False)
    mended(stack, document)
    conclude(stack, "wrong_key", document)
