"""Real models with a fault laid over them: they fail as providers do, and are right otherwise."""

import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from swatchbook.domain.errors import Failure, ProviderTimeout
from swatchbook.domain.records import Role
from swatchbook.models.protocols import ImageEncoder
from swatchbook_base.arrays import Pixels, Vectors

Fault = Callable[[str, bool], Failure | None]
"""What is wrong with a picture now, by the hash of its pixels and whether it is tried alone."""


def picture_key(picture: Pixels) -> str:
    return hashlib.sha256(picture.tobytes()).hexdigest()


class FaultyEncoder:
    """Fails a whole call when any of its pictures is at fault, as a forward pass does."""

    def __init__(self, encoder: ImageEncoder, fault: Fault) -> None:
        self._encoder, self._fault = encoder, fault

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def encode(self, pictures: Sequence[Pixels]) -> Mapping[Role, Vectors]:
        for picture in pictures:
            if failure := self._fault(picture_key(picture), len(pictures) == 1):
                raise failure
        return self._encoder.encode(pictures)


def fails_first(share: float, failure: type[Failure]) -> Fault:
    """`share` of all pictures fail until they have failed once alone, so that each costs its first try."""
    failed = set[str]()

    def fault(key: str, alone: bool) -> Failure | None:
        if _share(key) >= share or key in failed:
            return None
        if alone:
            failed.add(key)
        return failure("No answer in time.")

    return fault


def always(keys: Collection[str], failure: type[Failure]) -> Fault:
    return lambda key, alone: failure("It cannot be embedded.") if key in keys else None


def either(*faults: Fault) -> Fault:
    """The first of the faults that has something to say."""
    return lambda key, alone: next((found for fault in faults if (found := fault(key, alone))), None)


class Trouble(NamedTuple):
    """How hard a whole stack's encoder has it: what tests write into a file, and its runs read before each pass."""

    seconds: float = 0.0  # spent on a picture
    failing: float = 0.0  # share of the pictures that get no answer in time
    memory: int = 0  # MiB that each picture takes for good
    deadly: str = ""  # key of the picture that ends its container: both this process and what has started it
    begun: str = ""  # file that gets a line for each picture that a pass takes up: process and key


def told_by(file: Path) -> Fault:
    """As the file says now. Between two writes of it every run is treated alike."""
    taken = list[bytes]()

    def fault(key: str, alone: bool) -> Failure | None:
        trouble = Trouble(**json.loads(file.read_text()))
        if trouble.begun:
            with Path(trouble.begun).open("a") as begun:
                begun.write(f"{os.getpid()} {key}\n")
        time.sleep(trouble.seconds)
        taken.append(b"." * (trouble.memory << 20))
        if key == trouble.deadly:
            for process in (os.getppid(), os.getpid()):
                os.kill(process, signal.SIGKILL)
        return ProviderTimeout("No answer in time.") if _share(key) < trouble.failing else None

    return fault


def lay_trouble(file: Path, registry: Any) -> None:
    """Let this process' image network have it as hard as the file says. `registry`: swatchbook.models.registry."""
    make = registry.efficientnet
    fault = told_by(file)

    def faulty(settings: Any) -> Any:
        maker = make(settings)
        return maker._replace(load=lambda models: FaultyEncoder(maker.load(models), fault))

    registry.efficientnet = faulty


def _share(key: str) -> float:
    return int(key[:8], 16) / 0xFFFFFFFF
