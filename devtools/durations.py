"""Test durations: a Markdown table by folder, from pytest's `--junitxml` reports.

`python -m devtools.durations build/test.xml build/test-stack.xml`; a file is named after the make target that wrote it.
"""

import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree


class Folder(NamedTuple):
    """Number and total duration of a folder's tests in one run."""

    name: str
    tests: int
    seconds: float
    command: str


def folders(report: Path) -> list[Folder]:
    """Return the folders of a JUnit report, the longest first; seconds are summed over the test processes.

    Raises OSError or ElementTree.ParseError when the file is not such a report.
    """
    seconds = defaultdict[str, list[float]](list)
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 (written by pytest on this machine)
        folder = takewhile(lambda part: not part.startswith("test_"), case.attrib["classname"].split("."))
        seconds["/".join(folder)].append(float(case.attrib["time"]))
    rows = [Folder(name, len(each), sum(each), f"make {report.stem}") for name, each in seconds.items()]
    return sorted(rows, key=lambda row: row.seconds, reverse=True)


def table(rows: Iterable[Folder]) -> str:
    """Return the rows as a Markdown table."""
    head = "| folder | tests | seconds | command |\n| --- | ---: | ---: | --- |\n"
    return head + "".join(f"| `{r.name}` | {r.tests} | {r.seconds:.0f} | `{r.command}` |\n" for r in rows)


def main(arguments: Sequence[str]) -> int:
    """Print the table of the reports. Return 1 when one cannot be read, 2 when none is given."""
    if not arguments:
        print("usage: python -m devtools.durations REPORT.xml…", file=sys.stderr)  # noqa: T201
        return 2
    try:
        rows = [row for report in arguments for row in folders(Path(report))]
    except (OSError, ElementTree.ParseError) as error:
        print(f"{error}: run `make test` and `make test-stack` first.", file=sys.stderr)  # noqa: T201
        return 1
    print(table(rows), end="")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
