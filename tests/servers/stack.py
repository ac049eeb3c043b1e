"""All of it for real, each part on a free port and a process of its own: PostgreSQL, Weaviate, a Prefect server on
PostgreSQL, a worker on the pool `control`, and the service. Every part may be killed and started again.

The test's own process reads the ledger and the index through resources opened with the same settings.
"""

import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import psutil

from devtools.weaviate import Server, free_ports
from devtools.weaviate import start as start_weaviate
from swatchbook.domain.records import DocumentStatus
from swatchbook.domain.settings import FIELDS, Settings, variable
from swatchbook.resources import Resources, open_resources
from swatchbook.store.ledger.stored_documents import Document, get_document
from tests.command import finish
from tests.doubles.models import Trouble
from tests.fixtures import QUIET, ROOT, SERVE, SOAK, mounted_disk
from tests.forked import Forked
from tests.postgres import RunningPostgres, running_postgres
from tests.servers.flow_runs import forked_runs

OWNER, OTHER = "anna", "bert"
API_KEY = "a-key-for-tests-of-the-stack"
SOURCE, SECRET = "shop", "whsec_" + b64encode(b"a secret for tests of the stack!").decode()
WEAVIATE_KEY = "a key of Weaviate's for tests"
PREFECT_AUTH = ("admin", "a-password-of-Prefects-for-tests")
HOST = "127.0.0.1"

START_SECONDS = 240.0  # for a part on a busy machine
BACK_SECONDS = 480.0  # of which an idle machine takes 20: one with a slow disk took more than 180
"""In which everything has ended by itself once what was broken is whole again."""

_SLEEP = 0.2


