"""Two owners in one home: what one of them asks, over HTTP with a key or by commands with `--owner`, is answered as if
the other were not there. Routes and commands are read from the application with its packages: a new one without a case
fails. The cases of a package are in its `tests/leaks.yaml`.

Each request goes to two homes. One has documents of `default` and of anna; the other is a copy of it from which hers
were deleted. What `default` is answered must be equal in both, so it has no ids, names, texts, counts and nearest words
of hers. Those who may see anna are answered otherwise in the two homes, or the case could not fail.
"""

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
import yaml
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import insert, select
from typer.testing import CliRunner

from benchmarks import bare_ingest
from swatchbook.domain.setting_values import ApiKey, EventSource, WebhookSource
from swatchbook.domain.settings import Settings
from swatchbook.doors.cli.main import app as commands_app
from swatchbook.ingest.delete import delete, end_owner, throw_away
from swatchbook.resources import Resources, open_resources
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.stored_documents import list_documents
from swatchbook.store.ledger.tables import (
    chunks,
    contents,
    documents,
    images,
    inbox,
    pages,
    placements,
    products,
    reviews,
    trash,
)
from swatchbook.store.ledger.trashed_documents import list_trash
from swatchbook_service.app import create_app
from swatchbook_service.sessions import SESSION_COOKIE, _sign
from swatchbook_web.sent_files import keep_file
from tests.deployments.conftest import queued
from tests.doors.conftest import ADDRESS, ALL, bearing
from tests.doors.served import rest
from tests.fixtures import ROOT, make_once
from tests.servers.catalogues import make_catalogue

OWN, TOKEN = "own-0123456789abcdef", "a-token-of-the-shop"
"""The key of `default`, and of the source of its webhooks. Anna has neither."""


class Ask(NamedTuple):
    """One request to a route. Its path has anna's ids, or with `own` those of `default`; `{}` fields are hers."""

    query: str = ""
    own: bool = False
    json: Any = None
    upload: str | None = None  # the part of a form that is anna's catalogue (`file`) or a picture of hers (`image`)
    name: str = "mine.pdf"  # of that file
    fields: Mapping[str, str] = {}
    token: str = ""  # instead of the key
    form: Mapping[str, str] = {}  # as a page sends it
    accept: str = "*/*"


Clients = tuple[TestClient, TestClient]
"""Of services on the home with both owners, and on the one without anna."""


class Cases(NamedTuple):
    """What is asked of routes, and lines of commands, by their names; why other routes and commands are not asked."""

    routes: Mapping[str, Sequence[Ask]]
    open_routes: Mapping[str, str] = {}
    reading: Mapping[str, Sequence[str]] = {}
    acting: Mapping[str, Sequence[str]] = {}
    of_the_machine: Mapping[str, str] = {}


def read_cases(file: Path) -> Cases:
    tables = yaml.safe_load(file.read_text())
    routes = {route: [Ask(**ask) for ask in asks] for route, asks in tables.pop("routes").items()}
    return Cases(routes, **tables)


ALL_CASES = {
    "core": read_cases(Path(__file__).with_suffix(".yaml")),
    **{name: read_cases(ROOT / "packages" / name / "tests" / "leaks.yaml") for name in ("web", "teach", "buckets")},
}
"""Part of the application -> its cases. Events are last: the next try of one is at another time in each home."""

each_part = pytest.mark.parametrize("cases", ALL_CASES.values(), ids=ALL_CASES)


SENDING = {"POST /documents", "POST /hooks/upload", "POST /hooks/events", "POST /ui/uploads", "POST /ui/uploads/files"}
"""What is sent is a document of its sender: there is nothing of anybody else to be seen."""

TRASHED = {"trashed": "annas-old.pdf", "older": "annas-older.pdf", "oldest": "annas-oldest.pdf"}
"""Field -> the name of what anna has in the trash."""

USED_UP = {
    "POST /trash/{document_id}/restore": "trashed",
    "POST /ui/trash/{document_id}/restore": "older",
    "POST /ui/trash/{document_id}/delete": "oldest",
}
"""Route -> the field with the document in the trash that it takes out."""

LAST = {"POST /ui/documents/{document_id}/delete", "DELETE /documents/{document_id}"}
"""Routes after which her document is no longer found."""


def routes(app: FastAPI) -> set[str]:
    """Method and path of everything that the application answers; of another kind of route its class and path."""
    found = set[str]()
    for route in iter_route_contexts(app.routes):
        methods = set(getattr(route, "methods", None) or {type(route.route).__name__}) - {"HEAD"}
        found |= {f"{method} {getattr(route, 'path', route)}" for method in methods}
    return found


