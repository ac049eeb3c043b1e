"""Five minutes of schemathesis against the served API and its pages, by every identity, on a filled collection: no 5xx.

`make soak` runs it; `test_contract.py` has the short run of every day.
"""

import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.schemas import APIOperation, BaseSchema
from test_contract import known_ids_of

from swatchbook.domain.settings import load_settings
from swatchbook_service import app as service
from swatchbook_service.sessions import SESSION_COOKIE, begin_session
from tests.doors.conftest import ALL, ANNA, BERT, BOTH, bearing
from tests.doors.served import on_socket, rest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]
SECONDS = 300.0
EXAMPLES = 5  # of each operation, mode and identity in a round
UNHURRIED = settings(deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
IDENTITY = ("authorization", "x-api-key", "host", "origin", "cookie")
"""Headers that schemathesis would write, and that say who asks."""


@pytest.fixture
def app(filled: Path, keys: None, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """The service on anna's sample, whose description has its pages, too."""
    routers = [*service._packaged_routers(), *service._ROUTERS]
    for router in routers:
        monkeypatch.setattr(router, "include_in_schema", True)
        for route in router.routes:
            if isinstance(route, APIRoute):
                monkeypatch.setattr(route, "include_in_schema", True)
            else:  # another router in it
                routers.append(route.original_router)  # type: ignore[attr-defined]  # FastAPI's own record of it
    return service.create_app(load_settings(), loop=rest)


def identities(url: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield names and headers of who asks, over and over: nobody, a stranger, each key, and a browser with a session,
    which is a new one each time, as one of its requests may be to log out.
    """
    keys = {"stranger": "nobody-0123456789abcdef", "anna": ANNA, "bert": BERT, "both": BOTH, "all": ALL}
    while True:
        yield "nobody", {}
        yield from ((name, bearing(key)) for name, key in keys.items())
        session = begin_session(load_settings().api_keys[0])
        yield "browser", {"Cookie": f"{SESSION_COOKIE}={session}", "Origin": url}


class Fuzz:
    """How often each status was answered, and which answers were 5xx: (operation, who asked, request, answer)."""

    def __init__(self, url: str) -> None:
        self.url = url
        with httpx.Client(base_url=url, headers=bearing(ANNA), timeout=60) as client:
            self.ids = known_ids_of(client)
        self.answered = Counter[int]()
        self.failed = list[tuple[str, str, str, str]]()
        self.until = time.monotonic() + SECONDS

    def ask(
        self, operation: APIOperation, mode: GenerationMode, who: str, headers: dict[str, str], number: int
    ) -> None:
        @seed(number)
        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(UNHURRIED, max_examples=EXAMPLES)
        def ask(case: schemathesis.Case) -> None:
            if number % 2 and case.method != "DELETE" and not case.path.endswith("/delete"):
                case.path_parameters.update({name: self.ids[name] for name in self.ids.keys() & case.path_parameters})
            for name in IDENTITY:
                case.headers.pop(name, None)
            self.judge(case, who, case.call(base_url=self.url, headers=headers))

        with suppress(Unsatisfiable):  # what takes nothing cannot be asked wrongly
            ask()

    def follow(self, schema: BaseSchema, who: str, headers: dict[str, str], number: int) -> None:
        """Ask what an answer leads to, with the ids that it has."""
        fuzz = self

        class Following(schema.as_state_machine()):  # type: ignore[misc]
            def get_call_kwargs(self, case: schemathesis.Case) -> dict[str, Any]:
                return {"base_url": fuzz.url, "headers": headers}

            def validate_response(self, response: Any, case: schemathesis.Case, **_: Any) -> None:
                fuzz.judge(case, who, response)

        machine = seed(number)(Following.TestCase)
        machine.settings = settings(UNHURRIED, max_examples=3, stateful_step_count=8)
        machine("runTest").runTest()

    def judge(self, case: schemathesis.Case, who: str, answer: Any) -> None:
        self.answered[answer.status_code] += 1
        if answer.status_code >= 500:
            self.failed.append((case.operation.label, who, case.as_curl_command(), answer.text[-300:]))


def test_five_minutes_of_random_requests_cause_no_5xx(app: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    schema = schemathesis.openapi.from_dict(get_openapi(title="All", version="1", routes=app.routes))
    operations = [found.ok() for found in schema.get_all_operations()]
    assert any(operation.path.startswith("/ui") for operation in operations)
    with on_socket(app, lifespan="on") as port, caplog.at_level(logging.ERROR):
        fuzz = Fuzz(f"http://127.0.0.1:{port}")
        people = identities(fuzz.url)
        for number in takewhile(lambda _: time.monotonic() < fuzz.until, count()):
            for operation in operations:
                for mode in GenerationMode:
                    who, headers = next(people)
                    fuzz.ask(operation, mode, who, headers, number)
            fuzz.follow(schema, *next(people), number)
        assert httpx.get(f"{fuzz.url}/live").status_code == 200
    print(f"{fuzz.answered.total()} requests in {number + 1} rounds over {len(operations)} operations: {fuzz.answered}")
    assert fuzz.failed == []
    assert not [record for record in caplog.records if record.exc_info], caplog.text
