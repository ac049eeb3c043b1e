"""What `learning/` may import, and when results that are cached under its version are stale."""

import json
from pathlib import Path

from swatchbook_teach.provider import TaughtDocuments
from tests.fixtures import ROOT
from tests.ingest.test_cache_keys import fingerprint
from tests.test_imports import imported

FOLDER = "packages/teach/swatchbook_teach/learning"
PIN = Path(__file__).with_name("pinned_learning.json")


def state() -> list[str]:
    return [TaughtDocuments.version, fingerprint(sorted((ROOT / FOLDER).glob("*.[jp]*")))]


def test_changed_learning_has_a_new_version() -> None:
    assert json.loads(PIN.read_text()) == state(), (
        "learning/ changed. If it may say something else for the same document, raise `version` in provider.py. Then "
        "pin it: PYTHONPATH=.:packages/teach/tests python -m test_learning"
    )


def test_learning_knows_neither_files_nor_ledger() -> None:
    names = {name for path in (ROOT / FOLDER).glob("*.py") for name in imported(path)}
    of_core = {name for name in names if name.startswith("swatchbook.")}
    assert {name for name in of_core if not name.startswith("swatchbook.domain.records")} == set()


if __name__ == "__main__":
    PIN.write_text(json.dumps(state(), indent=2) + "\n")