def commands(app: typer.Typer) -> dict[str, set[str]]:
    """Name of every command, with its groups -> its options."""

    def walk(command: Any, name: str) -> Iterator[tuple[str, set[str]]]:
        children = getattr(command, "commands", {})
        if not children or (name and command.invoke_without_command):
            yield name, {option for parameter in command.params for option in parameter.opts}
        for child_name, child in children.items():
            yield from walk(child, f"{name} {child_name}".strip())

    whole: Any = typer.main.get_command(app)
    whole.list_commands(None)  # adds those of packages
    return dict(walk(whole, ""))


def test_every_route_has_a_case() -> None:
    asked, not_asked = ({route for cases in ALL_CASES.values() for route in cases[table]} for table in (0, 1))
    assert routes(create_app(Settings(home=Path("nowhere")), loop=rest)) == asked | not_asked
    assert not asked & not_asked


def test_every_command_has_a_case() -> None:
    there = commands(commands_app)
    del there["mcp"]  # packages/assistants/tests/test_assistant_leaks.py
    tables = [table for cases in ALL_CASES.values() for table in cases[2:]]
    assert there.keys() == {name for table in tables for name in table}
    assert sum(map(len, tables)) == len(there)
    assert [name for name in ALL_CASES["core"].of_the_machine if "--owner" in there[name]] == []


class Homes(NamedTuple):
    """A home with both owners, and its copy without anna; what to put into the requests, and what only she has."""

    both: Path
    alone: Path
    hers: Mapping[str, str]
    own: Mapping[str, str]
    words: frozenset[str]


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory, ingested_home: Path) -> Homes:
    made = make_once(tmp_path_factory, "owners", partial(make_homes, ingested_home))
    folder = tmp_path_factory.mktemp("owners")
    both, alone = (shutil.copytree(made / name, folder / name) for name in ("both", "alone"))
    with open_resources(Settings(home=both)) as resources:
        hers, own = (fields(resources, owner, folder) for owner in ("anna", "default"))
        words = told_of(resources.ledger, "anna")
    assert len(words) > 60
    assert not words & told_of(Resources(Settings(home=alone)).ledger, "default")
    return Homes(both, alone, hers, own, words)


def make_homes(ingested_home: Path, folder: Path) -> None:
    both, alone = folder / "both", folder / "alone"
    shutil.copytree(ingested_home, both)
    catalogue = make_catalogue(folder / "birch.pdf", pictures=20)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)  # no stray .env
        patched.setenv("SWATCHBOOK_HOME", str(both))
        bare_ingest.main(catalogue)
        with open_resources(Settings(home=both)) as resources:
            queued(resources, "annas-next")
            for name in TRASHED.values():
                assert throw_away(resources, queued(resources, name.removesuffix(".pdf")).id)
            with resources.ledger.write() as connection:
                connection.execute(insert(inbox), [dead_event("anna"), dead_event("default")])
        shutil.copytree(both, alone)
        with open_resources(Settings(home=alone)) as resources:
            for document in list_documents(resources.ledger, owner="anna"):
                assert delete(resources, document.id)
            end_owner(resources, "anna")
        with open_resources(Settings(home=both)) as resources:
            for name in ("annas-shop.csv", "annas-other-shop.csv"):
                (folder / "items.csv").write_text("id,title,images\n1,Annas oak,a.png\n")
                keep_file(resources, folder / "items.csv", "anna", name)


def dead_event(owner: str) -> dict[str, Any]:
    """What a bucket told of an object that cannot be ingested, as a row."""
    url = f"s3://{owner}s-bucket"
    return {
        "id": sha256(owner.encode()).hexdigest()[:26], "object": sha256(url.encode()).hexdigest(), "owner": owner,
        "url": f"{url}/broken.pdf", "source": url, "event": "ObjectCreated:Put", "version": "1", "order_key": "1",
        "state": "dead", "failure_kind": "unsupported_format", "at": 1.0, "changed_at": time.time(),
        "message": f"{owner}s broken.pdf: the file is not a PDF.",
    }  # fmt: skip


