"""Obtain the labelled documents, run a system on them, score it, and make the leaderboard.

Usage: python -m benchmarks.catalogues obtain PDFS ADDRESS
       python -m benchmarks.catalogues run SYSTEM PDFS [NAME…] [--split SPLIT] [--keep READINGS] [--to ANSWERS.json]
       python -m benchmarks.catalogues score ANSWERS.json… [--board FOLDER]
       python -m benchmarks.catalogues table [--board FOLDER]

`obtain` fetches the PDFs from their public repositories below ADDRESS, a git host or mirror, into PDFS/SPLIT/NAME.pdf,
and compares their SHA-256. SYSTEM is a baseline, or the path of a program: it is called with the path of a PDF and
prints its products as JSON. What `run` finds is written after each document; a run that was stopped goes on.
`score` also writes FOLDER/scores/SYSTEM.json, of which `table` makes FOLDER/LEADERBOARD.md. The format of the answers,
and what the figures mean: benchmarks/catalogues/DATASHEET.md.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.board_command import Actions, keep_scores, new_parser, run, write_board
from benchmarks.catalogues.answers import SystemAnswers, read_answers
from benchmarks.catalogues.leaderboard import make_board
from benchmarks.catalogues.scores import Told, read_scores, score_system
from benchmarks.catalogues.splits import HERE, LABELS, SPLITS, split_of, truths_of
from benchmarks.catalogues.systems import NotRun, System, Task, find_system
from devtools.obtain_truth import obtain
from swatchbook.domain.errors import InvalidReference

NAMED_MOST = 8
"""How many missing or unknown documents a line names."""


def main() -> None:
    """Do what the command line asks."""
    actions = Actions(_obtain, _run, _score, _table)
    parser, running = new_parser("benchmarks.catalogues", __doc__ or "", actions, board=HERE)
    running.add_argument("names", nargs="*")
    running.add_argument("--split", choices=SPLITS)
    running.add_argument("--keep", type=Path)
    run(parser)


def _obtain(given: argparse.Namespace) -> int:
    """Obtain every document that is not there already; return 1 if one could not be."""
    failed = 0
    for split in SPLITS:
        folder = given.folder / split
        if folder.resolve().is_relative_to(LABELS.parents[1]):
            raise InvalidReference(f"{folder} is in the checkout.", advice="The PDFs must not be committed.")
        folder.mkdir(parents=True, exist_ok=True)
        for name in truths_of(split):
            labels = json.loads((LABELS / split / f"{name}.json").read_text())
            said = obtain(labels, given.address, folder / f"{name}.pdf")
            print(f"{split} {name}: {said or 'obtained'}", flush=True)
            failed += said is not None
    return min(failed, 1)


def _run(given: argparse.Namespace) -> int:
    """Read every document that has no answer yet; return 1 if one failed."""
    system = find_system(given.system)
    file = given.to or Path(f"{system.about.system}.json")
    answers = system.about
    if file.exists() and (before := read_answers(file)):
        if before.system != answers.system:
            raise InvalidReference(f"{file} has the answers of {before.system}.", advice="Name another file by `--to`.")
        answers = answers.model_copy(update={"documents": before.documents})
    failed = 0
    for name, split in _asked(given, answers):
        task = Task(name, given.folder / split / f"{name}.pdf", truths_of(split)[name], given.keep)
        if not task.pdf.exists():
            print(f"{name}: {task.pdf} is not there", file=sys.stderr)
            failed += 1
            continue
        try:
            answers, said = _read(system, task, answers)
        except NotRun as reason:
            answers, said = answers.model_copy(update={"not_run": str(reason)}), ""
        _write(file, answers)
        if answers.not_run:
            print(f"{answers.system} was not run: {answers.not_run}", file=sys.stderr)
            return 1
        print(f"{name}: {said}", flush=True)
        failed += name not in answers.documents
    return min(failed, 1)


def _asked(given: argparse.Namespace, answers: SystemAnswers) -> list[tuple[str, str]]:
    """Return name and split of the documents that are to be read. Raises InvalidReference for an unknown name."""
    if unknown := [name for name in given.names if split_of(name) is None]:
        raise InvalidReference(f"{_list(unknown)}: no split has these documents.")
    return [
        (name, split)
        for split in SPLITS
        if split in answers.seen and given.split in (None, split)
        for name in truths_of(split)
        if name not in answers.documents and (not given.names or name in given.names)
    ]


def _read(system: System, task: Task, answers: SystemAnswers) -> tuple[SystemAnswers, str]:
    """Return the answers with that to one more document; a failure is told, and leaves it without an answer."""
    try:
        answer = system.answer(task)
    except NotRun:
        raise
    except Exception as error:  # noqa: BLE001 - any system may fail at any document, which counts as zero then
        return answers, f"failed: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    documents = {**answers.documents, task.name: answer}
    return answers.model_copy(update={"documents": documents}), f"{len(answer.products)} products"


def _write(file: Path, answers: SystemAnswers) -> None:
    """Replace a file of answers at once, so that a run that is killed leaves a whole one."""
    beside = file.with_suffix(".part")
    beside.write_text(answers.model_dump_json(exclude_defaults=True, indent=1))
    beside.replace(file)


def _score(given: argparse.Namespace) -> int:
    """Score files of answers, and print their rows; documents without an answer are named."""
    systems = []
    for file in given.files:
        scores, told = score_system(read_answers(file))
        keep_scores(given.board, scores.system, scores)
        _say(scores.system, told)
        systems.append(scores)
    print(make_board(systems))
    return 0


def _say(system: str, told: Told) -> None:
    if told.unknown:
        print(f"{system}: no split has these documents, which are ignored: {_list(told.unknown)}", file=sys.stderr)
    for split, missing in told.missing.items():
        if missing:
            print(f"{system}: {split} counts as zero without an answer: {_list(missing)}", file=sys.stderr)


def _list(names: Sequence[str]) -> str:
    more = len(names) - NAMED_MOST
    return ", ".join(names[:NAMED_MOST]) + (f" and {more} more" if more > 0 else "")


def _table(given: argparse.Namespace) -> int:
    print(write_board(given.board, read_scores, make_board))
    return 0


if __name__ == "__main__":
    main()
