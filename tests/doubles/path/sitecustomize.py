"""Python finds this at the start of every run of the stack under test, and lays a fault over the encoder that it loads.
The garbage collector looks less often through the many objects of imports, which is a tenth of a run's processor time.

Only where SWATCHBOOK_TEST_TROUBLE names the file that says which: tests.doubles.models.told_by.
"""

import gc
import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

TROUBLE = os.environ.get("SWATCHBOOK_TEST_TROUBLE")
REGISTRY = "swatchbook.models.registry"


class AfterImport(MetaPathFinder):
    """Nothing of ours is imported before a run does it itself: children stay as lean as they are."""

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != REGISTRY:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                from tests.doubles.models import lay_trouble

                execute(module)
                lay_trouble(Path(str(TROUBLE)), module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


gc.set_threshold(50_000, 50, 100)
if TROUBLE:
    sys.meta_path.insert(0, AfterImport())
