"""The tools for assistants, asked by the SDK's own client: over real stdio, and over real HTTP with keys."""

import asyncio
import base64
import inspect
import io
import json
import re
import shutil
import signal
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE
from typing import Any

import httpx
import httpx2
import pytest
from jsonschema import Draft202012Validator
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from PIL import Image
from typer.testing import CliRunner

from swatchbook.domain.errors import NoCollection
from swatchbook.domain.records import IngestOptions, Record
from swatchbook.domain.settings import Settings, load_settings
from swatchbook.doors.cli.main import app
from swatchbook.ingest.register_path import register_path
from swatchbook.previews import as_small_jpeg
from swatchbook.store.ledger.database import open_ledger
from swatchbook.store.ledger.stored_documents import list_documents
from swatchbook_assistants import server, tools
from swatchbook_assistants.server import Starter, call, create_mcp_app, create_server, open_desk
from swatchbook_assistants.tools import TOOLS
from tests.command import SWATCHBOOK, bare_environment, running
from tests.deployments.conftest import queued
from tests.doors.conftest import ANNA, BERT, BOTH, KEYS, bearing
from tests.doors.served import on_socket
from tests.fixtures import ROOT
from tests.pdf.making import png
from tests.tables import rows_of

READING = [name for name, tool in TOOLS.items() if not tool.writes]
PAGE = ROOT / "docs" / "assistants.md"

Ask = Callable[[Client], Awaitable[Any]]


def over_stdio(home: Path, ask: Ask, *flags: str) -> Any:
    """What the client gets from a server that it starts, with anna as owner."""
    environment = bare_environment() | {"SWATCHBOOK_HOME": str(home)}
    words = ["mcp", "--owner", "anna", *flags]
    return talk(StdioServerParameters(command=SWATCHBOOK, args=words, env=environment, cwd=home.parent), ask)


def in_process(home: Path, ask: Ask, *, write: bool = False) -> Any:
    """What the client gets from the same server in this process."""
    with desk(home) as shared:
        return talk(create_server(shared, lambda _: ME, asyncio.Event(), write=write), ask)


def over_http(url: str, key: str | None, ask: Ask) -> Any:
    """What the client gets from a server at an address."""
    http = httpx2.AsyncClient(headers=bearing(key) if key else {}, timeout=60)
    return talk(streamable_http_client(url, http_client=http), ask)


def talk(to: Any, ask: Ask, mode: str = "auto") -> Any:
    async def both() -> Any:
        async with Client(to, mode=mode) as client:
            return await ask(client)

    return asyncio.run(both())


@contextmanager
def serving(home: Path, *, keys: bool = True, write: bool = False) -> Iterator[str]:
    """The address of a server over HTTP."""
    settings = Settings.model_validate({"home": home, "api_keys": KEYS if keys else ()})
    with on_socket(create_mcp_app(settings, write=write), lifespan="on") as port:
        yield f"http://127.0.0.1:{port}/mcp"


def asking(name: str, **arguments: Any) -> Ask:
    async def ask(client: Client) -> Any:
        return await client.call_tool(name, arguments)

    return ask


async def listing(client: Client) -> Any:
    return await client.list_tools()


@contextmanager
def desk(home: Path, *, local: bool = True, **settings: Any) -> Iterator[tools.Desk]:
    """What the tools share, on this process's settings."""
    opened = open_desk(load_settings(home=home, **settings), local=local)
    try:
        yield opened
    finally:
        opened.resources.close()


