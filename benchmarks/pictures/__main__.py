"""Obtain four public sets of pictures, rank them by a system, score it, and make the leaderboard.

Usage: python -m benchmarks.pictures obtain PICTURES ADDRESS
       python -m benchmarks.pictures run SYSTEM PICTURES [--to RANKINGS.json]
       python -m benchmarks.pictures score RANKINGS.json… [--board FOLDER]
       python -m benchmarks.pictures table [--board FOLDER]

`obtain` fetches the pictures from their public repositories below ADDRESS, a git host or mirror, into
PICTURES/SET/ID.jpg, and compares their SHA-256. SYSTEM is a baseline, or the path of a program: it is called with each
PICTURES/SET and prints the ids of the ten nearest others of each picture as JSON. `score` also writes
FOLDER/scores/SYSTEM.json, of which `table` makes FOLDER/LEADERBOARD.md. The format, and what the figures mean:
benchmarks/pictures/DATASHEET.md.
"""

import argparse
import sys
from pathlib import Path

from pydantic import ValidationError

from benchmarks.board_command import Actions, keep_scores, new_parser, run, write_board
from benchmarks.pictures.board import make_board
from benchmarks.pictures.rankings import FORMAT, read_rankings, read_scores, score_rankings
from benchmarks.pictures.sets import HERE, obtain, picture_sets, pictures_in
from benchmarks.pictures.systems import run_baseline
from devtools.json_record import first_fault
from swatchbook.domain.errors import InvalidReference


def main() -> None:
    """Do what the command line asks."""
    actions = Actions(_obtain, _run, _score, _table)
    parser, _ = new_parser("benchmarks.pictures", __doc__ or "", actions, board=HERE)
    run(parser)


def _obtain(given: argparse.Namespace) -> int:
    """Obtain the pictures that are not there already; return 1 if one could not be."""
    if given.folder.resolve().is_relative_to(HERE.parents[1]):
        raise InvalidReference(f"{given.folder} is in the checkout.", advice="The pictures must not be committed.")
    failed = 0
    for name in picture_sets():
        for fault in obtain(given.folder, name, given.address):
            print(f"{name}: {fault}", file=sys.stderr)
            failed += 1
        print(f"{name}: {len(pictures_in(given.folder, name).ids)} of {len(picture_sets()[name].pictures)}")
    return min(failed, 1)


def _run(given: argparse.Namespace) -> int:
    """Rank all sets, of which at least one picture must be there."""
    sets = [pictures_in(given.folder, name) for name in picture_sets()]
    if absent := [each.name for each in sets if not each.ids]:
        raise InvalidReference(f"{given.folder} has no pictures of {', '.join(absent)}.", advice="Obtain them first.")
    try:
        found = run_baseline(given.system, sets)
    except ValidationError as error:
        raise InvalidReference(f"{given.system}: {first_fault(error)}", advice=FORMAT) from error
    file = given.to or Path(f"{found.system}.json")
    file.write_text(found.model_dump_json(exclude_defaults=True) + "\n")
    print(f"{file}: {'not run: ' + found.not_run if found.not_run else 'written'}")
    return 1 if found.not_run else 0


def _score(given: argparse.Namespace) -> int:
    """Score files of rankings, and print their tables."""
    systems = []
    for file in given.files:
        scores = score_rankings(read_rankings(file))
        keep_scores(given.board, scores.system, scores)
        for name, one in scores.sets.items():
            if one.missing:
                print(f"{scores.system}: {name} has no answer to {one.missing} pictures: zero", file=sys.stderr)
        systems.append(scores)
    print(make_board(systems))
    return 0


def _table(given: argparse.Namespace) -> int:
    print(write_board(given.board, read_scores, make_board))
    return 0


if __name__ == "__main__":
    main()
