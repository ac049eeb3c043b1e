"""Uploads over real sockets: what is told to be here is here, and what may not come costs little."""

import asyncio
import itertools
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from swatchbook.domain.errors import IndexDown
from swatchbook.domain.records import DocumentStatus, IngestOptions, document_id, sha256
from swatchbook.domain.settings import Settings, load_settings
from swatchbook.ingest import register
from swatchbook.ingest.register import build_request
from swatchbook.store.ledger import runs, schedule
from swatchbook.store.ledger.document_commands import cancel, delete_rows, finish_delete, mark_deleting
from swatchbook.store.ledger.stored_documents import get_document, list_documents
from swatchbook_service.uploads import receive_form
from tests.doors.conftest import asking
from tests.doors.served import Served, served
from tests.origin import PDF
from tests.tables import rows_of
from tests.waiting import until

OTHER = PDF.upper()
FORM = "multipart/form-data; boundary=b"
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def service(home: Path) -> Iterator[Served]:
    with served(load_settings()) as running:
        yield running


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One service for many questions that leave nothing behind, or the same."""
    with served(Settings(home=tmp_path_factory.mktemp("home"))) as running:
        yield running


@pytest.fixture
def strict(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A service with small limits: 1 MiB, half a second of silence, four seconds in all, one upload at once."""
    for name, value in (("MAX_DOCUMENT_MB", 1), ("UPLOAD_IDLE_SECONDS", 0.5), ("UPLOAD_SECONDS", 4)):
        monkeypatch.setenv(f"SWATCHBOOK_{name}", str(value))
    monkeypatch.setattr("swatchbook_service.uploads._UPLOADS_AT_ONCE", 1)
    with served(load_settings()) as running:
        yield running


