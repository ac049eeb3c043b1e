"""What `tests.forked` imports once for many commands: the domain, and libraries that take long. None of them reads a
setting when it is imported, but Prefect: a command that imports it gets it with the settings of that moment.
"""

import gc
import logging
import os
import pkgutil
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

os.environ |= {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}  # of this process: a command has its own

import prefect.artifacts
import prefect.concurrency.asyncio
import prefect.deployments
import prefect.flow_engine
import prefect.logging.configuration
import prefect.main
import prefect.task_engine
import torch
import weaviate

import swatchbook.index.lance
import swatchbook.ingest.embed
import swatchbook.ingest.register_path
import swatchbook.ingest.review
import swatchbook.ingest.scan
import swatchbook.read_ahead
import swatchbook.search.search
from swatchbook import blocks
from swatchbook.domain.settings import Settings
from swatchbook.doors.cli import commands

for command in pkgutil.iter_modules(commands.__path__, f"{commands.__name__}."):
    import_module(command.name)
Settings.model_rebuild()  # which is else done when the first are read

__all__ = ["blocks", "prefect", "swatchbook", "torch", "weaviate"]


class KeptPrefect(MetaPathFinder, Loader):
    """Gives the imported Prefect out at the first `import prefect`, which reads the environment as a first import does.

    After that Python finds it as any other module.
    """

    def __init__(self) -> None:
        self._kept = sys.modules.pop("prefect")
        self._spec = self._kept.__spec__

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name == "prefect" else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._kept

    def exec_module(self, module: ModuleType) -> None:
        sys.meta_path.remove(self)
        module.__spec__ = self._spec
        prefect.context.refresh_global_settings_context()
        prefect.logging.configuration.PROCESS_LOGGING_CONFIG.clear()
        prefect.logging.configuration.setup_logging()


logging.getLogger().handlers.clear()  # Prefect's; a command sets its own before it imports Prefect
sys.meta_path.insert(0, KeptPrefect())
warnings.filterwarnings("ignore", message="lancedb fork support")  # nothing is under way when it forks
gc.freeze()  # else each command looks through all of this again
