"""A local Weaviate server for development: found or built, started on loopback, stopped by pid.

`python -m devtools.weaviate start` runs one in the foreground at the address in the settings;
`python -m devtools.weaviate path` prints what would be run, and builds it first if necessary.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import SystemRandom
from urllib.parse import urlsplit

from swatchbook.domain.errors import Configuration, IndexDown
from swatchbook.domain.settings import Settings
from swatchbook_weaviate.index import WeaviateIndex

VERSION = "1.38.14"
IMAGE = f"semitechnologies/weaviate:{VERSION}"
MODULE = f"github.com/weaviate/weaviate/cmd/weaviate-server@v{VERSION}"
HOST = "127.0.0.1"

READY_SECONDS = 90  # ~9 s on two idle cores; several times that for a first start on a busy machine
STOP_SECONDS = 30  # to flush its memtables

_PORTS = range(10_000, 32_768)  # below the ephemeral ports: 32,768 and up on Linux, 49,152 and up elsewhere
_RANDOM = SystemRandom()  # seeded processes would all choose the same ports


@dataclass(frozen=True)
class Image:
    """The official image on a running Docker daemon."""

    name: str


@dataclass(frozen=True)
class Server:
    """A running server. `stop` ends it; its data stays in the folder."""

    process: subprocess.Popen[bytes]
    port: int
    grpc_port: int
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def stop(self) -> None:
        """End it as `end` does."""
        end(self.process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Send SIGTERM, so that a server flushes, and SIGKILL after STOP_SECONDS; wait for its end."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def find_server() -> Path | Image:
    """Return a binary on PATH, else the one built before, else the Docker image, else build one with Go (minutes).

    Raises Configuration with advice when none of these is available.
    """
    if on_path := shutil.which("weaviate-server"):
        return Path(on_path)
    if (cached := _cache() / "weaviate-server").is_file():
        return cached
    if shutil.which("docker") and _succeeds("docker", "info") and _has_image(IMAGE):
        return Image(IMAGE)
    if shutil.which("go"):
        advice = f"Put a weaviate-server {VERSION} on the PATH instead, or start a Docker daemon."
        return build_with_go(cached, MODULE, advice=advice)
    raise Configuration(
        "No Weaviate server found, and neither Docker nor Go to obtain one.",
        advice=f"Put weaviate-server {VERSION} on the PATH, start a Docker daemon, or install Go.",
    )


def start(
    folder: Path, *, port: int, grpc_port: int, api_key: str | None = None, variables: Mapping[str, str] | None = None
) -> Server:
    """Start a server on loopback with its data in `folder`, and wait until it answers a real query.

    With `api_key` every request needs it; without it, access is anonymous. `variables`: more of its environment; an
    image is not given them. Raises Configuration when a port is in use
    or no server is available, IndexDown with the end of its log when it does not start.
    """
    for each in (port, grpc_port):
        _require_free(each)
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "server.log"
    command, environment = _command(find_server(), folder.resolve(), port=port, grpc_port=grpc_port, api_key=api_key)
    with log.open("wb") as out:
        # a new session: Ctrl-C in the terminal reaches only us, and we stop the server gracefully
        process = subprocess.Popen(
            command, env={**environment, **(variables or {})}, stdout=out, stderr=out, start_new_session=True
        )
    server = Server(process, port, grpc_port, log)
    try:
        _wait_until_ready(server, api_key)
    except BaseException:
        server.stop()
        raise
    return server


def free_ports(count: int) -> list[int]:
    """Return different unused loopback ports, which neither this nor another process is given while this one lives.

    They lie below the ephemeral range, from which outgoing connections could take them before a server starts.
    """
    found: list[int] = []
    while len(found) < count:
        port = _RANDOM.choice(_PORTS)
        if _reservations().take(port) and _is_unused(port):
            found.append(port)
    return found


class _Reservations:
    """The ports that this process has been given: each locks a byte of a file, until the process ends."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("ab")
        self._taken = set[int]()

    def take(self, port: int) -> bool:
        if port in self._taken:  # a process can lock its own byte again
            return False
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except OSError:
            return False
        self._taken.add(port)
        return True


@cache
def _reservations() -> _Reservations:
    return _Reservations(Path(tempfile.gettempdir()) / f"swatchbook-ports-{os.getuid()}")


def _is_unused(port: int) -> bool:
    with socket.socket() as trial, suppress(OSError):
        trial.bind((HOST, port))
        return True
    return False


