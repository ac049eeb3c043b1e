"""Encoders, text encoders, analysts, indexes, readers of PDFs, exporters, commands and routers by name: the built-in
ones, and those that installed packages declare as entry points. The code of a package is imported only where a setting
or `--format` has its name, a command is asked for or listed, or the service starts.

A plugin cannot have the name of a built-in one: these are looked up first, which also leaves out reading the metadata
of all installed packages (50 ms). How a plugin is written: docs/plugins.md.
"""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

from swatchbook.domain.errors import (
    Configuration,
    Failure,
    OutOfMemory,
    PluginFailed,
    RunRevoked,
    Unexpected,
    as_failure,
)
from swatchbook.domain.redact import redact
from swatchbook_base.one_line import one_line, shorten


class Kind(StrEnum):
    """What has a name; those that a setting chooses have its name."""

    ENCODER = "encoder"
    TEXT_ENCODER = "text_encoder"
    ANALYST = "analyst"
    INDEX = "index"
    PDF_READER = "pdf_reader"
    EXPORTER = "exporter"
    COMMAND = "command"
    ROUTER = "router"
    TEACHER = "teacher"
    ITEM_FILES = "item_files"
    BUCKETS = "buckets"
    CATALOGUE = "catalogue"

    @property
    def word(self) -> str:
        return self.value.replace("_", " ").replace("pdf", "PDF")


GROUPS: Final[Mapping[Kind, str]] = {
    Kind.ENCODER: "swatchbook.encoders",
    Kind.TEXT_ENCODER: "swatchbook.text_encoders",
    Kind.ANALYST: "swatchbook.analysts",
    Kind.INDEX: "swatchbook.indexes",
    Kind.PDF_READER: "swatchbook.pdf_readers",
    Kind.EXPORTER: "swatchbook.exporters",
    Kind.COMMAND: "swatchbook.commands",
    Kind.ROUTER: "swatchbook.routers",
    Kind.TEACHER: "swatchbook.teachers",
    Kind.ITEM_FILES: "swatchbook.item_files",
    Kind.BUCKETS: "swatchbook.buckets",
    Kind.CATALOGUE: "swatchbook.catalogue_readers",
}
"""Kind -> group of its entry points."""

UNCHOSEN: Final = frozenset({Kind.COMMAND, Kind.ROUTER, Kind.TEACHER, Kind.ITEM_FILES, Kind.BUCKETS, Kind.CATALOGUE})
"""Kinds that nobody chooses: all that is installed is used."""

BUILT_IN: Final[Mapping[Kind, Mapping[str, str]]] = {
    Kind.ENCODER: {
        "efficientnet": "swatchbook.models.registry:efficientnet",
        "descriptors": "swatchbook.models.registry:descriptors",
    },
    Kind.TEXT_ENCODER: {
        "e5": "swatchbook.models.registry:e5_small",
        "voyage": "swatchbook.models.registry:of_provider",
        "openai": "swatchbook.models.registry:of_provider",
    },
    Kind.ANALYST: {
        "local": "swatchbook.models.registry:by_rules",
        "vision": "swatchbook.models.registry:by_vision_model",
    },
    Kind.INDEX: {
        "lance": "swatchbook.index.lance:open_index",
        "weaviate": "swatchbook_weaviate.index:open_index",  # of packages/weaviate
    },
    Kind.PDF_READER: {  # of packages/catalogue
        "mupdf": "swatchbook_catalogue.pdf.mupdf_document:open_document",
        "pdfium": "swatchbook_catalogue.pdf.pdfium_document:open_document",
    },
    Kind.EXPORTER: {
        "csv": "swatchbook.upkeep.export.formats:CSV",
        "jsonl": "swatchbook.upkeep.export.formats:JSONL",
        "xlsx": "swatchbook.upkeep.export.formats:XLSX",
        "parquet": "swatchbook.upkeep.export.formats:PARQUET",
    },
    Kind.ITEM_FILES: {"plain": "swatchbook.ingest.sources.plain_items:PlainItems"},
    Kind.COMMAND: {},  # those of the core: `doors/cli/main.py`
    Kind.ROUTER: {},  # those of the core: `packages/service/swatchbook_service/app.py`
    Kind.TEACHER: {},
    Kind.BUCKETS: {},
    Kind.CATALOGUE: {},
}
"""Kind -> name -> `module:factory`, as an entry point has it; also of packages/, so that a setting is checked without
reading metadata.
"""

_MOST_REASON = 200  # characters of an exception's text in a failure