def fields(resources: Resources, owner: str, folder: Path) -> dict[str, str]:
    """Ids and names of an owner's oldest document, copies of its file and of a picture of it, and a question."""
    with resources.ledger.read() as connection:
        owned = select(documents).where(documents.c.owner == owner).order_by(documents.c.created_at)
        document = connection.execute(owned).mappings().first()
        assert document is not None
        image = connection.execute(
            select(images.c.id, contents.c.file)
            .join(contents, contents.c.key == images.c.content_key)
            .join(placements, placements.c.image == images.c.id)
            .where(placements.c.document == document["id"], placements.c.state == "shown")
        ).first()
        product = connection.execute(select(products).where(products.c.document == document["id"])).first()
    assert image is not None
    assert product is not None
    for name, file in (("catalogue", document["file"]), ("picture", image.file)):
        (folder / f"{owner}-{name}").write_bytes(resources.files.read(file))
    return {
        "document": document["id"], "name": document["name"], "file": document["file"], "image": image.id,
        "product": product.id, "product_name": product.name.split()[0], "catalogue": str(folder / f"{owner}-catalogue"),
        "picture": str(folder / f"{owner}-picture"),
        "event": dead_event(owner)["id"],
        **{
            name: {each.name: each.document for each in list_trash(resources.ledger, owner)}.get(file, document["id"])
            for name, file in TRASHED.items()
        },
    }  # fmt: skip


def told_of(ledger: Ledger, owner: str) -> frozenset[str]:
    """Words that only an answer about this owner can have: the beginnings of ids, names and texts."""
    of = select(documents.c.id).where(documents.c.owner == owner)
    ids = (
        of, select(images.c.id).where(images.c.owner == owner),
        *(select(table.c.id).where(table.c.document.in_(of)) for table in (placements, products, chunks)),
    )  # fmt: skip
    entities = select(pages.c.entities).where(pages.c.document.in_(of), pages.c.entities.is_not(None))
    names = (
        select(documents.c.name).where(documents.c.owner == owner),
        select(products.c.name).where(products.c.document.in_(of)),
    )
    texts = select(contents.c.text).join(chunks, chunks.c.text_key == contents.c.key).where(chunks.c.document.in_(of))

    def column(query: Any) -> list[str]:
        return list(ledger.execute(query).scalars())

    return frozenset(
        [each[:8] for query in ids for each in column(query)]
        + [name for query in names for name in column(query)]
        + [each["id"][:8] for found in column(entities) for each in found]
        + [dead_event(owner)["url"], dead_event(owner)["id"][:8]]
        + [text.partition("\n")[0][:30] for text in column(texts)]
    )


def rows_of_anna(home: Path) -> list[object]:
    with open_resources(Settings(home=home)) as resources, resources.ledger.read() as connection:
        hers = (
            select(documents).where(documents.c.owner == "anna").order_by(documents.c.id),
            select(images).where(images.c.owner == "anna").order_by(images.c.id),
            select(products).order_by(products.c.id),
            select(trash),
            select(inbox).where(inbox.c.owner == "anna"),
            select(reviews),
        )
        return [tuple(row) for query in hers for row in connection.execute(query)]


def service_of(home: Path) -> TestClient:
    keys = tuple(
        ApiKey(name=name, key=SecretStr(key), owners=(owner,))
        for name, key, owner in (("own", OWN, "default"), ("all", ALL, "*"))
    )
    shop = WebhookSource(name="shop", token=SecretStr(TOKEN), owners=("default",))
    owners = ("default",) if home.name == "alone" else ("anna", "default")  # a source makes its owner known
    buckets = tuple(EventSource(url=f"s3://{owner}s-bucket", owner=owner) for owner in owners)
    settings = Settings(home=home, api_keys=keys, webhook_sources=(shop,), event_sources=buckets)
    return TestClient(create_app(settings, loop=rest), base_url=ADDRESS)


def session_of(key: str, seconds: int = 3_600) -> str:
    """The cookie of a session that a login with this key would begin, which ends in so many seconds."""
    claim = f"{int(time.time()) + seconds}.{'0' * 32}"
    secret = ApiKey(name="x", key=SecretStr(key), owners=("*",))
    return f"{claim}.{_sign(secret, claim)}"


