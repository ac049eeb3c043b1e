"""After the install step nothing touches the network: the demo runs with only loopback up."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.stack

ROOT = Path(__file__).parents[1]
ONLY_LOOPBACK = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--net", "sh", "-c"]


def test_demo_ingests_and_searches_without_a_network(catalogue: Path, tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "SWATCHBOOK_", "HF_"))}
    demo = [sys.executable, "-m", "samples.demo", str(tmp_path / "home")]
    alone = subprocess.run(
        [*ONLY_LOOPBACK, 'ip link set lo up && ! ip route get 192.0.2.1 && exec "$@"', "sh", *demo],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=500,
    )  # fmt: skip
    assert alone.returncode == 0, alone.stdout[-2000:] + alone.stderr[-4000:]
    assert "256 = 256 complete" in alone.stdout
    for found in ("Nordvik Oak", "Alentejo Cork", "Palladio Terrazzo"):
        assert found in alone.stdout
