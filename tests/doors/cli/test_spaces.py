"""What a fill says is left, and whether the same command would make it."""

from rich.console import Console

from swatchbook.domain.records import Role
from swatchbook.doors.cli.commands.fill import draw_filled, lack_line
from swatchbook.store.ledger.space_objects import Lack
from swatchbook.upkeep.fill_missing import Fill, Filled


def test_same_command_is_advised_where_it_helps() -> None:
    assert lack_line(Lack(role=Role.COLOR, tag="eye@1", open=0, failed=3), 0.0).plain == (
        "! color by eye@1: 3 objects failed for good"
    )
    for taken, told in [(5, True), (0, False)]:
        left = Lack(role=Role.COLOR, tag="eye@1", open=2, failed=1)
        done = Filled(
            documents=1, objects=taken, made=taken, unreadable=2, failures=(), cost_usd=0.0, lacks=(left,)
        )  # fmt: skip
        console = Console(width=200)
        with console.capture() as printed:
            console.print(draw_filled(done, Fill(), now=0.0))
        assert ("go on: the same command again" in printed.get()) is told
        assert "color by eye@1: still lacks 2 objects, 1 object failed for good" in printed.get()