def answer(client: TestClient, homes: Homes, route: str, ask: Ask, headers: dict[str, str]) -> tuple[int, bytes]:
    method, path = route.split(" ")
    ids = homes.own if ask.own else homes.hers
    path = path.format(
        document_id=ids[USED_UP.get(route, "document")], newer_id=homes.own["document"],
        image_id=ids["image"], product_id=ids["product"], event_id=ids["event"],
        number=1, edit_number=1,
        name="swagger-ui.css", form="csv", verdict="accept",
    )  # fmt: skip
    body: dict[str, Any] = {}
    if ask.json is not None:
        body = {
            "json": json.loads(
                json.dumps(ask.json).replace("{file}", homes.hers["file"]).replace("{document}", homes.hers["document"])
            )
        }
    if ask.upload:
        part = Path(homes.hers["catalogue" if ask.upload == "file" else "picture"])
        body = {
            "files": {ask.upload: (ask.name, part.read_bytes())},
            "data": {name: value.format(**homes.hers) for name, value in ask.fields.items()},
        }
    if ask.form:
        body = {"data": {name: value.format(**homes.hers) for name, value in ask.form.items()}}
    if ask.token:
        headers = bearing(ask.token)
    got = client.request(
        method, f"{path}?{ask.query.format(**homes.hers)}", headers=headers | {"Accept": ask.accept}, **body
    )
    return got.status_code, got.content


def run(home: Path, homes: Homes, line: str, owner: str) -> tuple[int, str]:
    fields = {**homes.hers, "catalogue": homes.own["catalogue"]}
    words = [*(word.format(**fields) for word in line.split()), "--owner", owner]
    result = CliRunner().invoke(commands_app, words, env={"SWATCHBOOK_HOME": str(home), "COLUMNS": "400"})
    if result.exception and not isinstance(result.exception, SystemExit):
        return 1, f"{type(result.exception).__name__}: {result.exception}"
    return result.exit_code, re.sub(r"\b\d{10}\.\d+", "TIME", result.output.replace(str(home), "HOME"))


def told(homes: Homes, got: object, request: str) -> set[str]:
    """Which of anna's words an answer has that were not in the request."""
    text = repr(got)
    return {word for word in homes.words if word in text and word not in request}


@pytest.fixture(scope="module")
def clients(homes: Homes) -> Iterator[Clients]:
    with service_of(homes.both) as both, service_of(homes.alone) as alone:
        yield both, alone


@each_part
def test_without_a_key_nothing_is_told(homes: Homes, clients: Clients, cases: Cases) -> None:
    for route, asks in cases.routes.items():
        for ask in asks:
            if not ask.token:
                status, content = answer(clients[0], homes, route, ask, {})
                assert status == 401, (route, ask)
                assert told(homes, content, f"{ask} {homes.hers}") == set()
    for route in cases.open_routes:
        assert answer(clients[0], homes, route, Ask(), {}) == answer(clients[1], homes, route, Ask(), {})


FALSE: Mapping[str, Mapping[str, str]] = {
    "nobody's key": bearing("nobody-0123456789abcdef"),
    "a key with a letter more": bearing(f"{ALL}x"), "a key with a letter less": bearing(ALL[:-1]),
    "a key in capital letters": bearing(ALL.upper()), "an empty key": bearing(""),
    "a key of all, behind nobody's": {**bearing("nobody-0123456789abcdef"), "X-API-Key": ALL},
    "a key by another scheme": {"Authorization": f"Basic {ALL}"},
    "a key in a header of proxies": {"Proxy-Authorization": f"Bearer {ALL}", "X-Forwarded-Authorization": ALL},
    "a key as a cookie": {"Cookie": f"{SESSION_COOKIE}={ALL}; Authorization={ALL}"},
    "the hash of a key": bearing(hashlib.sha256(ALL.encode()).hexdigest()), "the name of a key": bearing("all"),
    "the name of an owner": {"X-API-Key": "default", "X-Owner": "anna", "X-Forwarded-User": "anna"},
    "an address of this machine": {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "Forwarded": "for=[::1]"},
    "a session that is over": {"Cookie": f"{SESSION_COOKIE}={session_of(ALL, seconds=-1)}"},
    "a session signed by nobody's key": {"Cookie": f"{SESSION_COOKIE}={session_of('nobody-0123456789abcdef')}"},
    "a session without a signature": {"Cookie": f"{SESSION_COOKIE}={session_of(ALL).rpartition('.')[0]}"},
    "a session that lasts longer than was signed": {"Cookie": f"{SESSION_COOKIE}=9{session_of(ALL)}"},
    "the token of a shop": bearing(TOKEN),
}  # fmt: skip
"""Who is nobody that the service knows -> what the request says. None of it may open any route."""


