"""The command line of the public benchmarks (obtain, run, score, table), and their files of scores and leaderboards."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, NoReturn, TypeVar

from swatchbook.domain.errors import Failure
from swatchbook.domain.records import Record

SCORES: Final = "scores"
BOARD: Final = "LEADERBOARD.md"
R = TypeVar("R", bound=Record)

Action = Callable[[argparse.Namespace], int]
"""Do what the arguments say; return the exit code."""


class Actions(NamedTuple):
    """What the four commands do."""

    obtain: Action
    run: Action
    score: Action
    table: Action


def new_parser(
    package: str, doc: str, actions: Actions, *, board: Path
) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """Return the parser of a benchmark and that of its command `run`, to which it may add arguments.

    `doc`: the docstring of the module, with its usage. `board`: the folder of the scores and the leaderboard.
    """
    usage = doc.partition("Usage: ")[2].partition("\n\n")[0]
    parser = argparse.ArgumentParser(prog=f"python -m {package}", usage=usage)
    commands = parser.add_subparsers(required=True)
    made = {name: commands.add_parser(name) for name in Actions._fields}
    for name, action in actions._asdict().items():
        made[name].set_defaults(do=action)
    made["obtain"].add_argument("folder", type=Path)
    made["obtain"].add_argument("address")
    made["run"].add_argument("system")
    made["run"].add_argument("folder", type=Path)
    made["run"].add_argument("--to", type=Path)
    made["score"].add_argument("files", type=Path, nargs="+")
    for name in ("score", "table"):
        made[name].add_argument("--board", type=Path, default=board)
    return parser, made["run"]


def run(parser: argparse.ArgumentParser) -> NoReturn:
    """Do what the command line asks; exit with 1, and one line that says why, if it cannot be done."""
    given = parser.parse_args()
    try:
        sys.exit(given.do(given))
    except Failure as failure:
        sys.exit(str(failure))


def keep_scores(board: Path, system: str, scores: Record) -> None:
    """Write the scores of a system into the folder of the leaderboard."""
    (board / SCORES).mkdir(parents=True, exist_ok=True)
    (board / SCORES / f"{system}.json").write_text(scores.model_dump_json(indent=1) + "\n")


def write_board(folder: Path, read: Callable[[Path], R], make: Callable[[Sequence[R]], str]) -> Path:
    """Write the leaderboard of the scores in a folder, and return its path. Raises what `read` raises."""
    board = folder / BOARD
    board.write_text(make([read(file) for file in sorted((folder / SCORES).glob("*.json"))]))
    return board
