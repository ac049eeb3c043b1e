"""What a process has opened: ledger, file store, index, models and decoders, each on first use. The index is
chosen here, the models in `models/registry.py`.
"""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from swatchbook.domain.errors import Configuration, NoCollection
from swatchbook.domain.extras import require_extras
from swatchbook.domain.plugins import Kind, find
from swatchbook.domain.records import RoleTag
from swatchbook.domain.runtime.heap import limit_arenas
from swatchbook.domain.settings import Settings, replace
from swatchbook.store.files.file_store import Files, open_files
from swatchbook.store.ledger.database import Ledger, is_missing, open_ledger
from swatchbook.store.ledger.owners import seed_of
from swatchbook.store.ledger.read_cache import ReadCache
from swatchbook.store.ledger.space_registry import registered

if TYPE_CHECKING:
    from swatchbook.catalogue_reader import CatalogueReader
    from swatchbook.domain.runtime.batch_size import BatchSize
    from swatchbook.domain.runtime.memory import MemoryUse
    from swatchbook.index.contract import Index
    from swatchbook.models.images.decoder_pool import Decoders
    from swatchbook.models.registry import Models
    from swatchbook.read_ahead import ReadingAhead
    from swatchbook.store.files.preview_cache import PreviewCache

ASKERS = 8
"""Roles that the searches of a process ask at once: more than one server or processor is seldom faster."""


LAG_SECONDS = 5.0
"""Within which searches of a service see what other processes have committed. An ingest commits several times a second:
if each search read ledger and index again after each commit, it would take about twice the processor time."""


