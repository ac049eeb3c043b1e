"""Import every shipped module and print, as JSON, those that cannot be imported here with the module that each lacks.

`python imports.py [MODULE ...]`: these modules count as not installed. Run it without the tests' own imports.
"""

import json
import os
import sys
from collections.abc import Collection, Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]


class Blocked(MetaPathFinder):
    """Finds these modules nowhere. `None` in `sys.modules` is no way: pyarrow looks there for pandas."""

    def __init__(self, modules: Collection[str]) -> None:
        self._modules = modules

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name in self._modules:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def lacking() -> dict[str, str | None]:
    found = dict[str, str | None]()
    files = (Path(at, name) for at, _, names in os.walk(ROOT / "swatchbook", followlinks=True) for name in names)
    for file in sorted(each for each in files if each.suffix == ".py"):
        name = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if "migrations" in name and name.endswith(".env"):  # Alembic's, which runs it
            continue
        try:
            import_module(name)
        except ModuleNotFoundError as error:
            found[name] = error.name
    return found


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.meta_path.insert(0, Blocked(sys.argv[1:]))
    print(json.dumps(lacking()))
