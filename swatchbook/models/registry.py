"""Which model makes which role under which settings. Cheap to import: a tag is known before its model is loaded."""

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from swatchbook.errors import Configuration
from swatchbook.models import descriptors, local_analyst, minilm, vision_analyst
from swatchbook.models.base import Analyst, ImageEncoder, TextEncoder, TextTower
from swatchbook.models.weights import checkpoint
from swatchbook.providers.messages import Chat
from swatchbook.records import TEXT_ROLES, Role, RoleTag, sha256
from swatchbook.settings import PREFIX, Settings

if TYPE_CHECKING:
    from swatchbook.models.siglip import SiglipEncoder

Model = TypeVar("Model")


class Maker(NamedTuple, Generic[Model]):
    """A model before it is loaded: what it makes, and how it is had."""

    tags: Mapping[Role, str]
    load: Callable[["Models"], Model]  # beside what the process has loaded: one client a provider


def _descriptors(_: Settings) -> Maker[ImageEncoder]:
    return Maker(descriptors.TAGS, lambda _: descriptors.DescriptorEncoder())


def _siglip(settings: Settings) -> Maker[ImageEncoder]:
    """SigLIP or CLIP, and with a structure model DINOv2 beside it. Raises Configuration for what is not pinned."""
    words = checkpoint(settings.encoder_model, settings.encoder_revision, "ENCODER_MODEL")
    prompts = {Role(name): phrases for name, phrases in settings.prompts}
    pooled = "visual-pooled-1"
    tags = {Role.VISUAL: words.tag(pooled), Role.MULTIMODAL: words.tag(f"multimodal-mean-1-{pooled}")} | {
        role: words.tag(f"{role}-guided-1-{sha256(repr(phrases).encode())[:8]}") for role, phrases in prompts.items()
    }

    def load_words() -> "SiglipEncoder":
        from swatchbook.models.siglip import SiglipEncoder

        return SiglipEncoder(words, tags, prompts, device=settings.device, precision=settings.dtype)

    if not settings.structure_model:
        return Maker(tags, lambda _: load_words())
    structure = checkpoint(settings.structure_model, settings.structure_revision, "STRUCTURE_MODEL")
    tag = structure.tag("structure-class-1")

    def load_both(_: Models) -> ImageEncoder:
        from swatchbook.models.dinov2 import load_dinov2
        from swatchbook.models.siglip import WithStructure

        seen = load_dinov2(structure, tag, device=settings.device, precision=settings.dtype)
        return WithStructure(load_words(), seen)

    return Maker({**tags, Role.STRUCTURE: tag}, load_both)


def _local_analyst(_: Settings) -> Maker[Analyst]:
    return Maker({Role.ANALYSIS: local_analyst.TAG}, lambda _: local_analyst.LocalAnalyst())


def _vision_analyst(settings: Settings) -> Maker[Analyst]:
    """Raises Configuration without the name of the model."""
    if not settings.vision_model:
        raise Configuration(f"{PREFIX}VISION_MODEL is not set.", advice=f"Set it, or {PREFIX}ANALYST=local.")

    def load(models: Models) -> Analyst:
        return vision_analyst.VisionAnalyst(models.vision, settings.vision_side)

    return Maker({Role.ANALYSIS: vision_analyst.tag(settings.vision_model, settings.vision_side)}, load)


def review_tag(settings: Settings) -> str | None:
    """Of the model that looks again at weak pictures; None where people do."""
    return vision_analyst.tag(settings.review_model, settings.vision_side) if settings.review_model else None


def _minilm(_: Settings) -> Maker[TextEncoder]:
    return Maker({Role.UNDERSTANDING: minilm.TAG, Role.TEXT: minilm.TAG}, lambda _: minilm.MiniLM())


def _voyage(settings: Settings) -> Maker[TextEncoder]:
    tag = f"{settings.text_model}@{settings.text_dimension}/document-query"

    def load(_: Models) -> TextEncoder:
        from swatchbook.providers.embeddings import voyage_encoder

        return voyage_encoder(settings, tag)

    return Maker({Role.UNDERSTANDING: tag, Role.TEXT: tag}, load)


def _openai(settings: Settings) -> Maker[TextEncoder]:
    tag = f"{settings.text_model}@{settings.text_dimension}/alike"

    def load(_: Models) -> TextEncoder:
        from swatchbook.providers.embeddings import openai_encoder

        return openai_encoder(settings, tag)

    return Maker({Role.UNDERSTANDING: tag, Role.TEXT: tag}, load)