class Resources:
    """Ledger, file store, index, models and decoders for one set of settings.

    Each is opened on first use, so that `status` needs no index and `search` no decoders; `close` closes all. It stays
    a plain object, since Prefect visits every field of a dataclass or model that a task is given. `patience` is how
    many seconds to wait for the ledger during an outage: 0 for commands that only look something up. `lag` is for how
    many seconds searches may miss what other processes have committed; they never miss what this process has.
    """

    def __init__(self, settings: Settings, *, patience: float = 0.0, lag: float = 0.0) -> None:
        limit_arenas()  # before any threads start: every process that works creates its resources first
        self.settings = settings
        self.batch_sizes: dict[str, BatchSize] = {}
        """Token of an active run -> its batch size."""
        self.readings: dict[str, ReadingAhead] = {}
        """File key -> a reading that was begun before its run; stage 1 takes it out."""
        self._patience, self._lag = patience, lag
        self._models_by_record: dict[str, Models] = {}
        self._models_lock = threading.Lock()
        self._read_cache: ReadCache | None = None

    @cached_property
    def ledger(self) -> Ledger:
        with suppress(OSError):  # opening the ledger then raises the clearer error
            self.settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)  # texts and images are private
        return open_ledger(self.settings.ledger, patience=self._patience)

    @property
    def lags(self) -> bool:
        """Whether searches may miss, for some seconds, what other processes have committed."""
        return self._lag > 0

    def read_cache(self, *, newest: bool = False) -> ReadCache:
        """Return what searches have read of the ledger; an empty cache if anything was committed since.

        `newest`: without a lag.
        """
        revision, known = self.ledger.revision(lag=0.0 if newest else self._lag), self._read_cache
        if known is None or known.revision != revision or known.ledger is not self.ledger or known.is_full:
            known = self._read_cache = ReadCache(self.ledger, revision)
        return known

    @cached_property
    def files(self) -> Files:
        return open_files(self.settings.files, self.settings.copies_folder)

    @cached_property
    def catalogue(self) -> "CatalogueReader":
        """The reader of catalogues. Raises MissingExtra where the package, or what the settings choose, is missing."""
        from swatchbook.catalogue_reader import catalogue_reader

        require_extras(self.settings, "pdf_reader")
        return catalogue_reader()

    @cached_property
    def index(self) -> "Index":
        require_extras(self.settings, "index")
        plugin = find(Kind.INDEX, self.settings.index)
        if plugin.package is None:
            return plugin.load()(self.settings, lag=self._lag, seed_of=self._seed_of)  # type: ignore[no-any-return]
        from swatchbook.index.plugin_index import open_plugin

        return open_plugin(plugin, self.settings)

    def _seed_of(self, owner: str) -> str:
        return seed_of(self.ledger, owner)

    @cached_property
    def askers(self) -> ThreadPoolExecutor:
        """Threads that ask the index for several roles of a search at the same time."""
        return ThreadPoolExecutor(ASKERS, thread_name_prefix="ask")

    @cached_property
    def models(self) -> "Models":
        return self._load_models(self.settings)

    def _load_models(self, settings: Settings) -> "Models":
        """Return the models of these settings. Raises Configuration for a plugin whose vectors do not fit its space."""
        from swatchbook.models import registry

        if registry.uses_plugin(settings):
            registry.require_same_dimensions(settings, [each.space for each in registered(self.ledger)])
        return registry.load(settings)

    def models_of(self, pair: RoleTag) -> "Models":
        """Return the models of which one makes vectors of this tag, whatever the settings name now.

        Raises Configuration where the settings and the ledger do not tell which model that is.
        """
        from swatchbook.models import registry

        if registry.is_chosen(self.settings, pair):
            return self.models
        recorded = next((each.model for each in registered(self.ledger) if each.pair == pair), None)
        settings = registry.settings_of_tag(self.settings, pair.role, pair.tag, recorded)
        if settings is None:
            raise Configuration(
                f"The model of the {pair.role} vectors, {pair.tag}, is not available.",
                advice="Set its model back, or change to the model in the settings: `swatchbook fill spaces`, then "
                "`swatchbook spaces activate`.",
            )
        record = json.dumps(registry.model_record(settings, pair.role), sort_keys=True)
        with self._models_lock:
            return self._models_by_record.setdefault(record, self._load_models(settings))

    def model_record(self, pair: RoleTag) -> "dict[str, Any] | None":
        """Return the settings that name the model of this tag, as the ledger keeps them; None if they are unknown."""
        from swatchbook.models import registry

        settings = registry.settings_of_tag(self.settings, pair.role, pair.tag)
        return None if settings is None else registry.model_record(settings, pair.role)

    @cached_property
    def decoders(self) -> "Decoders":
        from swatchbook.models.images.decoder_pool import Decoders

        return Decoders(self.settings)

    @cached_property
    def previews(self) -> "PreviewCache":
        from swatchbook.store.files.preview_cache import PreviewCache

        return PreviewCache(self.settings.previews_folder, self.settings.temporary_folder)

    @cached_property
    def memory_use(self) -> "MemoryUse":
        from swatchbook.domain.runtime.memory import memory_use  # imports psutil, which read-only commands do not need

        return memory_use

    def take_share(self, share: float) -> None:
        """Use this share (0 to 1) of the providers' limits per minute, each at least 1, before any model is used."""
        limits = {part: getattr(self.settings, part).per_minute for part in ("vision", "llm", "text")}
        shares = {f"{part}.per_minute": max(1, int(limit * share)) for part, limit in limits.items() if limit}
        self.settings = replace(self.settings, shares)

    def close(self) -> None:
        if "askers" in self.__dict__:
            self.__dict__.pop("askers").shutdown()
        for part in ("decoders", "index", "ledger"):
            if part in self.__dict__:
                self.__dict__.pop(part).close()


def require_collection(settings: Settings) -> None:
    """Raise NoCollection if there is no ledger yet. A command that only reads calls this before it opens the ledger.

    Otherwise it would create an empty ledger, and a wrong SWATCHBOOK_HOME would look like an empty collection.
    """
    if is_missing(settings.ledger):
        raise NoCollection(
            f"There is no collection in {settings.home.absolute()}.",
            advice="Set SWATCHBOOK_HOME to the folder of yours, or begin one here: swatchbook ingest PATH",
        )


@contextmanager
def open_resources(settings: Settings) -> Iterator[Resources]:
    """Yield the resources for one command, and close them after the block."""
    resources = Resources(settings)
    try:
        yield resources
    finally:
        resources.close()
