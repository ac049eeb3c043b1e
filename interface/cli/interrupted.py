"""Handle Ctrl-C in a command: print how to continue, and end with 130."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def resumable() -> Iterator[None]:
    """On Ctrl-C, say how to resume and exit with 130."""
    try:
        yield
    except KeyboardInterrupt:
        from interface.cli.exit_status import INTERRUPTED
        from interface.cli.prefect_run import leave
        from interface.cli.terminal import note

        note("Interrupted. Finished work is kept; run the same command again to resume.")
        leave(INTERRUPTED)