def test_assistant_searches_and_sees_a_page_over_stdio(filled: Path, tmp_path: Path) -> None:
    async def ask(client: Client) -> None:
        assert [each.name for each in (await client.list_tools()).tools] == READING
        found = await client.call_tool("search", {"text": "oak floor", "by": "product"})
        (hit, *_) = found.structured_content["hits"]
        assert (hit["title"], hit["owner"]) == ("Nordvik Oak", "anna")
        document = hit["document_id"]
        shown = await client.call_tool("show_pages", {"document": document, "pages": [3, 4], "width": 300})
        assert shown.structured_content["pages"] == [3, 4]
        assert [sides(each.data) for each in shown.content[1:]] == [(300, 425), (300, 425)]
        image = hit["images"][0]
        small = await client.call_tool("show_pictures", {"images": [image]})
        picture = small.content[1].data
        assert max(sides(picture)) <= 512
        file = tmp_path / "picture.jpg"
        file.write_bytes(base64.b64decode(picture))
        for given in ({"picture_path": str(file)}, {"picture": picture}):
            alike = await client.call_tool("search", {"k": 1, **given})
            assert [each["id"] for each in alike.structured_content["hits"]] == [image]
        product = await client.call_tool("show_product", {"product": hit["id"]})
        assert product.structured_content["facts"]["price"]
        assert product.structured_content["variants"]
        listed = await client.call_tool("list_products", {"document": document, "limit": 1})
        (oak,) = listed.structured_content["products"]
        assert oak["name"] == "Nordvik Oak"
        assert oak["variants"] == product.structured_content["variants"][:5]
        assert oak["variant_count"] == product.structured_content["variant_count"] > 0
        rest = {"document": document, "cursor": listed.structured_content["next"]}
        assert [each["name"] for each in (await client.call_tool("list_products", rest)).structured_content["products"]]
        account = (await client.call_tool("account", {})).structured_content
        assert account["closes"]
        assert account["images"]["found"] == account["images"]["complete"] == 14
        assert [each["id"] for each in account["documents"]] == [document]
        values = (await client.call_tool("facets", {"by": "product"})).structured_content["fields"]["product"]
        assert {each["value"] for each in values["values"]} >= {"Nordvik Oak"}

    over_stdio(filled, ask)


def sides(picture: str) -> tuple[int, int]:
    with Image.open(io.BytesIO(base64.b64decode(picture))) as shown:
        assert shown.format == "JPEG"
        return shown.size


def test_errors_are_results_in_plain_words(filled: Path) -> None:
    async def ask(client: Client) -> None:
        for name, arguments, said in rows_of(__file__, "refused"):
            answer = await client.call_tool(name, arguments)
            assert answer.is_error, name
            (text,) = answer.content
            assert text.text.startswith(said), name
            assert not re.search(r"Traceback|Error\b|pydantic|\.py|None|Input|valid|tuple|type=", text.text), text.text

    in_process(filled, ask)


def test_missing_collection_is_named_and_not_made(tmp_path: Path) -> None:
    for flags in [(), ("--http", "127.0.0.1:0")]:
        done = CliRunner(env={"SWATCHBOOK_HOME": str(tmp_path / "colection")}).invoke(app, ["mcp", *flags])
        assert (isinstance(done.exception, NoCollection), done.stdout) == (True, "")
        assert f"There is no collection in {tmp_path / 'colection'}." in str(done.exception)
        assert not (tmp_path / "colection").exists()


@pytest.mark.nightly
def test_ctrl_c_ends_a_server_that_waits(filled: Path) -> None:
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    environment = bare_environment() | {"SWATCHBOOK_HOME": str(filled)}
    with subprocess.Popen(
        [SWATCHBOOK, "mcp", "--owner", "anna"], stdin=PIPE, stdout=PIPE, env=environment, cwd=filled.parent
    ) as started:
        assert started.stdin
        assert started.stdout
        started.stdin.write(json.dumps(asked).encode() + b"\n")
        started.stdin.flush()
        assert json.loads(started.stdout.readline())["result"]["serverInfo"]["name"] == "swatchbook"
        started.send_signal(signal.SIGINT)
        try:
            assert started.wait(120) == -signal.SIGINT
        finally:
            started.kill()


def test_all_that_is_missing_is_in_the_account(troubled_home: Path) -> None:
    async def ask(client: Client) -> None:
        account = (await client.call_tool("account", {})).structured_content
        kinds = {(each["what"], each["kind"]): each["count"] for each in account["failing"]}
        assert kinds == {
            ("image", "unreadable_image"): 1, ("document", "unreadable_document"): 1,
            ("image", "file_missing"): 1, ("item", "invalid_reference"): 1,
        }  # fmt: skip
        assert account["document_counts"] == {"completed with failures": 1, "completed, look at it": 1, "failed": 1}
        rows = {each["name"]: each for each in account["documents"]}
        assert rows["broken.pdf"]["status"] == "failed"
        assert "truncated" in rows["broken.pdf"]["message"]
        assert rows["items.jsonl"]["shown"]["word"] == "completed, look at it"
        assert rows["items.jsonl"]["shown"]["sentence"] == "2 of 3 items without all of their pictures."
        whole = (await client.call_tool("failures", {})).structured_content
        assert whole["failing"] == account["failing"]
        assert (whole["total"], whole["next"]) == (None, None)
        assert [(each["document"], each["kind"]) for each in whole["failures"]] == [
            ("broken.pdf", "unreadable_document")
        ]
        told = {}
        for name, row in rows.items():
            first = (await client.call_tool("failures", {"document": row["id"], "limit": 1})).structured_content
            rest = {"document": row["id"], "offset": first["next"] or 1}
            others = (await client.call_tool("failures", rest)).structured_content["failures"]
            told[name] = [(each["subject"], each["path"]) for each in (*first["failures"], *others)]
            assert first["total"] == len(told[name])
        assert told == {
            "broken.pdf": [("document", None)],
            "pictures": [("image", "broken.png")],
            "items.jsonl": [("image", "gone.png"), ("item", "2")],
        }
        refused = await client.call_tool("show_pages", {"document": "pictures", "pages": [1]})
        assert refused.content[0].text.startswith("pictures is not a PDF and has no pages. `list_products` lists")
        listed = (await client.call_tool("list_products", {"document": "pictures"})).structured_content["products"]
        assert [(each["pages"], each["pictures"][0]["page"]) for each in listed] == [([], None), ([], None)]

    in_process(troubled_home, ask)


