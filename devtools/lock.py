"""Pin every package with its hashes in requirements.lock: `python -m devtools.lock` (`make lock`).

The lock has sections, each of which builds on those before it; an installation takes the lock up to one of them. So
pip and uv check the hashes of one file, whatever is installed, and need no index address in it.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from typing import Final

from devtools.generated_pages import ROOT

LOCK: Final = ROOT / "requirements.lock"
EXTRAS: Final = frozenset(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]) - {
    "all",
    "notebook",
}
"""The extras of the image's variant `models`."""

SECTIONS: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "default": ("what `make install` installs, without any extra", frozenset()),
    "image": ("the extras of the image that need no PyTorch", EXTRAS - {"models", "voyage"}),
    "models": ("the other extras of the image", EXTRAS),
    "development": ("the extra notebook, and what developers need", frozenset()),
}
"""Section -> what it is about, and the extras of an installation that takes the lock up to its end."""


def up_to(section: str, lock: str) -> str:
    """Return the lock up to the end of a section."""
    later = [*SECTIONS][[*SECTIONS].index(section) + 1 :]
    return lock.partition(f"# {later[0]}:")[0] if later else lock


def _compile(*options: str) -> str:
    uv = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "-", "--universal"]
    quiet = ["--quiet", "--no-header", "--no-emit-index-url", "--no-emit-find-links"]
    quiet += ["--no-emit-package", "swatchbook-base"]
    needed = "\n".join(needed_by_packages())
    command = [*uv, "--python-version", "3.11", *quiet, *options]
    return subprocess.run(command, cwd=ROOT, check=True, input=needed, stdout=subprocess.PIPE, text=True).stdout


def needed_by_packages() -> list[str]:
    """Return what the packages of `swatchbook-complete` need besides each other and the core."""
    found, left = set[str](), ["swatchbook-complete"]
    for name in left:
        if name != "swatchbook-core":
            file = ROOT / "packages" / name.removeprefix("swatchbook-").partition("==")[0] / "pyproject.toml"
            for needed in tomllib.loads(file.read_text())["project"]["dependencies"]:
                if not needed.startswith("swatchbook-"):
                    found.add(needed)
                elif needed not in left:
                    left.append(needed)
    return sorted(found)


def packages(lock: str) -> dict[str, str]:
    """Return the packages of a lock: name==version -> its lines."""
    return {lines.split()[0]: lines for lines in re.findall(r"^\w.*\n(?: .*\n)*", lock, flags=re.MULTILINE)}


def main() -> None:
    """Resolve everything once, and each smaller installation within that; write each package in its first section."""
    everything = _compile("--all-extras", "--group", "dev", "--upgrade", "--generate-hashes")
    LOCK.write_text(everything)
    left, sections = packages(everything), []
    for name, (about, extras) in SECTIONS.items():
        chosen = [option for extra in sorted(extras) for option in ("--extra", extra)]
        is_last = name == [*SECTIONS][-1]
        here = left if is_last else packages(_compile(*chosen, "--no-annotate", "--constraint", str(LOCK)))
        sections.append(f"# {name}: {about}\n" + "".join(left.pop(each) for each in [*left] if each in here))
    LOCK.write_text("".join(sections))


if __name__ == "__main__":
    main()
