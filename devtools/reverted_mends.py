"""Revert mends of faults one at a time, and say which of them the tests of today catch.

`python -m devtools.reverted_mends 40` takes commits by chance that changed the program and its tests, and whose message
speaks of a fault. It takes the change of the program back on today's tree, where git can merge it, in a worktree,
and runs the tests that the commit changed or that import a changed module. What no longer applies, or does not fit the
code of today (mypy misses a name), is left out and counted.
"""

import argparse
import ast
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from devtools.size import PACKAGES

PROGRAM: Final = rf"({'|'.join(PACKAGES)}|packages/\w+/swatchbook_\w+)/"
LINES_OF_A_MEND: Final = 200  # of the program; a commit that changes more is rather a feature

FAULT: Final = re.compile(
    r"(?i)\b(no|not|none|never|nor|nothing|neither|without|instead|wrong(ly)?|refuse[ds]?|los[et]s?|fail(s|ed)?|hung|hangs?"
    r"|crash\w*|killed|silently|mixed|broken?|still|once|ends?|even|stays?|twice|too|again)\b"
)
"""In a message: it says what holds now, so that of a mend says what is not so any more."""

OTHER: Final = re.compile(
    r"(?i)\bdocs?\b|documented|\btest(s|ed)?\b|measured|plainer|words of|words read|docstring|modules?\b|one function"
    r"|in one place|of (its|their) own$|processor time|memory|faster|quicker|sooner|cheaper|\btime\b|weights|fitted"
    r"|labels|for each query|read once|in minutes|^(pins?|lint|merge|migration|bench|names|glossary)\b"
)
"""In a subject about speed, structure or words: reverting that changes nothing that a test could see."""

CUT: Final = re.compile(r"(?i)^drop|lines? (fewer|less)|fewer (\w+ )?lines")
"""In a message about something that was dropped: reverting it brings a feature back, no fault."""

MISFIT: Final = re.compile(r"(NameError|ImportError|AttributeError|TypeError: .*argument)")  # the test needs the mend
SOURCE_TEST: Final = "tests/ingest/test_cache_keys.py::test_changed_stage_has_a_new_version"  # any change fails it


class Mend(NamedTuple):
    """A commit that mended a fault, and the files of the program and the tests that it changed."""

    commit: str
    subject: str
    program: tuple[str, ...]
    lines: int  # of the program that it added and removed
    tests: tuple[str, ...]


def git(*arguments: str, folder: Path) -> str:
    """Return what git prints. Raises CalledProcessError."""
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def find_mends(root: Path) -> list[Mend]:
    """Return the commits whose message speaks of a fault, and that changed a little of the program, and its tests."""
    found = []
    log = git("log", "--no-merges", "--no-renames", "--format=%x01%H%x02%B%x02", "--numstat", "--summary", folder=root)
    for entry in log.split("\x01")[1:]:
        commit, message, changes = entry.split("\x02")
        subject, *_ = message.strip().splitlines()
        lines = {path: (int(new), int(old)) for new, old, path in re.findall(r"^(\d+)\t(\d+)\t(.+)$", changes, re.M)}
        program = tuple(path for path in lines if re.fullmatch(rf"{PROGRAM}.+\.py", path))
        tests = tuple(
            path for path in lines if re.fullmatch(r"(.+/)?tests/(.+/)?test_\w+\.py", path) and lines[path][0]
        )
        moved = re.search(rf"^ (create|delete) mode \d+ {PROGRAM}", changes, re.M)
        changed = sum(sum(lines[path]) for path in program)
        is_small = changed <= LINES_OF_A_MEND and not moved
        of_a_fault = FAULT.search(message) and not OTHER.search(subject) and not CUT.search(message)
        if program and tests and is_small and of_a_fault:
            found.append(Mend(commit, subject, program, changed, tests))
    return found