def test_retry_names_what_was_rejected_and_what_helps(troubled_home: Path, home: Path) -> None:
    shutil.copytree(troubled_home, home)
    with desk(home) as shared:

        def retry(**given: Any) -> tuple[int, str]:
            answer = asyncio.run(call(TOOLS["retry"], shared, ME, given))
            return answer.count, answer.message

        count, message = retry(document="pictures")
        assert (count, message[:45]) == (0, "Nothing is tried again: 1 of 3 items failed f")
        assert message.endswith(" With `force` rejected pictures are tried again whose file could be read.")
        assert retry(document="pictures", force=True) == (0, message.partition(" With `force`")[0])
        count, message = retry(kind="unreadable_image")
        assert (count, "was rejected" in message) == (0, True)
        count, message = retry(document="broken.pdf")
        assert (count, "It was rejected before: The PDF is truncated" in message) == (1, True)


def test_document_is_named_by_id_name_or_beginning(filled: Path) -> None:
    with desk(filled) as shared:
        ledger = shared.resources.ledger
        (document,) = list_documents(ledger, owner="anna")
        same = [
            queued(shared.resources, "same", owner, content=content)
            for owner, content in (("anna", "0" * 64), ("anna", "1" * 64), ("bert", "2" * 64))
        ]  # fmt: skip
        for called in (document.id, document.name, document.id[:8]):
            found = asyncio.run(call(TOOLS["list_products"], shared, ME, {"document": called}))
            assert {each.document_id for each in found.products} == {document.id}
        naming = [name for name, tool in TOOLS.items() if "document" in tool.takes.model_fields]
        assert len(naming) == 7
        for name in naming:
            several = {"document": ["same.pdf"]} if name in ("search", "facets") else {"document": "same.pdf"}
            pages = {"show_pages": {"pages": [1]}, "teach": {"undo": True}}.get(name, {})
            said = refusal(shared, name, several | pages)
            assert said.startswith("'same.pdf' may be any of "), name
            assert [each.id[:13] in said for each in same] == [True, True, False], name
        assert f"({document.name}, anna)" in refusal(shared, "failures", {"document": "nothing.pdf"})


