"""Two owners in one home: what one of them asks about teaching is answered as if the other were not there.

The cases are of the tests of `tests/doors/test_leaks.py`, which run on them here. A new route or command without a
case fails.
"""

from collections.abc import Mapping, Sequence

import pytest
from fastapi import FastAPI

from swatchbook_teach import command, service
from swatchbook_teach.web import readings, teach
from tests.doors import test_leaks
from tests.doors.test_leaks import (
    EITHER,
    ONCE,
    Ask,
    clients,
    commands,
    homes,
    routes,
    test_a_command_for_one_owner_tells_nothing_of_the_others,
    test_a_key_is_answered_as_if_other_owners_were_not_there,
    test_a_key_that_may_see_her_gets_other_answers,
    test_a_session_is_answered_as_its_key_is,
    test_no_page_of_another_site_changes_anything_by_a_session,
    test_without_a_key_nothing_is_told,
)

__all__ = [
    "clients", "homes",
    "test_a_command_for_one_owner_tells_nothing_of_the_others",
    "test_a_key_is_answered_as_if_other_owners_were_not_there",
    "test_a_key_that_may_see_her_gets_other_answers",
    "test_a_session_is_answered_as_its_key_is",
    "test_no_page_of_another_site_changes_anything_by_a_session",
    "test_without_a_key_nothing_is_told",
]  # fmt: skip

TAUGHT = {"names": [{"traits": {"size": 12.0}}]}
"""A reading of a document."""

ROUTES: Mapping[str, Sequence[Ask]] = {
    "GET /readings": (Ask(), Ask("owner=anna")),
    "POST /documents/{document_id}/teaching": (
        Ask(json={"reading": TAUGHT}),
        Ask(json={"reading": TAUGHT, "taken_from": "{document}"}, own=True),
    ),
    "DELETE /documents/{document_id}/teaching": ONCE,
    "GET /documents/{document_id}/pages/{number}/texts": EITHER,
    "POST /documents/{document_id}/teaching/proposal": (
        Ask(json={"examples": [{"page": 1, "box": [0, 0, 900, 900]}]}),
        Ask(json={}, own=True),
    ),
    "GET /documents/{document_id}/teaching/readings": EITHER,
    "GET /ui/documents/{document_id}/teach": (*EITHER, Ask("page=1"), Ask("taken_from={document}", own=True)),
    "POST /ui/documents/{document_id}/teach": (Ask(form={"page": "1"}), Ask(form={"page": "1"}, own=True)),
    "POST /ui/documents/{document_id}/teach/accept": (
        Ask(form={"example": '{{"page": 1, "box": [0, 0, 900, 900]}}'}),
        Ask(form={"start": '{{"names": [{{"traits": {{"size": 12.0}}}}]}}', "taken_from": "{document}"}, own=True),
    ),
    "POST /ui/documents/{document_id}/teach/undo": ONCE,
    "GET /ui/documents/{document_id}/readings": EITHER,
}

READING: Mapping[str, Sequence[str]] = {
    "readings": ("readings {document}", "readings {name} --json", "readings --json"),
}

ACTING: Mapping[str, Sequence[str]] = {
    "teach": (
        "teach {document} --page 1 --name Oak --accept",
        "teach {name} --likeliest --use 1 --accept",
        "teach {document} --undo",
    ),
}


@pytest.fixture(autouse=True)
def cases(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, table in (("ROUTES", ROUTES), ("READING", READING), ("ACTING", ACTING)):
        monkeypatch.setattr(test_leaks, name, table)


def test_every_route_of_teaching_has_a_case() -> None:
    application = FastAPI(openapi_url=None)
    for each in (service, teach, readings):
        application.include_router(each.router)
    assert routes(application) - test_leaks.OPEN_ROUTES.keys() == ROUTES.keys()


def test_every_command_of_teaching_has_a_case() -> None:
    assert commands(command.app).keys() == READING.keys() | ACTING.keys()
