"""The command line, with the service's rounds every second: what a test need not wait for.

SWATCHBOOK_TEST_ROUND_SECONDS says otherwise; a soak has them come as they come in earnest.
"""

import os

from deployments import tick
from interface.cli import main

if __name__ == "__main__":
    tick.keep_ticking.__defaults__ = (float(os.environ.get("SWATCHBOOK_TEST_ROUND_SECONDS", "1")),)
    main()