@dataclass
class Part:
    """One process of the stack: how it is started, and how one knows that it is there.

    `command`: a module and its arguments where it is forked off, else a program.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    is_ready: Callable[[], bool]
    forks: bool = False
    process: subprocess.Popen[bytes] | Forked | None = field(default=None, repr=False)

    def start(self, *, wait: bool = True) -> None:
        if self.forks:
            self.process = Forked(self.command, self.environment, self.log.parent, self.log, self.log)
        else:
            with self.log.open("ab") as out:
                self.process = subprocess.Popen(
                    self.command, env=self.environment, cwd=self.log.parent, stdin=subprocess.DEVNULL, stdout=out,
                    stderr=out, start_new_session=True,
                )  # fmt: skip
        if wait:
            self.wait()

    def wait(self) -> None:
        """Until it is there. Raises RuntimeError with the end of its log when it is not."""
        assert self.process is not None
        end = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{self.name} did not start:\n{self.log.read_text(errors='replace')[-3000:]}")
            time.sleep(_SLEEP)

    def family(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            if self.process is not None:
                return list(psutil.Process(self.process.pid).children(recursive=True))
        return []

    def kill(self, *, family: bool) -> None:
        """SIGKILL to it alone, as for want of memory, or to all that it has started too, as when its machine goes."""
        relatives = self.family() if family else []
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        for each in relatives:
            with suppress(psutil.NoSuchProcess):
                each.kill()

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """In order, and whatever it leaves behind by force."""
        relatives = self.family()
        if self.process is not None:
            self.process.send_signal(sign)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
            self.kill(family=False)
        for each in relatives:
            with suppress(psutil.NoSuchProcess):
                each.kill()


@dataclass
class Stack:
    folder: Path
    environment: Mapping[str, str]  # what worker, service and commands are told
    settings: Settings
    resources: Resources
    postgres: RunningPostgres
    weaviate: Server
    prefect: Part
    worker: Part
    service: Part

    # --- its parts ----------------------------------------------------------------------------------------------------

    def restart_weaviate(self, *, away: float = 0.0, api_key: str = WEAVIATE_KEY, kill: bool = True) -> None:
        """Killed, or stopped in order; away for so many seconds; started on the same data and ports."""
        if kill:
            self.weaviate.process.kill()
            self.weaviate.process.wait()
        else:
            self.weaviate.stop()
        time.sleep(away)
        self.weaviate = run_weaviate(self.folder, self.weaviate.port, self.weaviate.grpc_port, api_key)

    def command(self, *arguments: str) -> str:
        done = finish(arguments, self.environment, self.folder)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        return done.stdout

    def trouble(self, **given: Any) -> None:
        """From its next pass on, every run's encoder has it so hard: tests.doubles.models.Trouble."""
        write_trouble(Path(self.environment["SWATCHBOOK_TEST_TROUBLE"]), Trouble(**given))

    def change_settings(self, *more: Part, **given: str) -> None:
        """Start worker, service and `more` again with other settings, which commands are told from now on, too."""
        self.environment = {**self.environment, **given}
        self.settings = Settings.model_validate(settings_of(self.environment))
        for part in (self.worker, self.service, *more):
            part.stop()
            part.environment = {**part.environment, **given}
            part.start()

    # --- what is asked of them ----------------------------------------------------------------------------------------

    def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {API_KEY}", **given.pop("headers", {})}
        return http().request(method, self.service_url + path, headers=headers, **given)

    def ask_prefect(self, method: str, path: str, **given: Any) -> Any:
        answer = http().request(method, self.prefect_url + path, auth=PREFECT_AUTH, **given)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def configure_pool(self, name: str, **changed: Any) -> dict[str, Any]:
        """Change the job of a work pool's runs; return its template as it was."""
        before: dict[str, Any] = self.ask_prefect("GET", f"/work_pools/{name}")["base_job_template"]
        job = {**before["job_configuration"], **changed}
        self.ask_prefect(
            "PATCH", f"/work_pools/{name}", json={"base_job_template": {**before, "job_configuration": job}}
        )
        return before

    def keep_to_schedule(self, deployment: str, active: bool) -> None:
        """Whether Prefect starts a deployment's runs by the clock. `deployment`: `flow/name`."""
        known = self.ask_prefect("GET", f"/deployments/name/{deployment}")
        for schedule in known["schedules"]:
            self.ask_prefect("PATCH", f"/deployments/{known['id']}/schedules/{schedule['id']}", json={"active": active})

    def upload(self, file: Path, *, owner: str = OWNER, **options: Any) -> str:
        form = {"owner": owner, "options": json.dumps(options)}
        answer = self.ask("POST", "/documents", files={"file": (file.name, file.read_bytes())}, data=form)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    @property
    def service_url(self) -> str:
        return f"http://{HOST}:{self.settings.port}"

    @property
    def prefect_url(self) -> str:
        return self.environment["PREFECT_API_URL"]

    # --- what became of a document ------------------------------------------------------------------------------------

    def document(self, document: str) -> Document:
        return get_document(self.resources.ledger, document)

    def wait_until(self, holds: Callable[[], object], what: str, seconds: float = BACK_SECONDS) -> float:
        """Seconds until it holds. Fails, with the ends of all logs, when it does not in time."""
        started = time.monotonic()
        while not holds():
            if time.monotonic() - started > seconds:
                raise AssertionError(f"not within {seconds:.0f} s: {what}\n{self.last_words()}")
            time.sleep(_SLEEP)
        return time.monotonic() - started

    def wait_for(self, document: str, *statuses: DocumentStatus, seconds: float = BACK_SECONDS) -> float:
        """Seconds until the document has come to one of these statuses."""

        def has_come() -> bool:
            return self.document(document).status in statuses

        return self.wait_until(has_come, f"{document} is {' or '.join(statuses)}", seconds)

    def last_words(self) -> str:
        logs = (self.prefect.log, self.worker.log, self.service.log, self.weaviate.log)
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in logs if log.exists())


FOUR_SHARDS = {"SWATCHBOOK_SHARDS__SLOTS": "4", "SWATCHBOOK_SHARDS__SECONDS": "1"}
"""So that a document has four shards, however long pictures and starts took before."""


