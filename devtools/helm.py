"""Helm, for the tests of the chart: built once with Go into the cache folder.

`python -m devtools.helm` builds it (five minutes on two busy cores).
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from devtools.generated_pages import ROOT
from devtools.kubernetes import VERSION as KUBERNETES

VERSION = "3.22.0"
CHART = ROOT / "deployments" / "helm" / "swatchbook"


def program() -> Path:
    """Return where the program is kept."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "swatchbook" / f"helm-{VERSION}" / "helm"


def build() -> None:
    """Make it where it is not there; it is moved into the cache atomically. Raises CalledProcessError."""
    target = program()
    if target.is_file():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    major, minor, _ = KUBERNETES.split(".")
    package = "helm.sh/helm/v3/pkg/chartutil.k8sVersion"  # for which it renders where it asks no cluster
    flags = f"-s -w -X {package}Major={major} -X {package}Minor={minor}"
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        environment = {**os.environ, "CGO_ENABLED": "0", "GOBIN": scratch}
        command = ["nice", "go", "install", "-ldflags", flags, f"helm.sh/helm/v3/cmd/helm@v{VERSION}"]
        subprocess.run(command, env=environment, check=True)
        (Path(scratch) / target.name).replace(target)


if __name__ == "__main__":
    build()
    print(program(), file=sys.stderr)  # noqa: T201
