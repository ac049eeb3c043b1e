"""Obtain the PDFs that truth files label, from the public repositories that they name, by git. Each is compared with
its SHA-256. The files belong to their makers: they are never put into a checkout.

Usage: python -m devtools.obtain_truth LABELS TARGET ADDRESS [NAME…]
LABELS holds NAME.json, TARGET gets NAME.pdf. ADDRESS is that of a git host or mirror, or a folder of repositories; the
name of the repository, `owner/name`, is put after it. A file that is there already is not fetched again.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Print what was obtained, and exit with 1 if something was not."""
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("Usage: ")[1])
    parser.add_argument("labels", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("address")
    parser.add_argument("names", nargs="*")
    given = parser.parse_args()
    if given.target.resolve().is_relative_to(ROOT):
        parser.error("TARGET must be outside the checkout: the files must not be committed")
    given.target.mkdir(parents=True, exist_ok=True)
    names = given.names or sorted(path.stem for path in given.labels.glob("*.json"))
    failed = 0
    for name in names:
        said = obtain(
            json.loads((given.labels / f"{name}.json").read_text()), given.address, given.target / f"{name}.pdf"
        )
        print(f"{name}: {said or 'obtained'}")
        failed += said is not None
    sys.exit(1 if failed else 0)


def obtain(truth: Mapping[str, Any], address: str, to: Path) -> str | None:
    """Write the labelled file to a path, and return None, or why it was not written."""
    if to.exists() and hashlib.sha256(to.read_bytes()).hexdigest() == truth["sha256"]:
        return None
    source = truth["source"]
    host = Path(address).resolve() if Path(address).is_dir() else address.rstrip("/")
    with tempfile.TemporaryDirectory() as copy:
        try:
            git(copy, "init", "--bare", "--quiet")
            git(copy, "fetch", "--quiet", "--depth=1", f"{host}/{source['repo']}", source["commit"])
            data = git(copy, "cat-file", "blob", f"{source['commit']}:{source['path']}")
        except subprocess.CalledProcessError as error:
            return " ".join(error.stderr.decode(errors="replace").split())
    if hashlib.sha256(data).hexdigest() != truth["sha256"]:
        return f"{source['path']} at {source['commit'][:8]} is another file: its SHA-256 differs"
    to.write_bytes(data)
    return None


def git(folder: str, *words: str) -> bytes:
    """Run git in a folder, and return what it prints. Raises CalledProcessError."""
    quietly = os.environ | {"GIT_TERMINAL_PROMPT": "0"}  # a repository that is gone would ask for a password
    return subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True, env=quietly).stdout


if __name__ == "__main__":
    main()
