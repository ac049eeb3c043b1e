"""What many tests stand on: a real Prefect server, the samples, and a home of one's own, empty or ingested."""

import gc
import json
import os
import shutil
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache, wraps
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil
import pytest
from filelock import FileLock
from httpx._config import DEFAULT_TIMEOUT_CONFIG
from hypothesis import HealthCheck, settings

import swatchbook.models  # noqa: F401 — one thread for each operation, told before numpy or torch is loaded
from devtools.weaviate import free_ports
from swatchbook.doors.prefect_server import FEW_TRANSACTIONS
from tests.command import bare_environment, finish
from tests.ingest.sources.pictures import draw
from tests.kept_children import KeptChildren, kept_children
from tests.needs import missing

gc.disable()  # while tests are collected

if TYPE_CHECKING:
    from swatchbook.resources import Resources
    from swatchbook.store.ledger.database import Ledger
    from tests.models.providers.standin import Provider

# Tests ask a service and wait: a busy machine stands still for longer than the five seconds that httpx allows.
DEFAULT_TIMEOUT_CONFIG.read = DEFAULT_TIMEOUT_CONFIG.connect = DEFAULT_TIMEOUT_CONFIG.pool = 60

# The gate draws the same examples each time. What a fixture makes serves all examples of its test.
settings.register_profile(
    "gate",
    derandomize=True,
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("nightly", settings.get_profile("gate"), derandomize=False, max_examples=150)
settings.load_profile("nightly" if os.environ.get("TEST_NIGHTLY") else "gate")

os.environ.setdefault("SWATCHBOOK_OCR", "off")
os.environ.setdefault("SWATCHBOOK_OCR_LANGUAGES", "[]")  # on every machine the same, whatever data it has
"""Most tests' pages have a picture and hardly any text: reading their pixels would take 2 s a document. What is about
printed text says `ocr="auto"`."""

ROOT = Path(__file__).parents[1]
pytest.register_assert_rewrite("tests.servers.audit", "tests.servers.halfway")  # a failure shows what was found
SAMPLES = ROOT / "samples" / "build"
_MEMORY = Path("/dev/shm")
SOAK = bool(os.environ.get("SWATCHBOOK_TEST_SOAK"))
"""`make soak`: kills, floods and rounds as often as docs/RELIABILITY.md says, outages of a minute."""


SERVERS = frozenset({"prefect_server", "postgres", "weaviate_server", "minio_server"})
"""Fixtures that start a server. A test that names one, directly or through other fixtures, is marked `stack`."""
_LONGEST = (
    *("servers", "containers", "upkeep", "scheduler", "deployments", "samples", "flows", "cli"),
    *("tests", "doors"),  # last, their files of five minutes would keep one worker alone
)
_SHARED = ("servers", "containers")
"""Folders whose tests stand on one stack, or on one engine."""


@pytest.hookimpl(wrapper=True, tryfirst=True)  # else pytest-xdist has looked for groups before there are any
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Sort the longest folders first, so that workers end together. A file stays with one worker, and so do folders
    that share what they start. Mark what needs a server `stack`, and `nightly` unless it is marked `gate`.
    """
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            shared = item.path.parent if item.path.parent.name in _SHARED else item.path
            item.add_marker(pytest.mark.xdist_group(shared.relative_to(ROOT).as_posix()))
        if not SERVERS.isdisjoint(item.fixturenames):  # type: ignore[attr-defined]
            item.add_marker("stack")
        if item.get_closest_marker("stack") and not item.get_closest_marker("gate"):
            item.add_marker("nightly")
        for reason in filter(None, map(missing, _needs(item))):
            item.add_marker(pytest.mark.skip(reason=reason))
    yield
    copying = {item.path for item in items if "ingested_home" in item.fixturenames}  # type: ignore[attr-defined]

    def rank(item: pytest.Item) -> tuple[int, bool]:
        folder = item.path.parent.name
        return _LONGEST.index(folder) if folder in _LONGEST else len(_LONGEST), item.path in copying

    items.sort(key=rank)
    # One worker makes the ingested home at once; the others begin with files that do not wait for it.
    maker = next((item.path for item in items if item.path in copying), None)
    items.sort(key=lambda item: item.path != maker)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Let the garbage collector leave all that is imported by now alone: it stays, and looking through it again and
    again was a fifth of a test's processor time. Until now it was off.
    """
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
    """Fail a test that asks for a server at run time without the marker `stack`: `make test` would build the server."""
    item: pytest.Item = request._pyfuncitem
    if fixturedef.argname in SERVERS and not item.get_closest_marker("stack"):
        pytest.fail(f"{item.nodeid} starts {fixturedef.argname}: mark it, or its parameter, with `stack`.")


def _needs(item: pytest.Item) -> list[str]:
    return [need for mark in item.iter_markers("needs") for need in mark.args]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI nothing may be left out: a skipped test has failed. Only `make test`, which CI runs before it installs any
    package, may skip what needs one: `make test-stack` runs these tests afterwards.
    """
    report = yield
    later = "not stack" in item.config.getoption("markexpr") and any(map(missing, _needs(item)))
    if report.skipped and os.environ.get("CI") and not later:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, which CI does not allow: {report.longrepr}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the seconds of each folder, summed over the workers. pytest itself prints the slowest tests."""
    folders, tests = Counter[str](), Counter[str]()
    for report in chain.from_iterable(terminalreporter.stats.values()):
        if isinstance(report, pytest.TestReport):
            folder = report.nodeid.partition("::")[0].rpartition("/")[0]
            folders[folder] += report.duration  # type: ignore[assignment]  # a Counter of floats
            tests[folder] += report.when == "call"
    terminalreporter.section("seconds by folder")
    for folder, seconds in folders.most_common():
        terminalreporter.write_line(f"{seconds:7.1f} s {tests[folder]:5} tests  {folder}")
    terminalreporter.write_line(f"{sum(folders.values()):7.1f} s {tests.total():5} tests  in all workers")


def free_port() -> int:
    """A TCP port on loopback that nobody listens on now."""
    (port,) = free_ports(1)
    return port


@contextmanager
def mounted_disk(folder: Path, mebibytes: int) -> Iterator[Path]:
    """A file system of its own at `folder`, which a test can fill. Only root may mount one."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MiB: too small for any ingest."""
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a file system; root may")
    with mounted_disk(tmp_path / "disk", 3) as folder:
        yield folder


@pytest.fixture(scope="session")
def small_catalogue() -> Path:
    from samples.generate import build

    return build(SAMPLES, small=True)


@pytest.fixture(scope="session")
def catalogue() -> Path:
    """The sample of 71 pages and 256 pictures, built once for all sessions."""
    from samples.generate import build

    return build(SAMPLES)


@pytest.fixture
def there() -> "Iterator[Provider]":
    """Yield a provider that answers and misbehaves as a test asks."""
    from tests.models.providers.standin import provider

    with provider() as server:
        yield server


def make_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that `make` fills when the first test asks for it, for all processes of a test run; do not change it."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with FileLock(folder.with_suffix(".lock")):
        if not folder.with_suffix(".made").exists():
            folder.mkdir()
            make(folder)
            folder.with_suffix(".made").touch()
    return folder


@pytest.fixture(scope="session")
def ingested_home(tmp_path_factory: pytest.TempPathFactory, small_catalogue: Path) -> Path:
    """A home that holds the small sample as anna's, made by the real command; copy it, do not change it."""

    def make(folder: Path) -> None:
        ingest = ["ingest", str(small_catalogue), "--owner", "anna"]
        done = finish(ingest, bare_environment() | {"SWATCHBOOK_HOME": str(folder / "home")}, folder, seconds=500)
        assert done.returncode == 0, done.stderr

    return make_once(tmp_path_factory, "ingested", make) / "home"


@pytest.fixture(scope="session")
def troubled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of anna's with items and pictures of which some cannot be used, and a PDF that is none; copy it."""

    def make(folder: Path) -> None:
        for number, name in enumerate(("pictures/0.png", "pictures/1.png", "items/teal.png")):
            draw(folder / name, number)
        (folder / "pictures" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        (folder / "broken.pdf").write_bytes(b"%PDF-1.4\nno end")
        items = [
            {"id": "1", "name": "Teal tile", "images": ["teal.png"]},
            {"id": "2", "name": "No picture", "price": "12 EUR"},
            {"id": "3", "name": "Gone", "images": ["gone.png"]},
        ]
        (folder / "items" / "items.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in items))
        ingest = ["ingest", "broken.pdf", "pictures", "items/items.jsonl", "--owner", "anna"]
        done = finish(ingest, bare_environment() | {"SWATCHBOOK_HOME": str(folder / "home")}, folder)
        assert done.returncode == 1, done.stderr

    return make_once(tmp_path_factory, "troubled", make) / "home"


_PREPARE = (
    "import sys; from pathlib import Path; from swatchbook.doors import prefect_server;"
    "prefect_server.prepare_database(Path(sys.argv[1]), prefect_server.cached_database())"
)


SERVE = "import gc; gc.set_threshold(50_000, 50, 100); import runpy; runpy.run_module('prefect', run_name='__main__')"
"""`python -m prefect`, whose garbage collector looks less often through the many objects of its imports."""


QUIET: Final = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_UI_ENABLED": "false",
    **FEW_TRANSACTIONS,
}
"""Of a Prefect server without people."""


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API address of a real Prefect server with its own home, stopped by pid. Without migrations of a new database
    and files of a UI, its start takes less than half of the time.
    """
    home, port = tmp_path_factory.mktemp("prefect"), free_port()
    server = start_prefect(home, port)
    try:
        yield prefect_address(port)
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def prefect_address(port: int) -> str:
    return f"http://127.0.0.1:{port}/api"


def start_prefect(home: Path, port: int, **given: str) -> subprocess.Popen[bytes]:
    """A Prefect server that answers, on the database in its home. `given`: more of its environment."""
    environment = {
        **os.environ,
        **QUIET,
        "PREFECT_HOME": str(home),
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false",
        **given,
    }
    environment.pop("PREFECT_API_URL", None)
    subprocess.run([sys.executable, "-c", _PREPARE, home / "prefect.db"], cwd=ROOT, env=environment, check=True)
    log = (home / "server.log").open("ab")
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE, "server", "start", "--host", "127.0.0.1", "--port", str(port)],
        env=environment, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    try:
        wait_for_http(f"{prefect_address(port)}/health", server, home / "server.log")
    except BaseException:
        server.kill()
        raise
    return server


def wait_for_http(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 90) -> None:
    """Until the address answers 200; fails with the log's tail when the process ends or the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"{url} does not answer:\n{log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite ledger, closed; copy it, do not change it."""
    from swatchbook.store.ledger.database import open_ledger

    file = tmp_path_factory.mktemp("migrated") / "ledger.sqlite"
    open_ledger(f"sqlite:///{file}").close()
    return file


@pytest.fixture(scope="session", autouse=True)
def kept() -> Iterator[KeptChildren]:
    with kept_children() as children:
        yield children


@pytest.fixture
def new_children(kept: KeptChildren, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "keeps", False)


@pytest.fixture(scope="session", autouse=True)
def made_once(migrated: Path) -> Iterator[None]:
    """What ledgers, services, HTTP clients and models have in common is made once for all that this process opens.

    SQL is compiled once, not again for the engine of each test: that was two fifths of a ledger test. SQLAlchemy finds
    a compiled statement by its dialect object, so they share this, too. A new SQLite ledger is a copy of one that was
    migrated, and on a disk it is not synchronised. Certificates, which only clients of other hosts look at, are read
    once, and so are the descriptions of services on buckets. Routes, commands and the image network are prepared once.
    A question's vectors are computed once: the first search in a collection encodes the same 32.
    """
    import typer.testing
    from botocore.loaders import JSONFileLoader
    from fastapi.routing import APIRoute, _EffectiveRouteContext
    from sqlalchemy import event

    from swatchbook.domain.errors import Configuration
    from swatchbook.domain.runtime import process
    from swatchbook.models import image_network
    from swatchbook.store.ledger import database
    from swatchbook_base.bert import Bert

    open_one, dialects, compiled = database._opened, dict[str, Any](), dict[Any, Any]()
    prepare_one, prepared = _EffectiveRouteContext.from_api_route, dict[tuple[int, str], Any]()
    encode_one, encoded = Bert.encode, dict[tuple[int, ...], Any]()

    def opened(ledger: "Ledger") -> "Ledger":
        file = Path(ledger.url.database or "")
        if ledger.url.get_backend_name() == "sqlite":
            if _MEMORY not in file.parents:
                event.listen(ledger._readers, "connect", hurry)
            if not file.exists():
                with suppress(Configuration, OSError):  # which opening it raises, too
                    database._make_folder(file)
                    shutil.copyfile(migrated, file)
        for engine in (open_one(ledger)._writers, ledger._readers):
            engine.dialect = dialects.setdefault(engine.dialect.name, engine.dialect)
            engine.update_execution_options(compiled_cache=compiled)
        return ledger

    def hurry(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA synchronous = OFF")  # a killed process loses nothing: the system has what it wrote

    @wraps(encode_one)
    def encode(network: Bert, ids: Sequence[int]) -> Any:
        asked = tuple(ids)
        if asked not in encoded:
            encoded[asked] = encode_one(network, ids)
        return encoded[asked]

    def prepare(*, original_route: APIRoute, include_context: Any) -> Any:
        route = id(original_route), include_context.prefix
        if route not in prepared:  # the answer holds the route, whose id therefore stays its own
            prepared[route] = prepare_one(original_route=original_route, include_context=include_context)
        return prepared[route]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "_opened", opened)
        patch.setattr(_EffectiveRouteContext, "from_api_route", prepare)
        patch.setattr(typer.testing, "_get_command", cache(typer.testing._get_command))
        patch.setattr(JSONFileLoader, "load_file", staticmethod(cache(JSONFileLoader().load_file)))
        patch.setattr(Bert, "encode", encode)
        patch.setattr(image_network, "Network", cache(image_network.Network))
        patch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        patch.setattr(process, "BACKGROUND", 0)  # flows run in the process of the tests, which gives way to nobody
        yield


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder, in memory where there is such a place: thousands of commits wait for no disk."""
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as name:
        yield Path(name)


@pytest.fixture(autouse=True)
def own_settings() -> Iterator[None]:
    """Undo what a test changes in the settings of this process: a command that it calls sets PREFECT_API_URL."""

    def settings() -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if name.startswith(("PREFECT_", "SWATCHBOOK_"))}

    before = settings()
    yield
    api = os.environ.get("PREFECT_API_URL")
    for name in settings().keys() - before:
        del os.environ[name]
    os.environ.update(before)
    if api != os.environ.get("PREFECT_API_URL"):
        end_earlier_servers(used=os.environ.get("PREFECT_API_URL", ""))


def end_earlier_servers(*, used: str) -> None:
    """End the temporary Prefect servers that commands of earlier tests started in this process, as they end with it.

    Each takes 200 MB. Not the newest, to which Prefect's threads may still send, and not that of the address `used`.
    """
    servers = [each for each in psutil.Process().children() if is_temporary_server(each)]
    for server in sorted(servers, key=psutil.Process.create_time)[:-1]:
        with suppress(psutil.Error):
            if not any(str(each.laddr.port) in used for each in server.net_connections("tcp")):
                server.terminate()


def is_temporary_server(process: psutil.Process) -> bool:
    """Return whether a process is a Prefect server of a command that still runs."""
    try:
        return "swatchbook.doors.prefect_server" in process.cmdline()
    except psutil.Error:  # it has ended
        return False


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Swatchbook home of one's own, seen by this process and its children."""
    folder = tmp_path / "home"
    monkeypatch.setenv("SWATCHBOOK_HOME", str(folder))
    monkeypatch.chdir(tmp_path)  # no stray .env
    return folder


@pytest.fixture
def filled(home: Path, ingested_home: Path) -> Path:
    """This test's home, with anna's sample in it."""
    shutil.copytree(ingested_home, home)
    return home


@pytest.fixture
def resources(home: Path) -> Iterator["Resources"]:
    """The tools on a fresh home, without any flow."""
    from swatchbook.domain.settings import load_settings
    from swatchbook.resources import open_resources

    with open_resources(load_settings()) as tools:
        yield tools


@pytest.fixture
def prefect_api(prefect_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The server, as this process and its children find it."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    monkeypatch.setenv("PREFECT_API_URL", prefect_server)
    with temporary_settings({PREFECT_API_URL: prefect_server}):
        yield prefect_server