ENCODERS: Final[Mapping[str, Callable[[Settings], Maker[ImageEncoder]]]] = {
    "descriptors": _descriptors,
    "siglip": _siglip,
}
ANALYSTS: Final[Mapping[str, Callable[[Settings], Maker[Analyst]]]] = {
    "local": _local_analyst,
    "vision": _vision_analyst,
}
TEXT_ENCODERS: Final[Mapping[str, Callable[[Settings], Maker[TextEncoder]]]] = {
    "minilm": _minilm,
    "voyage": _voyage,
    "openai": _openai,
}

READERS: Final = frozenset({"siglip"})
"""Encoders with a text tower."""


def vector_tags(settings: Settings) -> dict[Role, str]:
    """role -> tag of all vectors that these settings make: what can be searched for, whoever analyses."""
    return {**ENCODERS[settings.encoder](settings).tags, **TEXT_ENCODERS[settings.text_encoder](settings).tags}


def tags(settings: Settings) -> dict[Role, str]:
    """role -> tag of all that these settings make, in the order of `Role`."""
    made = {**vector_tags(settings), **ANALYSTS[settings.analyst](settings).tags}
    return {role: made[role] for role in Role if role in made}


def requested(settings: Settings, roles: frozenset[Role] | None = None) -> tuple[RoleTag, ...]:
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
    if asked & TEXT_ROLES:
        asked |= {Role.ANALYSIS}  # it is the analysis that says something
    if Role.MULTIMODAL in asked:
        asked |= {Role.VISUAL}
    return tuple(RoleTag(role=role, tag=tag) for role, tag in made.items() if role in asked)


class Models:
    """The models of one process, each loaded when first used, once. Threads may share it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.RLock()  # the analyst is made of the vision model
        self._encoder: ImageEncoder | None = None
        self._analyst: Analyst | None = None
        self._text_encoder: TextEncoder | None = None
        self._vision: Chat | None = None
        self._llm: Chat | None = None
        self._reviewer: Analyst | None = None

    @property
    def encoder(self) -> ImageEncoder:
        with self._lock:
            if self._encoder is None:
                self._encoder = ENCODERS[self._settings.encoder](self._settings).load(self)
            return self._encoder

    @property
    def text_tower(self) -> TextTower | None:
        """The encoder as a reader of queries; None, with nothing loaded, where it cannot read."""
        encoder = self.encoder if self._settings.encoder in READERS else None
        return encoder if isinstance(encoder, TextTower) else None

    @property
    def analyst(self) -> Analyst:
        with self._lock:
            if self._analyst is None:
                self._analyst = ANALYSTS[self._settings.analyst](self._settings).load(self)
            return self._analyst

    @property
    def text_encoder(self) -> TextEncoder:
        with self._lock:
            if self._text_encoder is None:
                self._text_encoder = TEXT_ENCODERS[self._settings.text_encoder](self._settings).load(self)
            return self._text_encoder

    @property
    def vision(self) -> Chat:
        """The vision model, of pictures and scanned pages alike. Raises Configuration, naming what is missing."""
        with self._lock:
            if self._vision is None:
                from swatchbook.providers.chat import vision_chat

                self._vision = vision_chat(self._settings)
            return self._vision

    @property
    def reviewer(self) -> Analyst | None:
        """Who looks again at weak pictures; None where people do. Raises Configuration, naming what is missing."""
        with self._lock:
            if self._reviewer is None and self._settings.review_model:
                from swatchbook.providers.chat import review_chat

                self._reviewer = vision_analyst.VisionAnalyst(review_chat(self._settings), self._settings.vision_side)
            return self._reviewer

    @property
    def llm(self) -> Chat:
        """The language model. Raises Configuration or Authentication, naming what is missing."""
        with self._lock:
            if self._llm is None:
                from swatchbook.providers.chat import language_chat

                self._llm = language_chat(self._settings)
            return self._llm

    def load_all(self) -> None:
        """Load what is not loaded yet, as its first use would. Raises what that raises."""
        _ = self.encoder, self.analyst
        self.text_encoder.load()


def load(settings: Settings) -> Models:
    """The models of these settings; nothing is loaded before it is used."""
    return Models(settings)
