"""Two owners in one home: an assistant of one of them is answered as if the other were not there.

Tools are read from the server: a new one without a case fails. The homes are those of `tests/doors/test_leaks.py`.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from swatchbook.domain.settings import Settings
from swatchbook_assistants.server import call, in_words, open_desk
from swatchbook_assistants.tools import TOOLS, Desk
from swatchbook_service.auth import Caller
from tests.doors import test_leaks
from tests.doors.test_leaks import Homes, rows_of_anna, run, told
from tests.tables import rows_of

homes = test_leaks.homes  # the fixture

ASSISTANTS: Mapping[str, Sequence[Mapping[str, Any]]] = dict(rows_of(__file__, "tools"))
"""Tool -> its arguments, with anna's ids."""


def test_every_tool_has_a_case() -> None:
    assert ASSISTANTS.keys() == TOOLS.keys()


@pytest.fixture(scope="module")
def desks(homes: Homes) -> Iterator[tuple[Desk, Desk]]:
    both, alone = (open_desk(Settings(home=home), local=True) for home in (homes.both, homes.alone))
    yield both, alone
    both.resources.close()
    alone.resources.close()


def use_tool(desk: Desk, homes: Homes, name: str, arguments: Mapping[str, Any], owner: str) -> object:
    """What an assistant is answered that sees one owner, or all (`*`)."""
    given = json.loads(fill(json.dumps(arguments), {**homes.hers, "catalogue": homes.own["catalogue"]}))
    return asked_by(owner, lambda caller: call(TOOLS[name], desk, caller, given))


def fill(text: str, fields: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: fields[found[1]], text)


def asked_by(owner: str, ask: Callable[[Caller], Awaitable[object]]) -> object:
    try:
        return asyncio.run(ask(Caller(name="me", owners=frozenset({owner}))))
    except Exception as error:
        return in_words(error)


def test_assistant_of_one_owner_learns_nothing_of_others(homes: Homes, desks: tuple[Desk, Desk]) -> None:
    before = rows_of_anna(homes.both)
    for name, asks in ASSISTANTS.items():
        for ask in asks:
            both, alone = (use_tool(desk, homes, name, ask, "default") for desk in desks)
            assert both == alone, (name, ask)
            assert told(homes, both, f"{ask} {homes.hers}") == set(), (name, ask)
    assert rows_of_anna(homes.both) == before


def test_server_for_one_owner_reveals_nothing_of_others(homes: Homes) -> None:
    both, alone = (run(home, homes, "mcp", "default") for home in (homes.both, homes.alone))
    assert both == alone
    assert told(homes, both, "mcp") == set()
    for_her, without_her = (run(home, homes, "mcp", "anna") for home in (homes.both, homes.alone))
    assert for_her != without_her


@pytest.mark.nightly
def test_assistant_that_may_see_her_gets_other_answers(homes: Homes, desks: tuple[Desk, Desk]) -> None:
    """Else the two tests above could not fail. It comes last, since it changes what is anna's."""
    for name in ASSISTANTS.keys() - {"ingest"}:
        asked = ASSISTANTS[name][0]
        assert use_tool(desks[0], homes, name, asked, "*") != use_tool(desks[1], homes, name, asked, "*"), name
