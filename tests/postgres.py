"""A real PostgreSQL for tests: Debian's, on a free port of loopback, with a password, stopped by pid."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from psycopg import sql

from devtools.weaviate import free_ports

POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.stack)
"""The parameter of a test that asks for the fixture `postgres` when it runs."""

HOST, SUPERUSER, PASSWORD = "127.0.0.1", "postgres", "a-password-for-tests"

READY_SECONDS = 180  # ~0.3 s on an idle machine; after a kill it replays its log first
STOP_SECONDS = 30

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    # What is committed outlives any kill of processes; only a power cut could take it, and tests have none.
    "fsync": "off",
    "full_page_writes": "off",
}


@dataclass
class RunningPostgres:
    """A server that tests may stop, kill and start again: its data and address stay the same."""

    binaries: Path
    data: Path
    log: Path
    port: int
    account: Mapping[str, Any]  # whom its processes run as, in `Popen`'s words
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        return f"postgresql+psycopg://{SUPERUSER}:{PASSWORD}@{HOST}:{self.port}/{database}"

    def start(self) -> None:
        """Run it and wait until it answers a query. Raises RuntimeError with the end of its log where it does not."""
        settings = [f"--{name}={value}" for name, value in {**_SETTINGS, "port": str(self.port)}.items()]
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [self.binaries / "postgres", "-D", self.data, *settings],
                cwd=self.data, stdout=out, stderr=out, start_new_session=True, **self.account,
            )  # fmt: skip
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"PostgreSQL did not start:\n{self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """A fast shutdown, as in a restart: clients are cut off, what they had open is undone."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
            self.process = None

    def kill(self) -> None:
        """SIGKILL to all of it at once; it recovers when it is started again."""
        if self.process is not None:
            try:  # its own children lead sessions of their own: no group to kill
                family = psutil.Process(self.process.pid).children(recursive=True)
            except psutil.NoSuchProcess:
                family = []
            self.process.kill()
            self.process.wait()
            for each in family:
                each.kill()  # psutil looks at start times: never a stranger with a number used again
            while any(map(_lives, family)):
                time.sleep(0.01)
            self.process = None

    def new_database(self, name: str, template: str = "template0", *, jit: bool = True) -> str:
        """The URL of a new database, empty or copied from one that nobody is connected to."""
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        if not jit:
            self._execute(sql.SQL("ALTER DATABASE {} SET jit = off").format(sql.Identifier(name)))
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with self._connect() as connection:
            connection.execute(statement)

    def _answers(self) -> bool:
        try:
            with self._connect() as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host=HOST, port=self.port, user=SUPERUSER, password=PASSWORD, dbname="postgres", connect_timeout=5,
            autocommit=True,
        )  # fmt: skip


@contextmanager
def running_postgres(folder: Path, *, on_disk: bool = False) -> Iterator[RunningPostgres]:
    """A fresh server; its log is `folder`/postgres.log, its data goes with it.

    The data lies in memory, or with `on_disk` right below the system's temporary folder: PostgreSQL refuses root, so
    as root it runs as `nobody`, who cannot enter pytest's own folders. Raises RuntimeError where it is not installed.
    """
    binaries, account = _binaries(), _account()
    folder.mkdir(parents=True, exist_ok=True)
    (port,) = free_ports(1)
    home = Path(tempfile.mkdtemp(prefix="swatchbook-postgres-", dir=None if on_disk else _roomy_memory()))
    try:
        password = home / "password"
        password.write_text(PASSWORD)
        for path in (home, password):
            os.chown(path, account.get("user", -1), account.get("group", -1))
        _initialise(binaries, home / "data", password, account)
        server = RunningPostgres(binaries, home / "data", folder / "postgres.log", port, account)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPostgres]:
    """One server for a whole session, each test with a database of its own. Do not stop it: start another for that."""
    with running_postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


def _initialise(binaries: Path, data: Path, password: Path, account: Mapping[str, Any]) -> None:
    command: Sequence[str | Path] = [
        binaries / "initdb", "-D", data, "-U", SUPERUSER, "--auth=scram-sha-256", f"--pwfile={password}",
        "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
    ]  # fmt: skip
    made = subprocess.run(command, cwd=data.parent, capture_output=True, text=True, check=False, **account)
    if made.returncode:
        raise RuntimeError(f"PostgreSQL could not be set up:\n{made.stderr}")


def _roomy_memory() -> str | None:
    """A folder in memory with room for hundreds of small databases; None where there is no such place."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 4 << 30 else None


def _lives(process: psutil.Process) -> bool:
    try:  # a zombie holds nothing any more, and whoever inherited it may never collect it
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _binaries() -> Path:
    """The folder of `postgres` and `initdb`: Debian keeps them off the PATH, the newest version last."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: float(file.parts[-3]))
    on_path = shutil.which("initdb")
    if on_path is not None:
        installed.append(Path(on_path).resolve())
    if not installed:
        raise RuntimeError("There is no PostgreSQL on this machine: install Debian's package `postgresql`.")
    return installed[-1].parent


def _account() -> Mapping[str, Any]:
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
