"""Two owners in one home: what one of them sees on pages is as if the other were not there.

The cases are of the tests of `tests/doors/test_leaks.py`, which run on them here. A new page without a case fails.
"""

import pytest
from fastapi import FastAPI

from swatchbook.domain.settings import Settings
from swatchbook.resources import open_resources
from swatchbook_web.sent_files import keep_file
from swatchbook_web.site import router
from tests.doors.test_leaks import (
    Cases,
    Homes,
    cases,
    clients,
    homes,
    routes,
    test_a_key_is_answered_as_if_other_owners_were_not_there,
    test_a_key_that_may_see_her_gets_other_answers,
    test_a_session_is_answered_as_its_key_is,
    test_no_page_of_another_site_changes_anything_by_a_session,
    test_no_route_is_opened_by_a_false_identity,
    test_without_a_key_nothing_is_told,
)

__all__ = [
    "cases", "clients", "homes",
    "test_a_key_is_answered_as_if_other_owners_were_not_there",
    "test_a_key_that_may_see_her_gets_other_answers",
    "test_a_session_is_answered_as_its_key_is",
    "test_no_page_of_another_site_changes_anything_by_a_session",
    "test_no_route_is_opened_by_a_false_identity",
    "test_without_a_key_nothing_is_told",
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def sent(homes: Homes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Two files of items that anna has sent."""
    file = tmp_path_factory.mktemp("sent") / "items.csv"
    with open_resources(Settings(home=homes.both)) as resources:
        for name in ("annas-shop.csv", "annas-other-shop.csv"):
            file.write_text("id,title,images\n1,Annas oak,a.png\n")
            keep_file(resources, file, "anna", name)


def test_every_page_has_a_case(cases: Cases) -> None:
    application = FastAPI(openapi_url=None)
    application.include_router(router)
    assert routes(application) == cases.routes.keys() | cases.open_routes.keys()
