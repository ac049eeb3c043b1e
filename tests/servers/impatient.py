"""The command line, with the service's rounds every other second: what a test need not wait for."""

from swatchbook.interface.cli.main import main
from swatchbook.scheduler import tick

if __name__ == "__main__":
    tick.keep_ticking.__defaults__ = (2.0,)
    main()
