"""The baselines by name. Each module has `about()` and `answer(task)`; it is imported only when it is named, so that
a package that only one of them needs is missed by no other.
"""

import subprocess
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.catalogues.answers import DocumentAnswer, SystemAnswers, read_document
from devtools.evaluation.truth import Truth
from swatchbook.domain import extras
from swatchbook.domain.errors import Failure, InvalidReference, Policy

BASELINES: Final[Mapping[str, str]] = {
    "swatchbook": "untaught",
    "swatchbook-left-out": "left_out",
    "swatchbook-taught": "taught",
    "pymupdf4llm-rules": "markdown",
    "docling-rules": "docling_document",
    "docling-native-rules": "docling_native",
    "vision-model": "vision",
}
"""Name -> module of this package."""


class NotRun(Failure):
    """A system cannot run here at all: a package, a model or an address is missing."""

    kind, policy = "not_run", Policy.BLOCKED


class Task(NamedTuple):
    """A document to read. Only a simulated person may look at `truth`; `keep` keeps what was read of the PDF."""

    name: str
    pdf: Path
    truth: Truth
    keep: Path | None


class System(NamedTuple):
    """What is written of the system besides its answers, and what reads a document."""

    about: SystemAnswers
    answer: Callable[[Task], DocumentAnswer]


def find_system(name: str) -> System:
    """Return a baseline, or a program that is called with the path of a PDF. Raises InvalidReference."""
    if name in BASELINES:
        module = import_module(f"benchmarks.catalogues.systems.{BASELINES[name]}")
        return System(module.about(), module.answer)
    program = Path(name)
    if not program.is_file():
        raise InvalidReference(
            f"{name} is neither a baseline nor a program.",
            advice=f"Name one of {', '.join(BASELINES)}, or the path of a program that prints what it finds in a PDF.",
        )
    about = SystemAnswers(
        system=program.stem.lower(), about=f"the program {program.name}", seen={"tuning": "unseen", "aside": "unseen"}
    )
    return System(about, lambda task: _ask_program(program.resolve(), task.pdf))


def _ask_program(program: Path, pdf: Path) -> DocumentAnswer:
    done = subprocess.run([program, pdf], capture_output=True, check=False)
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise InvalidReference(f"{program.name} ended with {done.returncode}: {''.join(last) or 'no message'}")
    return read_document(done.stdout, program.name)


def swatchbook_version() -> str:
    """Return the version of Swatchbook, and the commit of a checkout."""
    asked = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short=8", "HEAD"]
    commit = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return f"{extras.installed_version()} ({commit})" if commit else extras.installed_version()


def installed_version(package: str) -> str:
    """Return the version of a package; nothing if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
