"""Compare what two commits make of the same catalogues, and print every difference.

`python -m devtools.compare_commits OLD [NEW]` installs both commits (NEW is HEAD, unless given) in worktrees of their
own, and uses each only by its command line and over HTTP, so that names inside may differ. With the sample of `make
demo` it compares the OpenAPI document, all exports, the shown document, the rows of the ledger and fifty searches;
with `--catalogues FOLDER` also the products of each PDF there. Left out are times, random ids, figures of processes
and numbers of vectors, whose last bits depend on which pictures were encoded together. The exit status is 0 if all is
equal, else 1; processor seconds are printed, and not judged.
"""

import argparse
import hashlib
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import psutil

from devtools.generated_pages import ROOT
from devtools.reverted_mends import git

SHOWN: Final = 20  # differences of a section
FORMATS: Final = ("csv", "jsonl", "akeneo", "bmecat", "google", "jsonld", "shopify", "woocommerce")
MAPPING: Final = {
    "fields": {
        "brand": "Halden & Rue",
        "description": ["{description}", "{name}"],
        "link": "https://shop.example/{key}",
        "availability": "in_stock",
        "unit": "piece",
    },
    "supplier": "Halden & Rue",
    "catalog_id": "2026",
    "language": "eng",
    "currency": "EUR",
}
"""What the formats of shops need and a catalogue lacks."""

PASSING: Final = re.compile(
    r"(^|_)(at|until|since|seconds?|time|timings?|memory|memory_mb|peak\w*|lease\w*|run|token|host|boot_id|pid|pid_\w+)$"
    r"|^(started|ended|dirty|made|published|version_num|trace)$"
)
"""Names of columns and fields that differ from run to run."""

RANDOM: Final = re.compile(
    r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b"  # ULID
    r"|\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b"  # uuid4; those of objects are uuid5
    r"|\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?"
)


class Outcome(NamedTuple):
    """What a commit made: section -> JSON, and what it cost: step -> processor seconds."""

    made: dict[str, Any]
    seconds: dict[str, float]


def differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """Yield each place where two JSON values differ, with both values."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            place = f"{path} › {key}" if path else key
            if key in old and key in new:
                yield from differences(old[key], new[key], place)
            else:
                yield f"{place}: only {'old' if key in old else 'new'}"
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            yield f"{path}: {len(old)} → {len(new)} entries"
        for number, (before, after) in enumerate(zip_longest(old, new), 1):
            yield from differences(before, after, f"{path} {number}")
    elif old != new:
        yield f"{path}: {_around_difference(old, new)}"


def lasting(value: Any) -> Any:
    """Return a JSON value without what differs from run to run: times, random ids, figures of processes."""
    if isinstance(value, dict):
        return {lasting(key): lasting(each) for key, each in value.items() if not PASSING.search(key)}
    if isinstance(value, list):
        return [lasting(each) for each in value]
    return RANDOM.sub("…", value) if isinstance(value, str) else value


def ledger_rows(path: Path) -> dict[str, dict[str, Any]]:
    """Return table -> number of rows, hashes of columns and of rows, without what differs from run to run."""
    with closing(sqlite3.connect(path)) as ledger:
        ledger.row_factory = sqlite3.Row
        names = [name for (name,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: _table(ledger.execute(f'SELECT * FROM "{name}"')) for name in names}  # noqa: S608 (its own names)


def _table(found: sqlite3.Cursor) -> dict[str, Any]:
    names = sorted(name for name, *_ in found.description if not PASSING.search(name))
    rows = [[json.dumps(_cell(row[name]), sort_keys=True) for name in names] for row in found]
    columns = {name: _hash([row[number] for row in rows]) for number, name in enumerate(names)}
    return {"rows": len(rows), "columns": columns, "hash": _hash(map(" ".join, rows))}


def _hash(values: Iterable[str]) -> str:
    """Return a short hash of values in any order."""
    return hashlib.sha256("\n".join(sorted(values)).encode()).hexdigest()[:12]


def _cell(value: Any) -> Any:
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, str) and value[:1] in ("{", "["):
        return lasting(json.loads(value))
    return lasting(value)


def _around_difference(old: Any, new: Any) -> str:
    """Return both values, long ones only where they begin to differ."""
    texts = [json.dumps(each, ensure_ascii=False) for each in (old, new)]
    same = next((at for at, (before, after) in enumerate(zip(*texts, strict=False)) if before != after), 0)
    start = max(0, same - 20)
    cut = (("…" if start else "") + text[start : start + 80] + ("…" if text[start + 80 :] else "") for text in texts)
    return " → ".join(cut)


class Installed:
    """A commit in an environment of its own, with a home of its own."""

    def __init__(self, tree: Path, home: Path) -> None:
        self.tree, self.home = tree, home
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SWATCHBOOK_", "PREFECT_"))}
        kept.pop("PYTHONPATH", None)
        self.environment = {**kept, "SWATCHBOOK_HOME": str(home)}

    def call(self, *arguments: str, refused: Sequence[int] = ()) -> str:
        """Return what a command prints, unless it ends with a status of `refused`: that. Raises CalledProcessError."""
        command = [str(self.tree / ".venv/bin/swatchbook"), *arguments]
        done = subprocess.run(
            command, cwd=self.home.parent, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode in refused:
            return f"exit status {done.returncode}"
        if done.returncode not in (0, 3):  # 3: something was left out, and said
            print(done.stderr, file=sys.stderr)  # noqa: T201
            done.check_returncode()
        return done.stdout.replace(str(self.home), "HOME")

    @contextmanager
    def serve(self) -> Iterator[tuple[httpx.Client, psutil.Process]]:
        """Give a client of the commit's service, and the service's process."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = [str(self.tree / ".venv/bin/swatchbook"), "serve", "--port", str(port)]
        with (
            subprocess.Popen(command, cwd=self.home.parent, env=self.environment, stdout=subprocess.DEVNULL) as service,
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
        ):
            try:
                while service.poll() is None and not _answers(client):
                    time.sleep(0.2)
                yield client, psutil.Process(service.pid)
            finally:
                service.terminate()


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/live").is_success
    except httpx.TransportError:
        return False


