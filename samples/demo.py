"""`make demo`: build the sample catalogue, ingest it, and search it three ways. Nothing here touches the network.

Runs the very commands that a person would type, in a home of its own: `python -m samples.demo [HOME]`. On a terminal it
ends by serving the web page, until Ctrl-C; `SERVE=0` or `SERVE=1` says so whatever it runs on.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from samples.generate import BUILD, build, build_query


def main(home: Path = BUILD / "home") -> int:
    """Runs the demo; returns the first exit status that is not 0."""
    print(f"The sample catalogue goes to {BUILD}, the collection to {home}.", flush=True)
    print("The first time its pictures are made, which takes a minute.", flush=True)
    catalogue, query = build(BUILD), build_query(BUILD)
    environment = {**os.environ, "SWATCHBOOK_HOME": str(home)}
    swatchbook = str(Path(sys.executable).with_name("swatchbook"))
    commands = (
        ("ingest the sample", ("ingest", str(catalogue))),
        ("search by text", ("search", "slow-grown oak with long flames for underfloor heating")),
        ("search by text, with a filter", ("search", "swallows the sound of steps", "--where", "category=Wood & Cork")),
        ("search by picture", ("search", "--image", str(query))),
    )
    for title, command in commands:
        print(f"\n— {title}: swatchbook {shlex.join(command)}", flush=True)
        status = subprocess.run([swatchbook, *command], env=environment, check=False).returncode
        if status:
            return status
    print(f"\nTo go on with it: export SWATCHBOOK_HOME={home}", flush=True)
    if not serves(os.environ.get("SERVE"), on_terminal=sys.stdout.isatty()):
        return 0
    print("\n— the web page: swatchbook serve (Ctrl-C ends it)", flush=True)
    with subprocess.Popen([swatchbook, "serve"], env=environment) as service:
        try:
            return service.wait()
        except KeyboardInterrupt:  # the service gets it, too, and ends by itself
            return service.wait()


def serves(asked: str | None, *, on_terminal: bool) -> bool:
    """Whether the demo ends by serving the page: as `SERVE` says, else on a terminal."""
    return asked not in ("0", "no") if asked else on_terminal


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:2])))