@contextmanager
def worktree(root: Path) -> Iterator[Path]:
    """Give a worktree of HEAD with this checkout's environment, and delete it afterwards."""
    with tempfile.TemporaryDirectory(prefix="reverted-mends-") as folder:
        tree = Path(folder) / "tree"
        git("worktree", "add", "--quiet", "--detach", str(tree), "HEAD", folder=root)
        try:
            (tree / ".venv").symlink_to(root / ".venv")
            if (known := root / ".mypy_cache").is_dir():
                shutil.copytree(known, tree / known.name)
            yield tree
        finally:
            git("worktree", "remove", "--force", str(tree), folder=root)


def revert(mend: Mend, tree: Path) -> list[str]:
    """Take back what a mend changed of the program; return the files whose code is another now.

    Git merges the reverse of the commit, so that it follows renamed files. A file that conflicts stays as it is; where
    less than half of the lines can be taken back, nothing is.
    """
    reverse = ["git", "-c", "merge.renameLimit=9999", "revert", "--no-commit", mend.commit]
    subprocess.run(reverse, cwd=tree, capture_output=True, check=False)
    program = (*(f"{package}/**.py" for package in PACKAGES), "packages/*/swatchbook_*.py")
    patch = git("diff", "--cached", "HEAD", "--", *program, folder=tree)
    git("reset", "--quiet", "--hard", "HEAD", folder=tree)
    patch = re.sub(r"^\* Unmerged path .*\n", "", patch, flags=re.M)
    if 2 * len(re.findall(r"^[+-](?![+-]{2} )", patch, re.M)) < mend.lines:
        return []
    subprocess.run(["git", "apply", "--index", "--allow-empty"], cwd=tree, input=patch, text=True, check=True)
    names = git("diff", "--cached", "--name-only", folder=tree).split()
    return [name for name in names if code(git("show", f"HEAD:{name}", folder=tree)) != code((tree / name).read_text())]


def fits(tree: Path) -> bool:
    """Return whether mypy finds the names and arguments that the reverted code uses."""
    return subprocess.run([sys.executable, "-m", "mypy"], cwd=tree, capture_output=True, check=False).returncode != 1


def code(text: str) -> str:
    """Return Python without comments, docstrings and layout."""
    module, documented = ast.parse(text), ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in ast.walk(module):
        if isinstance(node, documented) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(module)


def imports(file: Path) -> set[str]:
    """Return the modules that a file imports anywhere, and what it imports from them."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    return found


def tests_of(mend: Mend, changed: Sequence[str], tree: Path) -> list[list[str]]:
    """Return the test files that the mend changed, as they are named today, and those that import a changed module."""
    log = ("log", "--reverse", "--format=", "--name-status", "--diff-filter=R")
    now = {path: path for path in mend.tests}
    for old, new in re.findall(r"^R\d+\t(.+)\t(.+)$", git(*log, f"{mend.commit}..HEAD", folder=tree), re.M):
        now = {path: new if place == old else place for path, place in now.items()}
    paths = (re.sub(r"(/__init__)?\.py$|^packages/\w+/", "", path) for path in changed)
    modules = {f"{start}{path.replace('/', '.')}" for path in paths for start in ("", "swatchbook.")}
    importing = [file for file in sorted(tree.glob("**/tests/**/test_*.py")) if imports(file) & modules]
    importing.sort(key=lambda file: len(imports(file)))  # the most specific first
    touched = [path for path in now.values() if (tree / path).is_file()]
    return [touched, [name for file in importing if (name := str(file.relative_to(tree))) not in touched]]


def run_tests(tests: Sequence[str], marks: str, tree: Path, seconds: float, *options: str) -> tuple[int, str, str]:
    """Run tests until one fails; return pytest's exit status, the test and its error. Raises TimeoutExpired."""
    run = [sys.executable, "-m", "pytest", "-x", "-q", "-rfE", "-m", marks, f"--deselect={SOURCE_TEST}"]
    run += [*options, *tests]
    folders = os.pathsep.join(map(str, (tree, *tree.glob("packages/*"))))
    here = {**os.environ, "PYTHONPATH": folders, "COLUMNS": "400"}
    done = subprocess.run(run, cwd=tree, env=here, capture_output=True, text=True, timeout=seconds, check=False)
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+::.+?)(?: - (.*))?$", done.stdout, re.M)
    return done.returncode, *(failed[0] if failed else ("", ""))


