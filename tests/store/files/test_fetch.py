"""Fetching what a stranger names: it comes whole, or not at all, and never from where only this machine can reach."""

import asyncio
import datetime
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from swatchbook.domain.errors import (
    Configuration,
    Failure,
    FilesDown,
    HostAway,
    InvalidReference,
    ProviderError,
    ProviderTimeout,
    TooLarge,
    UnsupportedFormat,
)
from swatchbook.domain.public_addresses import is_public
from swatchbook.domain.records import IngestOptions
from swatchbook.domain.settings import load_settings
from swatchbook.ingest.register import register_source
from swatchbook.resources import open_resources
from swatchbook.store.files.fetch import Fetched, copy_object, fetch
from tests.origin import PDF, Origin, origin
from tests.tables import rows_of

LIMIT = 1 << 20


@pytest.fixture
def server() -> Iterator[Origin]:
    with origin() as running:
        yield running


def get(url: str, into: Path, **how: Any) -> Fetched:
    limits = {"max_bytes": LIMIT, "private_hosts": ["127.0.0.1"], "seconds": 5, "idle_seconds": 2}
    return asyncio.run(fetch(url, into, **{**limits, **how}))


def at(server: Origin, path: str) -> str:
    return f"http://127.0.0.1:{server.port}{path}"


def answering(*addresses: str) -> Any:
    """A resolver that knows one answer, and remembers what it was asked."""

    async def resolve(host: str, port: int) -> list[str]:
        resolve.asked.append((host, port))  # type: ignore[attr-defined]
        return list(addresses)

    resolve.asked = []  # type: ignore[attr-defined]
    return resolve


PRIVATE = [address for (address,) in rows_of(__file__, "private")]
PUBLIC = ["8.8.8.8", "172.32.0.1", "100.128.0.1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2606:4700::1111"]


def test_only_addresses_of_the_internet_are_public() -> None:
    assert [address for address in PRIVATE + PUBLIC if is_public(address)] == PUBLIC


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_in_ipv6(address: ipaddress.IPv4Address) -> None:
    expected = is_public(str(address))
    assert is_public(str(ipaddress.IPv6Address((0xFFFF << 32) | int(address)))) == expected
    assert is_public(str(ipaddress.IPv6Address((0x64FF9B << 96) | int(address)))) == expected
    if address.is_private or address.is_multicast or address.is_reserved or address.is_link_local:
        assert not expected


def test_unknown_host_may_be_reached_later(tmp_path: Path) -> None:
    async def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(next(reasons), "unknown")

    reasons = iter((socket.EAI_NONAME, socket.EAI_AGAIN))
    for _ in range(2):
        with pytest.raises(HostAway, match=r"We could not reach files\.example\."):
            get("https://files.example/", tmp_path / "a", resolve=unknown)


@given(st.text(max_size=60) | st.from_regex(r"https?://[^/]{0,20}(:\d{0,6})?(/.{0,10})?"))
def test_any_url_brings_a_failure_of_ours(url: str) -> None:
    with pytest.raises(Failure):
        get(url, Path("/nonexistent/a"), private_hosts=(), resolve=answering("127.0.0.1"))


def test_fetched_file_has_its_size_and_name(server: Origin, tmp_path: Path) -> None:
    server.files["/a.pdf"] = PDF
    resolve = answering("127.0.0.1")
    url = f"http://files.example:{server.port}/a.pdf"
    found = get(url, tmp_path / "a", private_hosts=["Files.Example"], resolve=resolve)
    assert found == Fetched(size=len(PDF), name="a.pdf")
    assert (tmp_path / "a").read_bytes() == PDF
    assert resolve.asked == [("files.example", server.port)]
    assert server.seen == [(f"files.example:{server.port}", "/a.pdf")]


