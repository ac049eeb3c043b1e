"""The lab: the tools that a process has loaded. Built once, each part on first use; never a task parameter."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING

from swatchbook.ledger.database import Ledger, open_ledger
from swatchbook.runtime.heap import limit_arenas
from swatchbook.settings import Settings, scale_rate_limits
from swatchbook.storage.files import Files

if TYPE_CHECKING:
    from swatchbook.images.decode import Decoders
    from swatchbook.index.base import Index
    from swatchbook.models.registry import Models
    from swatchbook.pdf.read_ahead import ReadingAhead
    from swatchbook.runtime.batch_size import BatchSize
    from swatchbook.runtime.memory import MemoryUse


class Resources:
    """Ledger, files, index, models and decoders of one set of settings.

    Each is opened when first asked for, so that `status` needs no index and `search` no decoder; `close` ends them all.
    `readings`: those that were begun before their run, by the file's key; whoever reads takes them out.
    `patience`: for how many seconds an outage of the ledger is sat out; people who look something up have none.
    """

    def __init__(self, settings: Settings, *, patience: float = 0.0) -> None:
        limit_arenas()  # whatever works has a lab, and has it before its threads
        self.settings = settings
        self.batch_sizes: dict[str, BatchSize] = {}
        """Token of a run at work -> how many of its items are made together."""
        self.readings: dict[str, ReadingAhead] = {}
        self._patience = patience

    @cached_property
    def ledger(self) -> Ledger:
        with suppress(OSError):  # opening the ledger says it better
            self.settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)  # texts and pictures are their owner's
        return open_ledger(self.settings.ledger, patience=self._patience)

    @cached_property
    def files(self) -> Files:
        return Files(self.settings.files)

    @cached_property
    def index(self) -> "Index":
        if self.settings.index == "weaviate":
            from swatchbook.index.weaviate import WeaviateIndex

            key = self.settings.weaviate_api_key
            return WeaviateIndex(
                self.settings.weaviate_url,
                grpc_port=self.settings.weaviate_grpc_port,
                api_key=key.get_secret_value() if key else None,
            )
        from swatchbook.index.lance import LanceIndex

        return LanceIndex(self.settings.index_folder)

    @cached_property
    def models(self) -> "Models":
        from swatchbook.models.registry import load

        return load(self.settings)

    @cached_property
    def decoders(self) -> "Decoders":
        from swatchbook.images.decode import Decoders

        return Decoders(self.settings)

    @cached_property
    def memory_use(self) -> "MemoryUse":
        from swatchbook.runtime.memory import memory_use  # psutil: not for those who only look something up

        return memory_use

    def take_share(self, share: float) -> None:
        """Use only this share of what providers allow a minute: others work beside us. Before any model is used."""
        self.settings = scale_rate_limits(self.settings, share)

    def close(self) -> None:
        for part in ("decoders", "index", "ledger"):
            if part in self.__dict__:
                self.__dict__.pop(part).close()


@contextmanager
def open_resources(settings: Settings) -> Iterator[Resources]:
    """A lab for one command; closed behind it."""
    resources = Resources(settings)
    try:
        yield resources
    finally:
        resources.close()
