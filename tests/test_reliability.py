"""What docs/RELIABILITY.md promises has its test: each file that it names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAMED = re.compile(r"`(tests/[\w/]+(?:\.py)?|test_\w+\.py)")
"""A path from the root, or the bare name of a second file in the same folder."""


def test_every_test_that_is_named_is_there() -> None:
    named = NAMED.findall((ROOT / "docs" / "RELIABILITY.md").read_text())
    assert len(named) > 40
    there = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    missing = [name for name in named if not (ROOT / name).exists() and name not in there]
    assert missing == []