def test_keys_hold_for_each_request(filled: Path) -> None:
    with serving(filled, write=True) as url:
        for headers in ({}, bearing("nobody-0123456789abcdef")):
            refused = httpx.post(url, headers=headers, json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
            assert refused.status_code == 401
        hits = over_http(url, ANNA, asking("search", text="oak", by="product")).structured_content["hits"]
        assert hits[0]["title"] == "Nordvik Oak"
        assert over_http(url, BERT, asking("search", text="oak")).structured_content["hits"] == []
        assert over_http(url, BERT, asking("show_product", product=hits[0]["id"])).is_error
        images = {"images": hits[0]["images"]}
        assert over_http(url, ANNA, asking("show_pictures", **images)).content[1].data
        assert "not found" in over_http(url, BERT, asking("show_pictures", **images)).content[0].text
        hers, elsewhere = {"document": hits[0]["document_id"]}, {"url": "https://shop.example/a.pdf"}
        for name, given in (
            ("teach", hers | {"undo": True}), ("retry", hers | {"force": True}),
            ("ingest", elsewhere | {"owner": "anna"}), ("ingest", elsewhere | {"edition_of": hers["document"]}),
        ):  # fmt: skip
            assert re.search("not found|no access", over_http(url, BERT, asking(name, **given)).content[0].text), name
        unclear = over_http(url, BOTH, asking("account"))
        assert unclear.content[0].text == "This API key has several owners; set `owner` to one of anna, bert."
        assert over_http(url, BOTH, asking("account", owner="anna")).structured_content["images"]["found"] == 14
        taken = {each.name: each.input_schema["properties"] for each in over_http(url, ANNA, listing).tools}
        assert not {"path", "picture_path"} & {*taken["search"], *taken["ingest"]}, "no file of the machine is read"
        assert "owner" in taken["search"]
        for name, given, said in (
            ("search", {"picture_path": str(PAGE)}, "Send the picture"), ("ingest", {"path": "/"}, "Give a `url`"),
        ):  # fmt: skip
            assert said in over_http(url, ANNA, asking(name, **given)).content[0].text


def test_without_keys_only_this_machine_is_answered(filled: Path) -> None:
    with serving(filled, keys=False) as url:
        assert over_http(url, None, asking("account")).structured_content["images"]["found"] == 14
        for foreign in ({"Host": "shop.example"}, {"Origin": "https://shop.example"}):
            assert httpx.post(url, headers=foreign, json={}).status_code == 403
        for mode in ("legacy", "auto"):
            assert talk(url, asking("account"), mode).structured_content["closes"]
        assert httpx.get(url, headers={"Accept": "text/event-stream"}).status_code == 405


@pytest.mark.nightly
def test_command_names_its_address_and_ends_in_order(filled: Path) -> None:
    with running("mcp", "--write", "--http", "127.0.0.1:0", SWATCHBOOK_HOME=str(filled)) as run:
        assert run.process.stdout
        found = re.fullmatch(
            r"Swatchbook for assistants at (http://127\.0\.0\.1:\d+/mcp)\n", run.process.stdout.readline().decode()
        )
        assert found
        assert len(over_http(found[1], None, listing).tools) == len(TOOLS)
        run.process.terminate()
        assert run.wait()[0] in (0, -15)


def test_wrong_addresses_are_refused(home: Path) -> None:
    for flags, said in rows_of(__file__, "wrong_addresses"):
        open_ledger(Settings(home=home).ledger).close()
        run = CliRunner().invoke(app, ["mcp", *flags])
        assert run.exit_code in (1, 2)
        assert said in f"{run.output} {run.exception}"


def test_schemas_are_valid_and_described(filled: Path) -> None:
    for tool in in_process(filled, listing, write=True).tools:
        for schema in (tool.input_schema, tool.output_schema):
            Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object", tool.name
        assert tool.description
        assert tool.annotations.read_only_hint != TOOLS[tool.name].writes
        assert not re.search(r"\bkeys?\b|owner", json.dumps(tool.input_schema)), "over stdio there are neither"
        for name, field in tool.input_schema["properties"].items():
            assert field.get("description"), (tool.name, name)
        assert Draft202012Validator(tool.input_schema).is_valid({"no such argument": 1}) is False


def test_long_texts_are_cut_and_long_answers_refused() -> None:
    class Told(Record):
        texts: tuple[str, ...]

    cut = server._answered(Told(texts=("word " * 1000,)))
    assert cut.structured_content
    assert len(cut.structured_content["texts"][0]) == server.MOST_LETTERS
    refused = server._answered(Told(texts=("x" * 500,) * 300))
    assert refused.is_error
    assert "ask for fewer" in refused.content[0].text  # type: ignore[union-attr]


def test_page_is_made_smaller_until_it_fits() -> None:
    small = as_small_jpeg(png(Image.effect_noise((600, 780), 200).convert("RGB")), 60_000)
    assert len(small) <= 60_000
    with Image.open(io.BytesIO(small)) as shown:
        assert 120 < shown.width < 600


def test_error_has_its_number(filled: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError("secret of the machine")

    monkeypatch.setitem(TOOLS, "account", TOOLS["account"]._replace(run=break_down))  # type: ignore[arg-type]
    answer = in_process(filled, asking("account"))
    assert answer.is_error
    found = re.fullmatch(r"Internal Server Error\. The log has it under ([0-9a-f]{12})\.", answer.content[0].text)
    assert found
    assert any(getattr(each, "id", None) == found[1] and each.exc_info for each in caplog.records)


ME = Starter(name="me", owners=frozenset({"anna"}))


def test_path_and_url_obey_the_usual_rules(home: Path, small_catalogue: Path, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for number in range(2):
        Image.new("RGB", (64, 64), (number * 90, 20, 20)).save(tmp_path / "pictures" / f"{number}.png")
    shutil.copy(small_catalogue, tmp_path / "pictures" / "a.pdf")
    with desk(home, input_roots=(tmp_path,)) as shared:
        taken = asyncio.run(call(TOOLS["ingest"], shared, ME, {"path": str(tmp_path / "pictures")}))
        assert {(each.name, each.owner, each.status) for each in taken.documents} == {
            ("a.pdf", "anna", "queued"), ("pictures", "anna", "queued")
        }  # fmt: skip
        for wrong in ({}, {"path": "a", "url": "https://b.example/c.pdf"}, {"path": "/nowhere"}, {"owner": "bert"}):
            assert refusal(shared, "ingest", wrong)
        assert "public https" in refusal(shared, "ingest", {"url": "https://127.0.0.1/a.pdf"})
        assert "not an https URL" in refusal(shared, "ingest", {"url": "file:///etc/passwd"})
        assert len(list_documents(shared.resources.ledger, owner="anna")) == 2


def test_only_allowed_folders_are_taken_from(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_catalogue: Path
) -> None:
    allowed, other = tmp_path / "allowed", tmp_path / "other"
    for folder in (allowed, allowed / ".hidden", other, other / "known"):
        folder.mkdir()
        Image.new("RGB", (64, 64), "teal").save(folder / "a.png")
    (allowed / "link.png").symlink_to(other / "a.png")
    monkeypatch.chdir(allowed)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    outside = [other / "a.png", other / "nothing", allowed / ".hidden" / "a.png", allowed / "link.png", Path("/")]
    with desk(home) as shared:
        ledger = shared.resources.ledger
        for path in (*outside, other / "known"):
            assert "is in no folder from which assistants may take" in refusal(shared, "ingest", {"path": str(path)})
        assert list_documents(ledger, owner="anna") == []
        assert asyncio.run(call(TOOLS["ingest"], shared, ME, {"path": str(allowed / "a.png")})).documents
        register_path(shared.resources, other / "known", kind=None, owner="anna", options=IngestOptions())
        assert asyncio.run(call(TOOLS["ingest"], shared, ME, {"path": str(other / "known")})).documents
        monkeypatch.setenv("HOME", str(allowed / "user"))
        assert "SWATCHBOOK_INPUT_ROOTS" in refusal(shared, "ingest", {"path": str(allowed / "b.png")})


def refusal(shared: tools.Desk, name: str, arguments: dict[str, Any]) -> str:
    """What an assistant is told that a call is refused for."""
    with pytest.raises(Exception) as raised:
        asyncio.run(call(TOOLS[name], shared, ME, arguments))
    return server.in_words(raised.value)


def test_reading_is_previewed_accepted_and_undone(filled: Path) -> None:
    with desk(filled) as shared:
        (document,) = list_documents(shared.resources.ledger, owner="anna")
        shown = {"document": document.id, "page": 3, "names": ["Nordvik Oak"]}
        seen = asyncio.run(call(TOOLS["teach"], shared, ME, shown))
        assert (seen.accepted, seen.products_now) == (False, 2)
        assert seen.rules
        assert list_documents(shared.resources.ledger, owner="anna") == [document], "nothing has changed"
        assert asyncio.run(call(TOOLS["teach"], shared, ME, {**shown, "accept": True})).accepted
        (taught,) = list_documents(shared.resources.ledger, owner="anna")
        assert taught.options.taught.names_are_taught
        asyncio.run(call(TOOLS["teach"], shared, ME, {"document": document.id, "undo": True}))
        (undone,) = list_documents(shared.resources.ledger, owner="anna")
        assert not undone.options.taught.names_are_taught
        assert "has no text 'Zebra'" in refusal(shared, "teach", {**shown, "names": ["Zebra"]})
        assert refusal(shared, "teach", {"document": document.id}).startswith("Give a `page` and `names`")


def test_page_lists_each_tool_with_its_first_sentence() -> None:
    listed = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.read_text(), re.MULTILINE))
    said = {name: inspect.getdoc(tool.run) or "" for name, tool in TOOLS.items()}
    assert list(listed) == list(TOOLS)
    for name, sentence in listed.items():
        first = re.split(r"(?<=\.)\s", " ".join(said[name].split()))[0]
        assert sentence == first, name


@pytest.mark.nightly
def test_configurations_of_the_page_start_a_server(filled: Path) -> None:
    shown = [
        json.loads(each) for each in re.findall(r"^```json\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    ]
    servers = [each for config in shown for each in (config.get("servers") or config["mcpServers"]).values()]
    local = [each for each in servers if "command" in each]
    assert len(local) == 2
    for each in local:
        assert each["command"].endswith("/swatchbook")
        assert each["env"].keys() == {"SWATCHBOOK_HOME"}
        assert over_stdio(filled, listing, *each["args"][1:]).tools
