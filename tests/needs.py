"""What tests need of the machine that Python does not bring: packages of Debian.

`@pytest.mark.needs("curl")` skips a test, with the reason, where the package is not installed. `make test-stack` runs
these tests too: in CI it has every package, and there a skip is a failure (`conftest.py`).
"""

import shutil
from functools import cache

from swatchbook_catalogue.pdf.ocr_languages import has_data

_COMMANDS = {"chromium": ("chromium", "chromium-browser", "google-chrome"), "prometheus": ("prometheus", "promtool")}
"""Package -> its commands: of Chromium any one is enough, of others all are needed. Other packages have one command,
with the package's name."""

_TESSERACT = "tesseract-ocr-"


def chromium() -> str | None:
    """Return the path of a browser that takes Chromium's options."""
    return next(filter(None, map(shutil.which, _COMMANDS["chromium"])), None)


@cache
def missing(package: str) -> str | None:
    """Return why a test that needs a package cannot run here, or None if the package is installed."""
    if package.startswith(_TESSERACT):
        there = has_data(package.removeprefix(_TESSERACT))
    else:
        found = [shutil.which(command) is not None for command in _COMMANDS.get(package, (package,))]
        there = any(found) if package == "chromium" else all(found)
    return None if there else f"needs Debian's package {package}; `make test-stack` runs it where it is installed"