@contextmanager
def running_stack(folder: Path, **given: str) -> Iterator[Stack]:
    """All parts, set up by `swatchbook serve setup`; each is stopped, however this ends. `given`: more variables."""
    weaviate_port, grpc_port, prefect_port, service_port = free_ports(4)
    with ExitStack() as parts:
        postgres = parts.enter_context(running_postgres(folder))
        postgres.new_database("prefect", jit=False)  # as docs/servers.md says
        postgres.new_database("swatchbook")
        environment = build_environment(
            folder, postgres,
            weaviate=(weaviate_port, grpc_port), prefect_port=prefect_port, service_port=service_port,
        ) | FOUR_SHARDS | given  # fmt: skip
        write_trouble(Path(environment["SWATCHBOOK_TEST_TROUBLE"]), Trouble())
        parts.enter_context(mounted_disk(folder / "files", 64))
        (folder / "inbox").mkdir()
        prefect = prefect_part(folder, postgres, prefect_port)
        worker, service = (
            worker_part(folder, environment, "worker", CONTROL),
            service_part(folder, environment, service_port),
        )
        for part in (prefect, worker, service):
            parts.callback(part.stop)
        prefect.start(wait=False)  # both at once: each takes some ten seconds
        weaviate = run_weaviate(folder, weaviate_port, grpc_port, WEAVIATE_KEY)
        prefect.wait()
        settings = Settings.model_validate(settings_of(environment))
        resources = parts.enter_context(open_resources(settings))
        stack = Stack(folder, environment, settings, resources, postgres, weaviate, prefect, worker, service)
        parts.callback(lambda: stack.weaviate.stop())
        stack.command("serve", "setup")
        if not SOAK:
            stack.configure_pool("control", command=parts.enter_context(forked_runs(folder)))
        for flow in ("retry_failed", "review_quality", "report_coverage"):  # a quarter may strike in any test
            stack.keep_to_schedule(f"{flow}/{flow}", active=False)
        worker.start(wait=False)
        service.start()
        worker.wait()
        yield stack


def run_weaviate(folder: Path, port: int, grpc_port: int, api_key: str) -> Server:
    return start_weaviate(folder / "weaviate", port=port, grpc_port=grpc_port, api_key=api_key)


def write_trouble(file: Path, trouble: Trouble) -> None:
    """Whole or not at all: a run may read it just now."""
    scratch = file.with_suffix(".new")
    scratch.write_text(json.dumps(trouble._asdict()))
    scratch.replace(file)


# --- the parts --------------------------------------------------------------------------------------------------------


def build_environment(
    folder: Path, postgres: RunningPostgres, *, weaviate: tuple[int, int], prefect_port: int, service_port: int
) -> dict[str, str]:
    """What worker, service and commands are told: a production's settings, with the models that need no GPU."""
    keys = [{"name": "tests", "key": API_KEY, "owners": [OWNER, OTHER]}]
    sources = [{"name": SOURCE, "secret": SECRET, "owners": [OWNER]}]
    return {
        **bare_environment(),
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests" / "doubles" / "path"))),
        "PREFECT_HOME": str(folder / "prefect-client"),
        "PREFECT_API_URL": f"http://{HOST}:{prefect_port}/api",
        "PREFECT_API_AUTH_STRING": ":".join(PREFECT_AUTH),
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        "SWATCHBOOK_INDEX": "weaviate",
        "SWATCHBOOK_HOME": str(folder / "home"),
        "SWATCHBOOK_LEDGER_URL": postgres.url_of("swatchbook"),
        "SWATCHBOOK_WEAVIATE__URL": f"http://{HOST}:{weaviate[0]}",
        "SWATCHBOOK_WEAVIATE__GRPC_PORT": str(weaviate[1]),
        "SWATCHBOOK_WEAVIATE__API_KEY": WEAVIATE_KEY,
        "SWATCHBOOK_PORT": str(service_port),
        "SWATCHBOOK_API_KEYS": json.dumps(keys),
        "SWATCHBOOK_WEBHOOK_SOURCES": json.dumps(sources),
        "SWATCHBOOK_FETCH_PRIVATE_HOSTS": HOST,
        "SWATCHBOOK_FILES_URL": str(folder / "files"),
        "SWATCHBOOK_INPUT_ROOTS": str(folder / "inbox"),
        "SWATCHBOOK_RETRY_DELAYS": "0.2,0.2",
        "SWATCHBOOK_TEST_TROUBLE": str(folder / "trouble.json"),
    }