@contextmanager
def install(commit: str) -> Iterator[Installed]:
    """Give a commit, installed as `make install` does."""
    with tempfile.TemporaryDirectory(prefix="compare-commits-") as folder:
        tree = Path(folder) / "tree"
        git("worktree", "add", "--quiet", "--detach", str(tree), commit, folder=ROOT)
        try:
            subprocess.run(
                ["make", "install"], cwd=tree, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            yield Installed(tree, Path(folder) / "home")
        finally:
            git("worktree", "remove", "--force", str(tree), folder=ROOT)


def questions(truth: Mapping[str, Any]) -> list[str]:
    """Return fifty searches: names of the sample's products, their categories and variants."""
    products = truth["products"]
    names = [product["name"] for product in products] + sorted({product["category"] for product in products})
    names += [f"{variant} {product['name']}" for product in products for variant in product["variants"]]
    return names[:50]


def use(installed: Installed, catalogue: Path, more: Sequence[Path]) -> Outcome:
    """Ingest, show, export and search with an installed commit."""
    made, seconds, folder = dict[str, Any](), dict[str, float](), installed.home.parent
    before = _spent()
    installed.call("ingest", str(catalogue))
    seconds["ingest"] = _spent() - before
    made["ledger"] = ledger_rows(installed.home / "ledger.sqlite")
    made["document"] = lasting(json.loads(installed.call("show", catalogue.name, "--json")))
    made["products"] = lasting(json.loads(installed.call("products", catalogue.name, "--json")))
    (folder / "mapping.yaml").write_text(json.dumps(MAPPING))
    made["exports"] = exports = {}
    for name in FORMATS:
        shop = () if name in FORMATS[:2] else ("--mapping", "mapping.yaml", "--pictures-url", "https://shop.example")
        exports[name] = installed.call("export", catalogue.name, "--format", name, *shop, refused=(2,)).splitlines()
    with installed.serve() as (client, service):
        made["openapi"] = client.get("/openapi.json").raise_for_status().json()
        before = _busy(service)
        made["searches"] = {
            text: [hit["id"] for hit in client.get("/search", params={"text": text, "k": 20}).json()["hits"]]
            for text in questions(json.loads(catalogue.with_suffix(".truth.json").read_text()))
        }
        seconds["searches"] = _busy(service) - before
    made["catalogues"] = caught = {}
    for path in more:
        before = _spent()
        installed.call("ingest", str(path), "--owner", "compared", refused=(1,))
        seconds[f"ingest {path.name}"] = _spent() - before
        products = ("export", path.name, "--owner", "compared", "--format", "jsonl")
        caught[path.name] = [json.loads(line) for line in installed.call(*products, refused=(1, 2)).splitlines()]
    return Outcome(made, seconds)


def _spent() -> float:
    """Return the processor seconds of all children that have ended."""
    spent = os.times()
    return spent.children_user + spent.children_system


def _busy(process: psutil.Process) -> float:
    return sum(sum(each.cpu_times()[:2]) for each in [process, *process.children(recursive=True)])


def report(old: Outcome, new: Outcome) -> tuple[str, bool]:
    """Return the differences of two outcomes for a person to read, and whether there are any."""
    lines, differ = [], False
    for section in old.made:
        found = list(differences(old.made[section], new.made[section]))
        differ = differ or bool(found)
        lines.append(f"{section}: {f'{len(found)} different' if found else 'equal'}")
        lines += [f"  {each}" for each in found[:SHOWN]]
        lines += [f"  … and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    lines.append("processor seconds, old → new")
    lines += [f"  {step}: {spent:.1f} → {new.seconds[step]:.1f}" for step, spent in old.seconds.items()]
    return "\n".join(lines), differ


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare two commits; return 1 if they differ."""
    parser = argparse.ArgumentParser(prog="python -m devtools.compare_commits", description=__doc__)
    parser.add_argument("old", metavar="OLD", help="a commit")
    parser.add_argument("new", metavar="NEW", nargs="?", default="HEAD", help="another (HEAD)")
    parser.add_argument("--catalogues", type=Path, metavar="FOLDER", help="also compare the products of the PDFs in it")
    given = parser.parse_args(arguments)
    sample = [sys.executable, "-m", "samples.generate", "--only", "large"]
    catalogue = Path(subprocess.check_output(sample, cwd=ROOT, text=True).strip())
    more = sorted(given.catalogues.rglob("*.pdf")) if given.catalogues else []
    outcomes = []
    for commit in (given.old, given.new):
        with install(commit) as installed:
            outcomes.append(use(installed, catalogue, more))
    text, differ = report(*outcomes)
    print(text)  # noqa: T201
    return int(differ)


if __name__ == "__main__":
    sys.exit(main())
