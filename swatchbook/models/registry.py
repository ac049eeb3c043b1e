"""Which model makes which role under which settings. Cheap to import: a tag is known before its model is loaded."""

import threading
from collections.abc import Callable, Mapping
from typing import Final, Generic, NamedTuple, TypeVar

from swatchbook.errors import Configuration
from swatchbook.models import descriptors, local_analyst, minilm
from swatchbook.models.base import Analyst, ImageEncoder, TextEncoder
from swatchbook.records import Role, Want
from swatchbook.settings import PREFIX, Settings

Model = TypeVar("Model")


class Maker(NamedTuple, Generic[Model]):
    """A model before it is loaded: what it makes, and how it is had."""

    tags: Mapping[Role, str]
    load: Callable[[], Model]


ENCODERS: Final[Mapping[str, Maker[ImageEncoder]]] = {
    "descriptors": Maker(descriptors.TAGS, descriptors.DescriptorEncoder),
}
ANALYSTS: Final[Mapping[str, Maker[Analyst]]] = {
    "local": Maker({Role.ANALYSIS: local_analyst.TAG}, local_analyst.LocalAnalyst),
}
TEXT_ENCODERS: Final[Mapping[str, Maker[TextEncoder]]] = {
    "minilm": Maker({Role.UNDERSTANDING: minilm.TAG, Role.TEXT: minilm.TAG}, minilm.MiniLM),
}


def tags(settings: Settings) -> dict[Role, str]:
    """role -> tag of all that these settings make, in the order of `Role`."""
    made = {
        **ENCODERS[settings.encoder].tags,
        **ANALYSTS[settings.analyst].tags,
        **TEXT_ENCODERS[settings.text_encoder].tags,
    }
    return {role: made[role] for role in Role if role in made}


def wants(settings: Settings, roles: frozenset[Role] | None = None) -> tuple[Want, ...]:
    """What a document asks for: these roles and what they are made from; none named means all there are.

    Raises Configuration for a role that no chosen model makes.
    """
    made = tags(settings)
    asked = roles or frozenset(made)
    if missing := [role for role in Role if role in asked and role not in made]:
        raise Configuration(
            f"No chosen model makes {', '.join(missing)} ({PREFIX}ENCODER={settings.encoder}).",
            advice=f"Choose another {PREFIX}ENCODER, or among the roles {', '.join(made)}.",
        )
    if Role.UNDERSTANDING in asked:
        asked |= {Role.ANALYSIS}  # it is the analysis that is understood
    return tuple(Want(role=role, tag=tag) for role, tag in made.items() if role in asked)


class Models:
    """The models of one process, each loaded when first used, once. Threads may share it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._encoder: ImageEncoder | None = None
        self._analyst: Analyst | None = None
        self._text_encoder: TextEncoder | None = None

    @property
    def encoder(self) -> ImageEncoder:
        with self._lock:
            if self._encoder is None:
                self._encoder = ENCODERS[self._settings.encoder].load()
            return self._encoder

    @property
    def analyst(self) -> Analyst:
        with self._lock:
            if self._analyst is None:
                self._analyst = ANALYSTS[self._settings.analyst].load()
            return self._analyst

    @property
    def text_encoder(self) -> TextEncoder:
        with self._lock:
            if self._text_encoder is None:
                self._text_encoder = TEXT_ENCODERS[self._settings.text_encoder].load()
            return self._text_encoder

    def load_all(self) -> None:
        """Load what is not loaded yet, as its first use would. Raises what that raises."""
        _ = self.encoder, self.analyst, self.text_encoder


def load(settings: Settings) -> Models:
    """The models of these settings; nothing is loaded before it is used."""
    return Models(settings)