def bare_environment() -> dict[str, str]:
    """This process' own, without what would lead its children elsewhere."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "SWATCHBOOK_", "PYTEST_"))} | {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }


def settings_of(environment: Mapping[str, str]) -> dict[str, Any]:
    given = dict[str, Any]()
    for name in (each for each in FIELDS if variable(each) in environment):
        group, _, part = name.rpartition(".")
        text = environment[variable(name)]
        (given.setdefault(group, {}) if group else given)[part] = json.loads(text) if text.startswith("[") else text
    return given


def prefect_part(folder: Path, postgres: RunningPostgres, port: int) -> Part:
    database = postgres.url_of("prefect").replace("+psycopg", "+asyncpg")
    environment = {
        **bare_environment(),
        **QUIET,
        "PREFECT_UI_ENABLED": "true",
        "PREFECT_HOME": str(folder / "prefect-server"),
        "PREFECT_API_DATABASE_CONNECTION_URL": database,
        "PREFECT_SERVER_API_AUTH_STRING": ":".join(PREFECT_AUTH),
        "PREFECT_SERVER_UI_API_URL": f"http://{HOST}:{port}/api",
    }
    command = [sys.executable, "-c", SERVE, "server", "start", "--host", HOST, "--port", str(port)]
    return Part("prefect", command, environment, folder / "prefect.log", answers(f"http://{HOST}:{port}/api/health"))


CONTROL = (
    *("prefect.__main__", "worker", "start", "--pool", "control", "--type", "process"),
    *("--limit", "3", "--with-healthcheck"),
)
SHARDS = ("swatchbook.doors.cli.main", "serve", "worker")
"""What a worker of either pool is, as a module and its arguments."""


def worker_part(folder: Path, environment: Mapping[str, str], name: str, command: Sequence[str]) -> Part:
    (port,) = free_ports(1)
    given = {**environment, "PREFECT_WORKER_WEBSERVER_HOST": HOST, "PREFECT_WORKER_WEBSERVER_PORT": str(port)}
    return _own_part(name, command, given, folder, answers(f"http://{HOST}:{port}/health"))


def service_part(folder: Path, environment: Mapping[str, str], port: int) -> Part:
    command = ("swatchbook.doors.cli.main" if SOAK else "tests.servers.impatient", "serve")
    return _own_part("service", command, environment, folder, answers(f"http://{HOST}:{port}/ready"))


def _own_part(
    name: str, module: Sequence[str], environment: Mapping[str, str], folder: Path, is_ready: Callable[[], bool]
) -> Part:
    """A part that runs our code: in a soak as a person starts it, else without the time that its imports take."""
    command = [sys.executable, "-m", *module] if SOAK else module
    return Part(name, command, environment, folder / f"{name}.log", is_ready, forks=not SOAK)


@cache
def http() -> httpx.Client:
    """One client for all that is asked: making one takes 40 ms of processor time, more than most answers. It keeps no
    connection, as the part at its other end may be killed.
    """
    return httpx.Client(limits=httpx.Limits(max_keepalive_connections=0), timeout=60)


def answers(url: str) -> Callable[[], bool]:
    def does() -> bool:
        try:
            return http().get(url, timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    return does