def _require_free(port: int) -> None:
    """Raise Configuration when the port is in use: we would mistake another server's response for our own's."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # ignore connections in TIME_WAIT
        try:
            trial.bind((HOST, port))
        except OSError as error:
            raise Configuration(
                f"Port {port} on {HOST} is in use: {error.strerror}.",
                advice="Stop the other process, or set SWATCHBOOK_WEAVIATE__URL and SWATCHBOOK_WEAVIATE__GRPC_PORT.",
            ) from error


def _wait_until_ready(server: Server, api_key: str | None) -> None:
    deadline = time.monotonic() + READY_SECONDS
    with closing(WeaviateIndex(server.url, grpc_port=server.grpc_port, api_key=api_key)) as index:
        while down := _probe(index):
            if server.process.poll() is not None or time.monotonic() > deadline:
                tail = server.log.read_text(errors="replace")[-2000:]
                raise IndexDown(f"Weaviate did not start; its log ends:\n{tail}") from down
            time.sleep(0.2)


def _probe(index: WeaviateIndex) -> IndexDown | None:
    try:
        index.probe()
    except IndexDown as down:
        return down
    return None


def _command(
    executable: Path | Image, folder: Path, *, port: int, grpc_port: int, api_key: str | None
) -> tuple[Sequence[str], Mapping[str, str]]:
    """Return arguments and environment of the server process; for an image, of `docker run` in the foreground."""
    variables = _variables(port=port, grpc_port=grpc_port, api_key=api_key)
    listen = ["--host", HOST, "--port", str(port), "--scheme", "http"]
    if isinstance(executable, Path):
        inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR", "LANG")}
        return [str(executable), *listen], {**inherited, **variables, "PERSISTENCE_DATA_PATH": str(folder)}
    inside = {**variables, "PERSISTENCE_DATA_PATH": "/var/lib/weaviate"}
    env = [part for name in inside for part in ("--env", name)]  # names only: keeps the key out of `ps`
    run = ["docker", "run", "--rm", "--init", "--network=host", f"--user={os.getuid()}:{os.getgid()}"]
    return [*run, f"--volume={folder}:/var/lib/weaviate", *env, executable.name, *listen], {**os.environ, **inside}


def _variables(*, port: int, grpc_port: int, api_key: str | None) -> dict[str, str]:
    """Return the environment of a single node on loopback, without telemetry, auto-schema and vectorizers."""
    gossip, data, raft, raft_rpc = free_ports(4)
    shared = {
        "GRPC_PORT": str(grpc_port),
        "CLUSTER_HOSTNAME": "node1",
        "CLUSTER_ADVERTISE_ADDR": HOST,
        "CLUSTER_BIND_ADDR": HOST,
        "CLUSTER_GOSSIP_BIND_PORT": str(gossip),
        "CLUSTER_DATA_BIND_PORT": str(data),
        "RAFT_PORT": str(raft),
        "RAFT_INTERNAL_RPC_PORT": str(raft_rpc),
        "RAFT_BOOTSTRAP_EXPECT": "1",
        "AUTOSCHEMA_ENABLED": "false",
        "DEFAULT_VECTORIZER_MODULE": "none",
        "DISABLE_TELEMETRY": "true",
        "GO_PROFILING_DISABLE": "true",
        "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "false" if api_key else "true",
    }
    if not api_key:
        return shared
    return shared | {
        "AUTHENTICATION_APIKEY_ENABLED": "true",
        "AUTHENTICATION_APIKEY_ALLOWED_KEYS": api_key,
        "AUTHENTICATION_APIKEY_USERS": "swatchbook",
    }


def _cache() -> Path:
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "swatchbook" / f"weaviate-{VERSION}"


def build_with_go(target: Path, module: str, *, advice: str) -> Path:
    """Compile a program into the cache, where it appears when it is whole; of two at once the second waits for it.

    Raises Configuration with the advice when Go cannot.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another process builds it; waiting for its end.", file=sys.stderr, flush=True)  # noqa: T201
            fcntl.flock(lock, fcntl.LOCK_EX)
        if target.is_file():
            return target
        for left in target.parent.glob("tmp*"):  # by a build that was killed
            shutil.rmtree(left)
        print(f"Building {target.parent.name} with Go; this takes some minutes, once.", file=sys.stderr)  # noqa: T201
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            build = {**os.environ, "CGO_ENABLED": "0", "GOBIN": scratch}
            done = subprocess.run(
                ["go", "install", module], env=build, capture_output=True, text=True,
                pass_fds=[lock.fileno()],  # if only we are killed, Go goes on, and keeps the lock
            )  # fmt: skip
            if done.returncode:
                raise Configuration(f"Go could not build {target.name}:\n{done.stderr[-2000:]}", advice=advice)
            return (Path(scratch) / target.name).replace(target)


def _has_image(name: str) -> bool:
    return _succeeds("docker", "image", "inspect", name) or _succeeds("docker", "pull", name, seconds=600)


def _succeeds(*command: str, seconds: float = 10) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=seconds, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def main(arguments: Sequence[str]) -> int:
    """Return 0 after a graceful stop, 1 when the server is not available or died, 2 for wrong arguments."""
    if list(arguments) not in (["start"], ["path"]):
        print("usage: python -m devtools.weaviate start|path", file=sys.stderr)  # noqa: T201
        return 2
    try:
        return _print_path() if arguments[0] == "path" else _run_in_foreground(Settings())
    except (Configuration, IndexDown) as failure:
        print(failure, file=sys.stderr)  # noqa: T201
        return 1


def _print_path() -> int:
    server = find_server()
    print(server if isinstance(server, Path) else f"docker run {server.name}")  # noqa: T201
    return 0


def _run_in_foreground(settings: Settings) -> int:
    """Run the server at the address in the settings until Ctrl-C, SIGTERM or its own end."""
    address = urlsplit(settings.weaviate.url)
    if address.hostname not in (HOST, "localhost"):
        raise Configuration(
            f"SWATCHBOOK_WEAVIATE__URL is at {address.hostname}, but a server can only be started on this machine.",
            advice="Start it on that machine, or set the URL to http://127.0.0.1:8080.",
        )
    key = settings.weaviate.api_key.get_secret_value() if settings.weaviate.api_key else None
    folder = settings.home / "weaviate"
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = start(folder, port=address.port or 80, grpc_port=settings.weaviate.grpc_port, api_key=key)
    told = f"Weaviate {VERSION} at {server.url}, gRPC {server.grpc_port}, data in {folder}. Ctrl-C stops it."
    try:
        print(told, flush=True)  # noqa: T201 - within: who reads it may end this at once
        return 1 if server.process.wait() else 0
    except KeyboardInterrupt:
        return 0
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
