"""A Docker engine for tests: the one at hand, else one started by hand and stopped by pid. Its images are kept.

An engine of ours needs root, and Debian's `docker.io` and `iptables`. Its images and build cache lie in
XDG_CACHE_HOME/swatchbook/docker (~8 GB), so that only the first run is slow; containers and volumes go with the test.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from filelock import FileLock

READY_SECONDS = 180  # ~2 s; after a kill it looks through what it holds first
STOP_SECONDS = 30
CACHE = "3GB"  # of build steps that no image holds any more; those of an older lock go first


class NoEngine(RuntimeError):
    """There is no Docker engine, and none can be started."""


@dataclass(frozen=True)
class Engine:
    address: str

    @property
    def environment(self) -> Mapping[str, str]:
        """For `docker`, `docker-compose` and `make up`. Debian's client comes first: it builds without a plugin."""
        path = f"/usr/bin{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "DOCKER_HOST": self.address, "DOCKER_BUILDKIT": "1"}

    def run(self, *arguments: str | Path) -> str:
        """What `docker …` prints. Raises RuntimeError with the end of what it complained of."""
        done = subprocess.run(["docker", *arguments], env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"docker {' '.join(map(str, arguments))}:\n{done.stderr[-4000:]}")
        return done.stdout.strip()

    def answers(self) -> bool:
        return self._succeeds("version")

    def has(self, image: str) -> bool:
        return self._succeeds("image", "inspect", image)

    def can_pull(self, image: str) -> bool:
        return self.has(image) or self._succeeds("pull", "--quiet", image)

    def _succeeds(self, *arguments: str) -> bool:
        command = ["docker", *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, check=False).returncode == 0


def kept() -> Path:
    """Where what is dear to make stays between runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "swatchbook" / "docker"


def _at_hand() -> Engine | None:
    """The engine that the environment names, if it answers. Raises NoEngine where we could not start our own either."""
    named = Engine(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    if shutil.which("docker") and named.answers():
        return named
    if os.geteuid() != 0 or not shutil.which("dockerd"):
        raise NoEngine("No Docker engine answers; to start one takes root, and Debian's package `docker.io`.")
    return None


@contextmanager
def running_engine() -> Iterator[Engine]:
    """The engine that the environment names if it answers, else our own. One test at a time has it.

    Raises NoEngine, or RuntimeError with the end of its log where our own does not start.
    """
    kept().mkdir(parents=True, exist_ok=True)
    with FileLock(kept() / "lock"):
        if at_hand := _at_hand():
            yield at_hand
            return
        with _network_left_as_found():
            _start(ours(), kept())
            damaged = False
            try:
                yield ours()
                damaged = not _prune(ours())
            finally:
                _stop(kept())
            if damaged:
                shutil.rmtree(kept() / "data", ignore_errors=True)


def _prune(engine: Engine) -> bool:
    """Keep the stored images and layers few. Returns False if their records are damaged, as after a kill in a build."""
    try:
        engine.run("image", "prune", "--force")
        engine.run("builder", "prune", "--force", f"--keep-storage={CACHE}")
    except RuntimeError:
        return False
    return True


def ours() -> Engine:
    """The engine that `running_engine` starts where none is at hand."""
    return Engine(f"unix://{kept() / 'socket'}")


def restart_ours() -> None:
    """While it runs: in order, so that all its containers end with it."""
    _stop(kept())
    _start(ours(), kept())


@contextmanager
def ours_hanging() -> Iterator[None]:
    """While it runs: it answers nobody, and its containers go on."""
    process = _process(kept())
    process.suspend()
    try:
        yield
    finally:
        process.resume()


@contextmanager
def bare_engine(folder: Path) -> Iterator[Engine]:
    """The engine that the environment names if it answers, else one for this test alone, without a network.

    Nobody waits for it, and nothing of it is kept. It has a network namespace of its own: an engine that is told to
    have no bridge begins by removing the other's. Raises as `running_engine`.
    """
    if at_hand := _at_hand():
        yield at_hand
        return
    engine = Engine(f"unix://{folder / 'socket'}")
    _start(engine, folder, "--bridge=none", "--iptables=false", before=("unshare", "--net"))
    try:
        yield engine
    finally:
        _stop(folder)


def _start(engine: Engine, folder: Path, *more: str, before: Sequence[str] = ()) -> None:
    if engine.answers():  # left by a test that was killed
        return
    log = folder / "log"
    command = [
        *before, "dockerd", "--data-root", folder / "data", "--exec-root", folder / "exec", "--pidfile", folder / "pid",
        "--host", engine.address, *more,
    ]  # fmt: skip
    with log.open("wb") as out:
        process = psutil.Popen(command, stdout=out, stderr=out, start_new_session=True)
    deadline = time.monotonic() + READY_SECONDS
    while not engine.answers():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"The Docker engine did not start:\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.2)


def _process(folder: Path) -> psutil.Process:
    """Raises FileNotFoundError, psutil.NoSuchProcess."""
    return psutil.Process(int((folder / "pid").read_text()))


def _stop(folder: Path) -> None:
    with suppress(FileNotFoundError, psutil.NoSuchProcess):
        process = _process(folder)
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait()
    for namespace in (folder / "exec" / "netns").glob("*"):
        subprocess.run(["umount", namespace], capture_output=True, check=False)


_UNTOUCHED = {"filter": ("INPUT", "FORWARD", "OUTPUT"), "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING")}
"""The tables that an engine writes to, and the chains that they have when nobody did."""


@contextmanager
def _network_left_as_found() -> Iterator[None]:
    """An engine leaves its bridge, and rules that forward nothing but its own. Another engine's are not touched."""
    if Path("/sys/class/net/docker0").exists():
        yield
        return
    rules = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
    for table, chains in _UNTOUCHED.items():
        if f"*{table}\n" not in rules:  # a table that nobody used yet is not saved
            rules += "\n".join([f"*{table}", *(f":{chain} ACCEPT" for chain in chains), "COMMIT", ""])
    try:
        yield
    finally:
        subprocess.run(["iptables-restore"], input=rules, capture_output=True, text=True, check=True)
        subprocess.run(["ip", "link", "delete", "docker0"], capture_output=True, check=False)