@each_part
def test_no_route_is_opened_by_a_false_identity(homes: Homes, clients: Clients, cases: Cases) -> None:
    """By each of them in `make nightly`, by three in the gate."""
    turns = cycle(FALSE.items())
    for route, (ask, *_) in cases.routes.items():
        for identity, headers in islice(turns, len(FALSE) if os.environ.get("TEST_NIGHTLY") else 3):
            if (identity, route) == ("the token of a shop", "POST /hooks/upload"):  # that is what it is for
                continue
            key = "" if route == "POST /hooks/events" else f"&key={ALL}"  # only its senders may put a key there
            asked = ask._replace(token="", query=f"{ask.query}{key}&api_key={ALL}&access_token={ALL}&owner=anna")
            status, content = answer(clients[0], homes, route, asked, dict(headers))
            assert status == 401, (identity, route)
            assert told(homes, content, f"{ask} {homes.hers}") == set()


@each_part
def test_no_other_site_changes_anything_through_a_session(homes: Homes, clients: Clients, cases: Cases) -> None:
    before = rows_of_anna(homes.both)
    for origin in (None, "null", "", "https://evil.example", f"{ADDRESS}.evil.example", "http://127.0.0.1:1"):
        headers = {"Cookie": f"{SESSION_COOKIE}={session_of(ALL)}"} | ({} if origin is None else {"Origin": origin})
        for route, (ask, *_) in cases.routes.items():
            if not route.startswith("GET "):
                expected = 401 if route == "POST /hooks/upload" else 403  # it knows no sessions
                assert answer(clients[0], homes, route, ask._replace(token=""), headers)[0] == expected, route
    assert rows_of_anna(homes.both) == before


@each_part
def test_a_session_is_answered_as_its_key_is(homes: Homes, clients: Clients, cases: Cases) -> None:
    """Of what is only read: it sees no more."""
    headers = {"Cookie": f"{SESSION_COOKIE}={session_of(OWN)}", "Origin": ADDRESS}
    for route, (ask, *_) in cases.routes.items():
        if route.startswith("GET "):
            both, alone = (answer(client, homes, route, ask, headers) for client in clients)
            assert both == alone, route
            assert both[0] == answer(clients[0], homes, route, ask, bearing(OWN))[0], route
            assert told(homes, both, f"{ask} {homes.hers}") == set(), route


@each_part
def test_key_is_answered_as_if_others_were_absent(homes: Homes, clients: Clients, cases: Cases) -> None:
    before = rows_of_anna(homes.both)
    for route in ("GET /images/{image_id}/thumbnail", "GET /documents/{document_id}/pages/{number}"):
        assert answer(clients[0], homes, route, Ask(), bearing(ALL))[0] == 200, f"{route}: now it is in the cache"
    for route, asks in cases.routes.items():
        for ask in asks:
            both, alone = (answer(client, homes, route, ask, bearing(OWN)) for client in clients)
            assert both[0] < 500, (route, ask, both)
            assert both == alone, (route, ask)
            assert told(homes, both, f"{ask} {homes.hers}") == set(), (route, ask)
    assert rows_of_anna(homes.both) == before


@each_part
def test_command_for_one_owner_shows_nothing_of_others(homes: Homes, cases: Cases) -> None:
    before = rows_of_anna(homes.both)
    for line in (line for table in (cases.reading, cases.acting) for lines in table.values() for line in lines):
        both, alone = (run(home, homes, line, "default") for home in (homes.both, homes.alone))
        assert both == alone, line
        assert told(homes, both, line.format(**homes.hers)) == set(), line
    assert rows_of_anna(homes.both) == before


@pytest.mark.nightly
@each_part
def test_key_that_may_see_her_gets_other_answers(homes: Homes, clients: Clients, cases: Cases) -> None:
    """Else the two tests above could not fail. It comes last, since it changes what is anna's."""
    for command, lines in cases.reading.items():
        both, alone = (run(home, homes, lines[0], "anna") for home in (homes.both, homes.alone))
        assert both != alone, command
    methods = ("GET", "POST", "DELETE")
    for route in sorted(
        cases.routes.keys() - SENDING, key=lambda route: (route in LAST, methods.index(route.split(" ")[0]))
    ):
        asks = [ask for ask in cases.routes[route] if not ask.own]
        assert any(
            answer(clients[0], homes, route, ask, bearing(ALL)) != answer(clients[1], homes, route, ask, bearing(ALL))
            for ask in asks
        ), route
    clients[0].post(f"/trash/{homes.hers['document']}/restore", headers=bearing(ALL))  # for the next part