def send(
    service: Served, data: bytes = PDF, name: str = "a.pdf", key: str | None = None, **fields: str
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.post(f"{service.url}/documents", files={"file": (name, data)}, data=fields, headers=headers)


def problem(answer: httpx.Response, status: int) -> str:
    """What a refusal says; it is a problem of this status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    return str(answer.json().get("detail"))


def test_an_upload_is_durable_when_it_is_answered(service: Served) -> None:
    answer = send(service, owner="alice", options='{"focus": false}')
    assert answer.status_code == 202
    identity = document_id("alice", sha256(PDF))
    assert answer.headers["location"] == f"/documents/{identity}"
    assert answer.json() == {"id": identity, "owner": "alice", "name": "a.pdf", "status": "queued"}
    known = get_document(service.resources.ledger, identity)
    assert (known.status, known.size, known.options.focus) == (DocumentStatus.QUEUED, len(PDF), False)
    assert service.resources.files.read(known.file or "") == PDF
    assert service.waiting == []
    assert httpx.get(service.url + answer.headers["location"]).json()["name"] == "a.pdf"


def test_file_is_on_disk_before_its_document(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = service.resources.settings.home / "files" / sha256(PDF)[:2] / f"{sha256(PDF)}.pdf"
    flushed: list[tuple[Path, bool]] = []
    fsync = os.fsync

    def watched(handle: int) -> None:
        flushed.append((Path(f"/proc/self/fd/{handle}").readlink(), kept.exists()))
        assert list_documents(service.resources.ledger) == []
        fsync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    assert send(service).status_code == 202
    (written, _), *names = flushed
    assert written.name.startswith(".writing-")
    assert names == [(kept, True), (kept.parent, True), (kept.parent.parent, True)]


def test_at_once_the_same_upload_is_one_document(service: Served) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(service), range(16)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(list_documents(service.resources.ledger)) == 1


@pytest.mark.usefixtures("home")
def test_only_an_accepted_upload_wakes_the_loop() -> None:
    with asking() as client:
        woken: asyncio.Event = client.app.state.wake  # type: ignore[attr-defined]
        assert client.post("/documents", files={"file": ("a.txt", b"no PDF")}).status_code == 415
        assert client.get("/documents").status_code == 200
        assert not woken.is_set()
        assert client.post("/documents", files={"file": ("a.pdf", PDF)}).status_code == 202
        assert woken.is_set()


def begin(service: Served, identity: str, options: IngestOptions = IngestOptions()) -> runs.Run:
    asked = build_request(service.resources.settings, options)
    run = runs.begin(
        service.resources.ledger, identity, options=options, fingerprint=asked.fingerprint, requested=asked.requested
    )
    assert isinstance(run, runs.Run)
    return run


def complete(service: Served, identity: str, options: IngestOptions = IngestOptions()) -> DocumentStatus:
    return runs.end(service.resources.ledger, begin(service, identity, options), DocumentStatus.COMPLETED)


@pytest.mark.parametrize(
    ("options", "end"), [('{"focus": false}', DocumentStatus.COMPLETED), ('{"force": true}', None)]
)
def test_new_options_take_effect_after_the_live_run(service: Served, options: str, end: DocumentStatus | None) -> None:
    identity = send(service).json()["id"]
    run = begin(service, identity)
    answer = send(service, options=options)
    assert (answer.status_code, answer.json()["status"], answer.json()["id"]) == (202, "running", identity)
    if end is None:
        cancel(service.resources.ledger, identity)
        assert send(service, options=options).json()["status"] == "queued"
    else:
        assert runs.end(service.resources.ledger, run, end) == DocumentStatus.WAITING
    (known,) = schedule.due_documents(service.resources.ledger)
    asked = IngestOptions.model_validate_json(options)
    assert (known.options, known.launches) == (asked, 1)  # another launch: Prefect takes it for no repetition
    assert complete(service, identity, asked) == DocumentStatus.COMPLETED
    assert get_document(service.resources.ledger, identity).generation != run.generation
    assert schedule.due_documents(service.resources.ledger) == []


def test_last_request_wins_though_an_earlier_launch_begins(service: Served) -> None:
    identity = send(service).json()["id"]
    for options in ('{"focus": false}', '{"force": true}', '{"force": true}'):
        assert send(service, options=options).json()["status"] == "queued"
    known = get_document(service.resources.ledger, identity)
    assert (known.options, known.launches) == (IngestOptions(force=True), 2)
    assert complete(service, identity, IngestOptions(focus=False)) == DocumentStatus.WAITING
    assert complete(service, identity, IngestOptions(force=True)) == DocumentStatus.COMPLETED
    assert send(service).status_code == 200


def test_upload_finishes_a_pending_delete_first(service: Served) -> None:
    first = send(service).json()["id"]
    mark_deleting(service.resources.ledger, first)
    answer = send(service, name="again.pdf")
    assert answer.status_code == 202
    assert answer.json() == {"id": first, "owner": "default", "name": "again.pdf", "status": "queued"}
    assert service.resources.files.read(get_document(service.resources.ledger, first).file or "") == PDF


@pytest.mark.parametrize("outage", [False, True])
def test_upload_is_refused_while_delete_hangs(service: Served, monkeypatch: pytest.MonkeyPatch, outage: bool) -> None:
    """Another process is at it, or the index is down."""

    def unfinished(*_: Any, **__: Any) -> bool:
        if outage:
            raise IndexDown("Weaviate does not answer.")
        return False

    first = send(service).json()["id"]
    mark_deleting(service.resources.ledger, first)
    monkeypatch.setattr(register, "finish_delete", unfinished)
    for options in ("{}", '{"focus": false}', '{"force": true}'):
        answer = send(service, options=options)
        assert (answer.status_code, answer.headers["Retry-After"]) == (409, "15")
        assert answer.json()["detail"].startswith("The document is being deleted")
    assert get_document(service.resources.ledger, first).status == DocumentStatus.DELETING


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"../../../etc/cron.d/evil.pdf", "evil.pdf"),
        ("invoice\u202efdp.exe".encode(), "invoicefdp.exe"),
        (b"\xff\xfe.pdf", "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}.pdf"),
        (b"x" * 10_000 + b".pdf", "x" * 195 + "….pdf"),
        (b"", "document.pdf"),
    ],
)
def test_a_files_name_is_only_shown(shared: Served, name: bytes, shown: str) -> None:
    answer = post_form(shared, form(PDF, name, extra=field(b"owner", b"x" + sha256(name)[:60].encode())))
    assert (answer.status_code, answer.json()["name"]) == (202, shown)
    files = {path.name for path in shared.resources.settings.home.rglob("*") if path.is_file()}
    assert files <= {f"{sha256(PDF)}.pdf", "ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", "reserve"}


def form(
    data: bytes, name: bytes = b"a.pdf", part: bytes = b"file", extra: bytes = b"", end: bytes = b"--b--\r\n"
) -> bytes:
    head = b'--b\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n' % (part, name)
    return extra + head + data + b"\r\n" + end


def field(name: bytes, value: bytes) -> bytes:
    return b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name, value)


def post_form(service: Served, body: bytes, kind: str = FORM) -> httpx.Response:
    return httpx.post(f"{service.url}/documents", content=body, headers={"Content-Type": kind})


@pytest.mark.parametrize(
    ("body", "kind", "status", "said"),
    [
        (b"{}", "application/json", 415, "form"),
        (form(PDF), "multipart/form-data", 415, "form"),
        (form(PDF), "multipart/form-data; boundary=", 415, "form"),
        (form(PDF), "multipart/form-data; boundary=" + "b" * 500, 400, "is malformed"),
        (form(b"MZ" + b"x" * 5_000), FORM, 415, "not a PDF"),
        (form(b""), FORM, 422, "the file is empty"),
        (form(b"x" * 2_000 + PDF), FORM, 415, "not a PDF"),
        (form(PDF, part=b"document"), FORM, 400, "`file` is missing"),
        (form(PDF, end=b""), FORM, 400, "is incomplete"),
        (form(PDF, extra=form(PDF, end=b"")), FORM, 400, "occurs twice"),
        (form(PDF, extra=field(b"owner", b"a") * 2), FORM, 400, "occurs twice"),
        (form(PDF, extra=field(b"owner", b"\xff")), FORM, 400, "not UTF-8"),
        (form(PDF, extra=field(b"owner", b"x" * 70_000)), FORM, 413, "64 KiB"),
        (form(PDF, extra=b"".join(field(b"f%d" % n, b"") for n in range(40))), FORM, 400, "more than 16"),
        (b"no form at all", FORM, 400, "is malformed"),
        (b"", FORM, 400, "is incomplete"),
        (form(PDF, name=b"x" * 100_000), FORM, 400, "not multipart"),
        *((form(PDF, extra=field(*map(str.encode, given))), FORM, 422, said)
          for *given, said in rows_of(__file__, "fields")),
    ],
)  # fmt: skip
def test_invalid_form_is_refused_with_its_reason(
    shared: Served, body: bytes, kind: str, status: int, said: str
) -> None:
    assert said in problem(post_form(shared, body.replace(PDF, OTHER), kind), status)
    assert shared.waiting == []
    assert f"{sha256(OTHER)}.pdf" not in set(shared.resources.files.keys())


@contextmanager
def raw(
    service: Served,
    *,
    length: int | None = None,
    path: str = "/documents",
    kind: str = FORM,
) -> Iterator[socket.socket]:
    """A connection on which the head of an upload was sent; chunked if no length is announced."""
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n{size}\r\n\r\n".encode()
        )
        yield connection


def status_of(connection: socket.socket) -> int:
    """The status of the answer, which closes the connection."""
    answer = b""
    while some := connection.recv(65_536):
        answer += some
    assert b"connection: close" in answer.lower()
    return int(answer.split()[1])


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def test_ten_gigabytes_are_refused_before_they_come(service: Served) -> None:
    started = time.monotonic()
    for length in (10 << 30, 10**18):
        with raw(service, length=length) as connection:
            assert status_of(connection) == 413
    assert time.monotonic() - started < 5


def flood(connection: socket.socket, most: int) -> int:
    """Send chunks until the other side closes; return how many bytes it took."""
    sent = 0
    with suppress(OSError):
        while sent < most:
            connection.sendall(chunk(b" " * 65_536))
            sent += 65_536
    return sent


def test_endless_body_is_cut_off_at_the_limit(strict: Served) -> None:
    with raw(strict) as connection:
        connection.sendall(chunk(form(PDF, end=b"")))
        assert flood(connection, 100 << 20) < 20 << 20  # what sockets hold, beside the limit
    assert strict.waiting == []
    assert list_documents(strict.resources.ledger) == []


@pytest.mark.parametrize("path", [f"/documents/{NOBODY}/retry", "/documents", "/search", "/live"])
def test_no_route_takes_a_body_without_end(shared: Served, path: str) -> None:
    with raw(shared, path=path, kind="application/json") as connection:
        assert flood(connection, 256 << 20) < 64 << 20
    assert httpx.get(f"{shared.url}/live").status_code == 200


def test_too_large_upload_is_refused_with_the_limit(strict: Served) -> None:
    assert "1 MiB" in problem(send(strict, PDF + b"x" * (1 << 20)), 413)
    assert send(strict, PDF + b"x" * ((1 << 20) - len(PDF))).status_code == 202  # just the limit
    assert strict.waiting == []


def test_slow_sender_is_cut_off_in_time(strict: Served) -> None:
    started = time.monotonic()
    with raw(strict, length=100_000) as connection:
        connection.sendall(form(PDF, end=b"")[:500])
        connection.settimeout(0.1)
        answer = b""
        while not answer:
            try:
                answer = connection.recv(4_096)
            except TimeoutError:
                connection.sendall(b"x")
    assert int(answer.split()[1]) == 408
    assert 3.8 < time.monotonic() - started < 12
    assert strict.waiting == []


def test_who_hangs_up_leaves_nothing(service: Served) -> None:
    with raw(service, length=100_000) as connection:
        connection.sendall(form(PDF, end=b""))
        until(lambda: len(service.waiting) == 1)
    until(lambda: service.waiting == [])
    assert list_documents(service.resources.ledger) == []


def test_concurrent_uploads_are_limited_and_take_turns(strict: Served) -> None:
    with raw(strict, length=100_000) as connection:
        connection.sendall(form(PDF, end=b""))
        until(lambda: len(strict.waiting) == 1)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(send, strict, name="b.pdf")
            end = time.monotonic() + 0.9
            while time.monotonic() < end:  # the first one is alive, and keeps its place
                connection.sendall(b"x")
                time.sleep(0.1)
            refused = waiting.result()
        assert "concurrent uploads" in problem(refused, 503)
        assert int(refused.headers["retry-after"]) > 0
    until(lambda: strict.waiting == [])
    assert send(strict).status_code == 202


def test_full_disk_says_what_to_do_and_passes(small_disk: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both where the upload is written first and where its file is kept."""
    monkeypatch.setenv("SWATCHBOOK_FILES_URL", str(small_disk))
    for folder, ballast in ((small_disk, 2 << 20), (home / "tmp", 0)):
        if folder != small_disk:
            (home / "tmp").rmdir()
            (home / "tmp").symlink_to(small_disk / "tmp")
            (small_disk / "tmp").mkdir()
        with served(load_settings()) as service:
            (small_disk / "ballast").write_bytes(bytes(ballast))
            data = PDF + os.urandom((2 << 20) if ballast else (4 << 20))
            refused = send(service, data)
            assert "Free some" in problem(refused, 507)
            assert refused.headers["retry-after"]
            assert service.waiting == []
            assert list_documents(service.resources.ledger) == []
            (small_disk / "ballast").unlink()
            assert send(service).status_code == 202
            mark_deleting(service.resources.ledger, document_id("default", sha256(PDF)))
            delete_rows(service.resources.ledger, document_id("default", sha256(PDF)))
            assert finish_delete(service.resources.ledger, document_id("default", sha256(PDF)))


EDGES = [b"\r\n", b"\r\n--b", b"\r\n--bb", b"--b--", b"\r", b"\n", b"-", b"\x00", b"%PDF-", b"x" * 700]


@given(
    data=st.lists(st.sampled_from(EDGES) | st.binary(max_size=20), max_size=30).map(b"".join),
    cuts=st.lists(st.integers(0, 3_000), max_size=20),
    last=st.booleans(),
)
def test_form_is_the_same_however_it_is_cut(data: bytes, cuts: list[int], last: bool) -> None:
    """Boundaries in two pieces, pieces of nothing, and bytes that are nearly a boundary."""
    content = b"%PDF-1.7" + data.replace(b"\r\n--b", b"\r\n-b")
    whole = (
        form(content, end=field(b"owner", b"alice") + b"--b--\r\n")
        if last
        else form(content, extra=field(b"owner", b"alice"))
    )
    edges = sorted({0, *(cut for cut in cuts if cut < len(whole)), len(whole)})
    messages = [
        {"type": "http.request", "body": whole[start:end], "more_body": end < len(whole)}
        for start, end in itertools.pairwise(edges)
    ]
    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", FORM.encode())]}

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    with tempfile.TemporaryDirectory() as folder:
        into = Path(folder) / "file"
        request = Request(scope, receive)
        fields, name = asyncio.run(receive_form(request, Settings(home=Path(folder)), into))
        assert (fields, name, into.read_bytes()) == ({"owner": "alice"}, "a.pdf", content)
