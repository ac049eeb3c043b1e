"""Two owners in one home: what one of them asks about teaching is answered as if the other were not there.

The cases are of the tests of `tests/doors/test_leaks.py`, which run on them here. A new route or command without a
case fails.
"""

from fastapi import FastAPI

from swatchbook_teach import command, service
from swatchbook_teach.web import readings, teach
from tests.doors.test_leaks import (
    Cases,
    cases,
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
    "cases", "clients", "homes",
    "test_a_command_for_one_owner_tells_nothing_of_the_others",
    "test_a_key_is_answered_as_if_other_owners_were_not_there",
    "test_a_key_that_may_see_her_gets_other_answers",
    "test_a_session_is_answered_as_its_key_is",
    "test_no_page_of_another_site_changes_anything_by_a_session",
    "test_without_a_key_nothing_is_told",
]  # fmt: skip


def test_every_route_and_command_of_teaching_has_a_case(cases: Cases) -> None:
    application = FastAPI(openapi_url=None)
    for each in (service, teach, readings):
        application.include_router(each.router)
    assert routes(application) == cases.routes.keys()
    assert commands(command.app).keys() == cases.reading.keys() | cases.acting.keys()
