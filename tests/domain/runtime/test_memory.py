"""How much memory this process may use, and has used."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from swatchbook.domain.runtime import memory
from swatchbook.domain.runtime.memory import memory_use, peak_memory_mb
from tests.command import SWATCHBOOK


@pytest.mark.parametrize("ours", ["", "a/b"], ids=["in a container", "in a service"])
@pytest.mark.parametrize(
    ("version", "names"),
    [
        ("0::/{}", ("", "memory.max", "memory.current", "inactive_file")),
        ("5:cpu:/\n4:memory:/{}", ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")),
    ],
    ids=["v2", "v1"],
)
def test_limit_of_the_own_cgroup_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, names: tuple[str, ...], ours: str
) -> None:
    folder, limit, used, cache = names
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path)
    monkeypatch.setattr(memory, "_OURS", tmp_path / "ours")
    (tmp_path / "ours").write_text(version.format(ours or "docker/of-the-host"))
    own = tmp_path / folder / ours
    own.mkdir(parents=True, exist_ok=True)
    (own / used).write_text("900000\n")
    (own / "memory.stat").write_text(f"cache 5\n{cache} 100000\n")
    for unlimited in ("max", "9223372036854771712"):
        (own / limit).write_text(f"{unlimited}\n")
        assert memory_use()[1] > 1_200_000
    (own / limit).write_text("1200000\n")
    assert memory_use() == (800_000, 1_200_000)


def test_peak_is_that_of_the_greatest_child() -> None:
    code = "x = b'x' * (700 << 20)"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert peak_memory_mb() > 700


LIMIT, BALLAST = 1_200 << 20, 350 << 20


class Little:
    """A cgroup (v1) of 1.2 GB, of which another process holds a third."""

    def __init__(self, group: Path) -> None:
        self.group = group
        code = f"x = b'x' * {BALLAST}; print(1, flush=True); input()"
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._other = subprocess.Popen([sys.executable, "-c", code], preexec_fn=self.enter, **pipes)
        assert self._other.stdout
        self._other.stdout.readline()

    def enter(self) -> None:
        (self.group / "cgroup.procs").write_text("0")

    def read(self, name: str) -> str:
        return (self.group / f"memory.{name}").read_text()

    def end(self) -> None:
        self._other.communicate(b"\n")
        for process in (self.group / "cgroup.procs").read_text().split():
            (self.group.parent / "cgroup.procs").write_text(process)
        self.group.rmdir()


@pytest.fixture
def little() -> Iterator[Little]:
    group = Path("/sys/fs/cgroup/memory") / memory._own_cgroup("memory") / f"swatchbook-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(LIMIT))
    except OSError:
        pytest.skip("this user may not make a cgroup of v1; root may")
    little = Little(group)
    yield little
    little.end()


@pytest.mark.nightly
def test_ingest_in_little_memory_slows_down_and_ends_whole(little: Little, home: Path, catalogue: Path) -> None:
    command = [SWATCHBOOK, "ingest", str(catalogue), "--json"]
    apart = {**os.environ, "SWATCHBOOK_HOME": str(home), "PREFECT_API_URL": ""}
    done = subprocess.run(command, env=apart, preexec_fn=little.enter, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (report,) = json.loads(done.stdout)
    assert report["images_found"] == report["images_complete"] > 200
    assert any("one at a time because memory" in each for each in report["warnings"]), little.read("max_usage_in_bytes")
    assert "oom_kill 0" in little.read("oom_control")
