"""The command line, with the service's rounds every other second: what a test need not wait for."""

from swatchbook.deployments import tick
from swatchbook.doors.cli.main import main

if __name__ == "__main__":
    tick.keep_ticking.__defaults__ = (2.0,)
    main()