def test_tls_checks_the_name_though_address_is_pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, authority = certificate("files.example", tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    with origin(context) as server:
        server.files["/a.pdf"] = PDF
        hosts = ["files.example", "other.example"]
        address = answering("127.0.0.1")
        url = f"https://files.example:{server.port}/a.pdf"
        assert get(url, tmp_path / "a", private_hosts=hosts, resolve=address).size == len(PDF)
        with pytest.raises(ProviderError):
            get(url.replace("files", "other"), tmp_path / "b", private_hosts=hosts, resolve=address)
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(ProviderError):  # an authority that nobody knows
            get(url, tmp_path / "c", private_hosts=hosts, resolve=address)
        assert len(server.seen) == 1


def certificate(name: str, folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context for this name, and the file of the authority that signed it: itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority, private = folder / "authority.pem", folder / "key.pem"
    authority.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, private)
    return context, authority


def test_redirects_are_followed_and_the_name_stays(server: Origin, tmp_path: Path) -> None:
    server.moved |= {"/a%20b.pdf": "/c?x=1", "/c": at(server, "/d")}
    server.files["/d"] = PDF
    assert get(at(server, "/a%20b.pdf"), tmp_path / "a") == Fetched(size=len(PDF), name="a b.pdf")
    assert [path for _, path in server.seen] == ["/a%20b.pdf", "/c?x=1", "/d"]
    server.files |= {"/St%C3%BChle.jpg": PDF, "/St%FChle.jpg": PDF}
    server.moved = {"/utf8": "/Stühle.jpg".encode().decode("latin-1"), "/latin1": "/Stühle.jpg"}
    for path in server.moved:
        assert get(at(server, path), tmp_path / "a").size == len(PDF), path


NO_WHOLE_ANSWER: dict[str, type[Failure]] = {
    "/endless": TooLarge, "/huge": TooLarge, "/over": TooLarge, "/zipped": UnsupportedFormat, "/half": ProviderError,
    **{f"/status/{status}": ProviderError for status in (500, 503, 429)},
    **{f"/status/{status}": InvalidReference for status in (404, 403, 206)},
}  # fmt: skip


def test_what_is_no_whole_answer_is_named(server: Origin, tmp_path: Path) -> None:
    server.files |= {"/fits": b"x" * LIMIT, "/over": b"x" * (LIMIT + 1)}
    assert get(at(server, "/fits"), tmp_path / "a").size == LIMIT
    for path, failure in NO_WHOLE_ANSWER.items():
        with pytest.raises(failure):
            get(at(server, path), tmp_path / "a")


def test_headers_of_content_as_it_is_are_known(server: Origin, tmp_path: Path) -> None:
    server.content_encodings |= {f"/{number}": name for number, name in enumerate(("", "UTF-8", "none", "identity"))}
    server.files |= dict.fromkeys(server.content_encodings, PDF)
    for path in server.content_encodings:
        assert get(at(server, path), tmp_path / "a").size == len(PDF), path


def test_slow_and_missing_servers_are_failures_that_pass(server: Origin, tmp_path: Path) -> None:
    started = time.monotonic()
    for path in ("/drip", "/dripping_head", "/silent"):
        with pytest.raises(ProviderTimeout):
            get(at(server, path), tmp_path / "a", seconds=0.6, idle_seconds=0.3)
    assert time.monotonic() - started < 20
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        with pytest.raises(ProviderError):
            get(f"http://127.0.0.1:{taken.getsockname()[1]}/", tmp_path / "a")


def test_nothing_of_this_machine_is_sent_along(server: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials of ~/.netrc, no cookies."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    server.files["/a"] = PDF
    get(at(server, "/a"), tmp_path / "a")
    assert set(server.headers_seen[0]) == {"host", "user-agent", "accept", "accept-encoding"}
    assert server.headers_seen[0]["accept-encoding"] == "identity"


def copy(store: str, key: str, into: Path, max_bytes: int = LIMIT) -> Fetched:
    return asyncio.run(copy_object(store, key, into, max_bytes=max_bytes))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    (folder / "new").mkdir(parents=True)
    (folder / "new" / "a b.pdf").write_bytes(PDF)
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "out").symlink_to(tmp_path)
    return folder


def test_an_object_is_found_by_its_key(store: Path, tmp_path: Path) -> None:
    for root in (str(store), f"{store}/", f"file://{store}"):
        assert copy(root, "new/a b.pdf", tmp_path / "a") == Fetched(size=len(PDF), name="a b.pdf")
    with fsspec.filesystem("memory").open("/bucket/prefix/c.pdf", "wb") as file:
        file.write(PDF)
    assert copy("memory://bucket/prefix", "c.pdf", tmp_path / "b").size == len(PDF)


OUT = [
    "../secret", "new/../../secret", "/etc/passwd", "new//a b.pdf", "", ".", "./new/a b.pdf", "link", "out/secret",
    "new\\..\\..\\secret", "new/a\x00b", "new", "missing.pdf", "new/a b.pdf/x", "file:///etc/passwd", "~/secret",
    "new/*", "a" * 5_000, "simplecache::https://127.0.0.1/a", "new::file:///etc/passwd", "%2e%2e/secret",
]  # fmt: skip


def test_a_key_never_leads_out_of_its_store(store: Path, tmp_path: Path) -> None:
    for key in OUT:
        with pytest.raises((InvalidReference, FilesDown)):
            copy(str(store), key, tmp_path / "a")
    with pytest.raises(TooLarge):
        copy(str(store), "new/a b.pdf", tmp_path / "a", max_bytes=len(PDF) - 1)
    with pytest.raises(Configuration, match="SWATCHBOOK_UPLOADS_URL"):
        copy("nosuch://bucket", "a.pdf", tmp_path / "a")


def test_a_flow_takes_a_url_or_an_object(
    server: Origin, store: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files["/spring%20sale.pdf"] = PDF
    monkeypatch.setenv("SWATCHBOOK_FETCH_PRIVATE_HOSTS", "127.0.0.1")
    monkeypatch.setenv("SWATCHBOOK_UPLOADS_URL", f"file://{store}")
    with open_resources(load_settings()) as resources:
        sources = (at(server, "/spring%20sale.pdf"), f"file://{store}/new/a b.pdf")
        first, second = (register_source(resources, source, owner="a", options=IngestOptions()) for source in sources)
        assert first.document.name == "spring sale.pdf"
        assert first.document.id == second.document.id  # the same bytes
        assert resources.files.read(first.document.file or "") == PDF
        for wrong in (f"file://{home}/ledger.sqlite", "https://127.0.0.2/", "s3://other/bucket"):
            with pytest.raises(InvalidReference):
                register_source(resources, wrong, owner="a", options=IngestOptions())
        assert list(resources.settings.temporary_folder.iterdir()) == []
