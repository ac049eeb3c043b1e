"""How much memory this process may use, and has used."""

import subprocess
import sys
from pathlib import Path

import pytest

from swatchbook.domain.runtime import memory
from swatchbook.domain.runtime.memory import memory_use, peak_memory_mb


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


@pytest.mark.nightly
def test_peak_is_that_of_the_greatest_child() -> None:
    code = "x = b'x' * (700 << 20)"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert peak_memory_mb() > 700