class Plugin(NamedTuple):
    """Something that can be chosen. `package`: the name and version of the package that brings it; None: built in."""

    kind: Kind
    name: str
    target: str
    package: str | None = None

    def __str__(self) -> str:
        return f"The {self.kind.word} plugin {self.name} ({self.package})"

    @property
    def module(self) -> str:
        """Return the name of its module, which is not imported."""
        return self.target.partition(":")[0].strip()

    def load(self) -> Callable[..., Any]:
        """Import its factory and return it. Raises Configuration for a plugin that cannot be imported, MissingExtra for
        a built-in one whose package is not installed.
        """
        if self.package is None:  # asked for each picture
            return of_package(f"The {self.kind.word} {self.name}", self.target)
        with self.usable():
            found = _imported(self.target)
        # Child processes get these paths: they have no import hooks of editable packages.
        top = sys.modules[self.module.partition(".")[0]]
        if top.__file__ and (folder := str(Path(top.__file__).parents[hasattr(top, "__path__")])) not in sys.path:
            sys.path.append(folder)
        if not callable(found):
            raise self.broken(f"is no class or function: {self.target}.")
        return found

    def make(self, settings: object) -> Any:
        """Return what its factory makes, which gets the settings if it takes an argument. Raises what both raise."""
        factory = self.load()
        return factory(settings) if _takes_argument(factory) else factory()

    @contextmanager
    def named(self) -> Iterator[None]:
        """Raise what the block raises as a failure that names the plugin: PluginFailed, unless it is one of ours.

        What is built in raises its own.
        """
        if self.package is None:
            yield
            return
        try:
            yield
        except (Failure, RunRevoked):
            raise
        except (Exception, SystemExit) as error:
            failure = as_failure(error)
            if type(error).__name__ == "OutOfMemoryError":  # of a GPU, in the words of torch and others
                raise OutOfMemory(f"{self} ran out of memory.") from error
            if isinstance(failure, Unexpected) or failure.kind == "file_missing":
                text = shorten(redact(one_line(str(error))), _MOST_REASON).rstrip(".")
                reason = f"{type(error).__name__}: {text}" if text else type(error).__name__
                raise PluginFailed(f"{self} raised {reason}.") from error
            raise failure from error

    @contextmanager
    def usable(self) -> Iterator[None]:
        """Raise what the block raises as Configuration, unless it is one of our failures: the plugin is of no use."""
        try:
            with self.named():
                yield
        except PluginFailed as failure:
            raise self.broken(failure.message.removeprefix(f"{self} "), advice="Mend its package.") from failure

    def broken(self, what: str, *, advice: str | None = None) -> Configuration:
        """Return the failure for a plugin that cannot be used until a person changes it or the setting."""
        return Configuration(f"{self} {what}", advice=advice)


def of_package(what: str, target: str) -> Callable[..., Any]:
    """Import `module:factory` of the core, or of a package of packages/. Raises MissingExtra, which names the package
    that `what` needs.
    """
    try:
        return _imported(target)
    except ModuleNotFoundError as error:
        if find_spec(package := target.partition(".")[0]):
            raise
        from swatchbook.domain.extras import missing_package

        raise missing_package(what, package.replace("_", "-")) from error


def _imported(target: str) -> Callable[..., Any]:
    module, _, attribute = target.partition(":")
    found: Callable[..., Any] = attrgetter(attribute.strip())(import_module(module.strip()))
    return found


def find(kind: Kind, name: str) -> Plugin:
    """Return the built-in or installed one of this name. Raises Configuration if none has it, or two."""
    if name in BUILT_IN[kind]:
        return Plugin(kind, name, BUILT_IN[kind][name])
    found = [plugin for plugin in installed(kind) if plugin.name == name]
    if not found:
        others = ", ".join(f"{each.name} ({each.package})" for each in installed(kind)) or "none"
        raise Configuration(
            f"No {kind.word} is called {name!r}. Built in: {', '.join(BUILT_IN[kind])}; installed plugins: {others}.",
            advice="A package may bring it: docs/install.md.",
        )
    if len(found) > 1:
        packages = " and ".join(str(each.package) for each in found)
        raise Configuration(f"{packages} both have the {kind.word} {name!r}.", advice="Uninstall one of them.")
    return found[0]


@cache
def installed(kind: Kind) -> tuple[Plugin, ...]:
    """Return the plugins of installed packages, by name, without those that have the name of a built-in one.

    None of them is imported. The metadata are read once in a process.
    """
    return tuple(plugin for plugin in declared(kind) if plugin.name not in BUILT_IN[kind])


def declared(kind: Kind) -> list[Plugin]:
    """Return what the metadata of installed packages declare, by name, also what can never be chosen."""
    from importlib.metadata import entry_points

    found = {
        Plugin(kind, point.name, point.value, f"{point.dist.name} {point.dist.version}" if point.dist else "unknown")
        for point in entry_points(group=GROUPS[kind])
    }
    return sorted(found)


def _takes_argument(factory: Callable[..., Any]) -> bool:
    """Return whether a factory has a parameter without a default, for the settings."""
    try:
        parameters = inspect.signature(factory).parameters.values()
    except ValueError:  # of a builtin
        return False
    return any(each.default is each.empty and each.kind in _POSITIONAL for each in parameters)


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