def judge(mend: Mend, changed: Sequence[str], tree: Path, *, marks: str, seconds: float) -> tuple[str, str]:
    """Run a reverted mend's tests and put the tree back; return what became of it, and the test that failed."""
    if not changed:
        return "does not apply", ""
    try:
        if not fits(tree):
            return "does not fit", "mypy"
        status, test, error = 5, "", ""
        touched, importing = tests_of(mend, changed, tree)
        for tests in filter(None, (touched, importing)):
            if status in (0, 5):  # all pass, or none has these marks
                status, test, error = run_tests(tests, marks, tree, seconds)
        if status in (0, 5):
            on_servers = re.sub(r"\bnot (?=stack)", "", marks)
            is_left_out = touched and run_tests(touched, on_servers, tree, seconds, "--collect-only")[0] == 0
            return ("needs --stack" if is_left_out and on_servers != marks else "not caught"), ""
        if status != 1 or not test or MISFIT.match(error):
            return "does not fit", test
        git("reset", "--quiet", "--hard", "HEAD", folder=tree)
        return ("caught" if run_tests([test.partition("[")[0]], "", tree, seconds)[0] == 0 else "fails anyway"), test
    except subprocess.TimeoutExpired:
        return "not caught", f"none failed in {seconds:.0f} s"
    finally:
        git("reset", "--quiet", "--hard", "HEAD", folder=tree)


def main(arguments: Sequence[str] | None = None, root: Path = Path(__file__).parents[1]) -> int:
    """Judge mends by chance and print a table; return 1 where one is not caught, 2 where a test fails anyway."""
    parser = argparse.ArgumentParser(prog="python -m devtools.reverted_mends", description=__doc__)
    parser.add_argument("count", type=int, metavar="N", help="how many reverted mends the tests judge")
    parser.add_argument("--seed", type=int, default=1, help="of the choice (1)")
    parser.add_argument("--suite", choices=("gate", "nightly"), default="gate")
    parser.add_argument("--stack", action="store_true", help="also run the tests that start servers")
    parser.add_argument("--limit", type=float, default=600, metavar="SECONDS", help="for the tests of one mend (600)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args(arguments)
    marks = " and ".join(["not nightly"] * (given.suite == "gate") + ["not stack"] * (not given.stack))
    mends, rows, counts = find_mends(root), list[dict[str, str]](), Counter[str]()
    random.Random(given.seed).shuffle(mends)  # noqa: S311 (no secret)
    with worktree(root) as tree:
        for mend in mends:
            changed = revert(mend, tree)
            outcome, test = judge(mend, changed, tree, marks=marks, seconds=given.limit)
            files = f"{len(changed)} of {len(mend.program)}"
            rows.append(
                {"commit": mend.commit[:10], "files": files, "outcome": outcome, "mend": mend.subject, "test": test}
            )
            counts[outcome] += 1
            print(*rows[-1].values(), sep=" | ", file=sys.stderr, flush=True)
            if counts["caught"] + counts["not caught"] + counts["fails anyway"] == given.count:
                break
    lines = [f"| {' | '.join(row.values())} |" for row in rows]
    table = "\n".join(("| commit | files | outcome | mend | test |", "| --- | --- | --- | --- | --- |", *lines))
    print(json.dumps(rows, indent=2) if given.json else table)
    print(f"Of {len(mends)} mends: {', '.join(f'{n} {name}' for name, n in counts.items())}.", file=sys.stderr)
    return 2 if counts["fails anyway"] else int(counts["not caught"] > 0)


if __name__ == "__main__":
    sys.exit(main())
