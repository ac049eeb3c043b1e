"""Choose the model of each role under the settings, and list the (role, tag) pairs that an ingest requests.

Cheap to import: a tag is known before its model loads. `store/ledger/requested.py` has the items of these pairs.
"""

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, NamedTuple, TypeVar

from swatchbook.domain.errors import Configuration
from swatchbook.domain.extras import require_extras
from swatchbook.domain.plugins import BUILT_IN, Kind, Plugin, find, of_package
from swatchbook.domain.records import TEXT_ROLES, Record, Role, RoleTag
from swatchbook.domain.settings import FIELDS, PREFIX, Settings, flatten, replace
from swatchbook.index.contract import Space
from swatchbook.models import image_network, local_analyst, local_encoder, vision_analyst
from swatchbook.models.plugin_models import PluginAnalyst, PluginEncoder, PluginTextEncoder
from swatchbook.models.protocols import Analyst, ImageEncoder, TextEncoder, TextTower
from swatchbook.models.providers.messages import Chat
from swatchbook_base import e5

Model = TypeVar("Model")

VECTORS: Final = (Kind.ENCODER, Kind.TEXT_ENCODER)
MODELS: Final = (*VECTORS, Kind.ANALYST)
"""Kinds of models, the first of which make vectors."""


class Weights(NamedTuple):
    """The licence of weights that are on this machine, and their size in bytes."""

    licence: str
    size: int


class Pulled(Record):
    """A downloaded model. `pin`: the setting (NAME=value) that selects this revision; None if none is needed."""

    model: str
    revision: str
    folder: str
    files: int
    megabytes: float
    pin: str | None = None


class ModelSpec(NamedTuple, Generic[Model]):
    """A model before it is loaded: the tag of each of its roles, a function that loads it, and the lengths of vectors.

    `dimensions`: role -> length of its vectors, as far as it is known before the model is loaded. `is_tower`: whether
    the model is a TextTower, too. `settings`: those that name the model besides its choice, none of them a secret: the
    ledger keeps them. `weights`: finds them without loading them; raises Configuration if they are not downloaded.
    """

    tags: Mapping[Role, str]
    load: Callable[["Models"], Model]  # gets the process's other models, to share a provider's client
    dimensions: Mapping[Role, int] = {}
    is_tower: bool = False
    settings: tuple[str, ...] = ()
    weights: Callable[[], Weights] | None = None


@dataclass(frozen=True)
class ModelMaker(Generic[Model]):
    """What an entry point may name instead of a class: a model that settings describe, and whose weights are pulled.

    `spec` returns it; the model itself is used as it is, as a built-in one. `pull` downloads what the settings name.
    """

    spec: Callable[[Settings], ModelSpec[Model]]
    pull: Callable[[Settings], list[Pulled]] | None = None

    def __call__(self, settings: Settings) -> ModelSpec[Model]:
        return self.spec(settings)


def descriptors(_: Settings) -> ModelSpec[ImageEncoder]:
    """Colours, texture and layout in numpy: no learned weights."""
    return ModelSpec(local_encoder.TAGS, lambda _: local_encoder.DescriptorEncoder(), local_encoder.DIMENSIONS)


def efficientnet(_: Settings) -> ModelSpec[ImageEncoder]:
    """EfficientNet-Lite2, with colours and texture of the descriptors."""

    def load(models: Models) -> ImageEncoder:
        return image_network.ImageNetwork(models.network)

    return ModelSpec(image_network.TAGS, load, image_network.DIMENSIONS)


def by_rules(settings: Settings) -> ModelSpec[Analyst]:
    """The local analyst."""
    reads = settings.ocr == "always"
    tag = local_analyst.tag(reads_print=reads)
    return ModelSpec({Role.ANALYSIS: tag}, lambda models: local_analyst.LocalAnalyst(models.network, reads_print=reads))


def by_vision_model(settings: Settings) -> ModelSpec[Analyst]:
    """A provider's vision model. Raises Configuration if none is named."""
    model = settings.vision.model
    if not model:
        from swatchbook.models.providers.endpoint import endpoint

        model = endpoint(settings, "vision").model  # raises

    def load(models: Models) -> Analyst:
        return vision_analyst.VisionAnalyst(models.vision, settings.vision.side)

    return ModelSpec({Role.ANALYSIS: vision_analyst.tag(model, settings.vision.side)}, load)


def review_tag(settings: Settings) -> str | None:
    """Return the tag of the model that reviews weak analyses; None if people review them."""
    return vision_analyst.tag(settings.review.model, settings.vision.side) if settings.review.model else None


def _of_texts(
    tag: str, dimension: int, load: Callable[["Models"], TextEncoder], named_by: tuple[str, ...] = ()
) -> ModelSpec[TextEncoder]:
    """Return a model that makes both roles of texts."""
    roles = (Role.UNDERSTANDING, Role.TEXT)
    return ModelSpec(dict.fromkeys(roles, tag), load, dict.fromkeys(roles, dimension), settings=named_by)


def e5_small(_: Settings) -> ModelSpec[TextEncoder]:
    """Multilingual-e5-small."""
    return _of_texts(e5.TAG, e5.DIMENSION, lambda _: e5.e5())


def of_provider(settings: Settings) -> ModelSpec[TextEncoder]:
    """A model of Voyage, or one behind an endpoint with OpenAI's embeddings API."""
    kinds = "document-query" if settings.text_encoder == "voyage" else "alike"
    tag = f"{settings.text.model}@{settings.text.dimension}/{kinds}"

    def load(_: Models) -> TextEncoder:
        encoder: TextEncoder = _of_providers("embeddings:provider_text_encoder")(settings, tag)
        return encoder

    named_by = ("text.model", "text.dimension", "text.url")
    return _of_texts(tag, settings.text.dimension, load, named_by)


def _of_providers(target: str) -> Callable[..., Any]:
    """Return a function of packages/providers. Raises MissingExtra."""
    return of_package("A model behind an address", f"swatchbook_providers.{target}")


def spec_of(kind: Kind, settings: Settings) -> ModelSpec[Any]:
    """Return the chosen model of a kind.

    Raises Configuration for a plugin that cannot be loaded, or if no vision model is named.
    """
    plugin = find(kind, getattr(settings, kind))
    if plugin.package is None:
        return plugin.load()(settings)  # type: ignore[no-any-return]
    with plugin.usable():
        found = plugin.load()
        return found(settings) if isinstance(found, ModelMaker) else _adapted(plugin, settings)


def _adapted(plugin: Plugin, settings: Settings) -> ModelSpec[Any]:
    """Return the model of a plugin that is no ModelMaker."""
    if plugin.kind is Kind.ENCODER:
        encoder = PluginEncoder(plugin, settings)
        return ModelSpec(encoder.tags, lambda _: encoder.made(), encoder.dimensions, encoder.embeds_texts)
    if plugin.kind is Kind.TEXT_ENCODER:
        texts = PluginTextEncoder(plugin, settings)
        return _of_texts(texts.tag, texts.dimension, lambda _: texts.made())
    analyst = PluginAnalyst(plugin, settings)
    return ModelSpec({Role.ANALYSIS: analyst.tag}, lambda _: analyst.made())


def pull(settings: Settings) -> list[Pulled]:
    """Download the weights of the chosen models that are found on a hub. Raises what their packages raise."""
    pulled = list[Pulled]()
    for kind in MODELS:
        plugin = find(kind, getattr(settings, kind))
        maker = plugin.load() if plugin.package else None
        if isinstance(maker, ModelMaker) and maker.pull:
            pulled += maker.pull(settings)
    return pulled


_TEXT_ENCODER_ROLES: Final = frozenset({Role.UNDERSTANDING, Role.TEXT})


def uses_plugin(settings: Settings) -> bool:
    """Return whether an encoder or text encoder of the settings is a plugin."""
    return any(getattr(settings, kind) not in BUILT_IN[kind] for kind in VECTORS)


def require_same_dimensions(settings: Settings, spaces: Collection[Space]) -> None:
    """Raise Configuration for a model whose vectors have another length than those in the space of its tag."""
    for spec in (spec_of(kind, settings) for kind in VECTORS):
        for space in spaces:
            dimension = spec.dimensions.get(space.role, space.dimension)
            if spec.tags.get(space.role) == space.tag and dimension != space.dimension:
                raise Configuration(
                    f"The model {space.tag} makes {space.role} vectors of {dimension} numbers, and those it has made "
                    f"have {space.dimension}.",
                    advice="A changed model needs a changed tag.",
                )


def vector_tags(settings: Settings) -> dict[Role, str]:
    """Return role -> tag of the chosen encoder and text encoder: the vectors that can be searched."""
    return {role: tag for kind in VECTORS for role, tag in spec_of(kind, settings).tags.items()}


def _kind_of(role: Role) -> Kind:
    """Return which kind of model makes vectors of a role: another kind that cannot be loaded does not matter."""
    return Kind.TEXT_ENCODER if role in _TEXT_ENCODER_ROLES else Kind.ENCODER


def model_record(settings: Settings, role: Role) -> dict[str, Any]:
    """Return the settings that name the model which makes this role's vectors, as JSON: the ledger keeps them."""
    kind = _kind_of(role)
    names = (kind.value, *spec_of(kind, settings).settings)
    dumped = flatten(settings.model_dump(mode="json", include={name.partition(".")[0] for name in names}))
    return {_recorded(name): dumped[name] for name in names}


def _recorded(name: str) -> str:
    """Return the key of a setting in the record of a model."""
    return name.replace(".", "_")


def settings_of_tag(
    settings: Settings, role: Role, tag: str, recorded: Mapping[str, Any] | None = None
) -> Settings | None:
    """Return settings whose model makes vectors of this tag: these, or with recorded values; None if unknown.

    A provider's key is used only at the address that it is set for. A plugin is only looked at if it was recorded.
    """
    kind = _kind_of(role)
    candidates = [settings, *(settings.model_copy(update={kind.value: name}) for name in BUILT_IN[kind])]
    if recorded:
        values = {name: recorded[_recorded(name)] for name in FIELDS if _recorded(name) in recorded}
        candidates.append(replace(settings, values))
    for candidate in candidates:
        try:
            found = spec_of(kind, candidate).tags.get(role)
        except Configuration:  # no revision, a folder that is gone, a name of another version or of a removed plugin
            continue
        if found == tag:
            return candidate if _has_same_address(settings, candidate) else replace(candidate, {"text.api_key": None})
    return None


def _has_same_address(settings: Settings, other: Settings) -> bool:
    """Return whether the text encoder's key is meant for the address of these other settings, too."""
    same_provider = settings.text_encoder == other.text_encoder or settings.text.url is not None
    return settings.text.url == other.text.url and (same_provider or settings.has_local_text_encoder)


def tags(settings: Settings) -> dict[Role, str]:
    """Return role -> tag of all chosen models, in the order of `Role`."""
    by_role = {**vector_tags(settings), **spec_of(Kind.ANALYST, settings).tags}
    return {role: by_role[role] for role in Role if role in by_role}


def is_chosen(settings: Settings, pair: RoleTag) -> bool:
    """Return whether the settings name the model of this tag."""
    try:
        return spec_of(_kind_of(pair.role), settings).tags.get(pair.role) == pair.tag
    except Configuration:
        return False


def requested(settings: Settings, roles: frozenset[Role] | None = None) -> tuple[RoleTag, ...]:
    """Return the (role, tag) pairs to request for a document: these roles, or all, and the roles they depend on.

    Raises Configuration for a role that no chosen model provides.
    """
    tag_by_role = tags(settings)
    needed = roles or frozenset(tag_by_role)
    if missing := [role for role in Role if role in needed and role not in tag_by_role]:
        raise Configuration(
            f"No chosen model provides {', '.join(missing)} ({PREFIX}ENCODER={settings.encoder}).",
            advice=f"Choose another {PREFIX}ENCODER, or choose from the roles {', '.join(tag_by_role)}.",
        )
    if needed & TEXT_ROLES:
        needed |= {Role.ANALYSIS}  # their text comes from the analysis
    if Role.MULTIMODAL in needed:
        needed |= {Role.VISUAL}
    return tuple(RoleTag(role=role, tag=tag) for role, tag in tag_by_role.items() if role in needed)


class Models:
    """The models of one process, each loaded once, at its first use. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.RLock()  # reentrant: loading the analyst loads the vision model
        self._made = dict[str, Any]()

    def _once(self, name: str, make: Callable[[], Model]) -> Model:
        """Return the model of this name, which is made at its first use."""
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            made: Model = self._made[name]
            return made

    def _chosen(self, kind: Kind) -> Any:
        def make() -> Any:
            require_extras(self._settings, kind)
            return spec_of(kind, self._settings).load(self)

        return self._once(kind, make)

    @property
    def encoder(self) -> ImageEncoder:
        return self._chosen(Kind.ENCODER)  # type: ignore[no-any-return]

    @property
    def text_tower(self) -> TextTower | None:
        """Return the encoder's text tower; None, without loading anything, if it has none."""
        encoder = self.encoder if spec_of(Kind.ENCODER, self._settings).is_tower else None
        return encoder if isinstance(encoder, TextTower) else None

    @property
    def analyst(self) -> Analyst:
        return self._chosen(Kind.ANALYST)  # type: ignore[no-any-return]

    @property
    def text_encoder(self) -> TextEncoder:
        return self._chosen(Kind.TEXT_ENCODER)  # type: ignore[no-any-return]

    def require(self, role: Role) -> None:
        """Check that the model of this role can be loaded, without loading a network.

        Raises Configuration, MissingExtra or Authentication, which name the setting or the command that helps.
        """
        if role in _TEXT_ENCODER_ROLES:
            _ = self.text_encoder  # a network is loaded at its first use
        elif role is Role.ANALYSIS:
            _ = self.vision if self._settings.analyst == "vision" else None
        elif self._settings.encoder not in BUILT_IN[Kind.ENCODER]:
            require_extras(self._settings, "encoder")
            if find_weights := spec_of(Kind.ENCODER, self._settings).weights:
                find_weights()
            else:
                _ = self.encoder

    @property
    def network(self) -> image_network.Network:
        """Return the carried image network, which the encoder and the local analyst share."""
        return self._once("network", image_network.Network)

    def _chat(self, name: str) -> Chat:
        chat: Chat = self._once(name, lambda: _of_providers(f"chat:{name}_chat")(self._settings))
        return chat

    @property
    def vision(self) -> Chat:
        """Return the vision model, for pictures and scanned pages. Raises Configuration if a setting is missing."""
        return self._chat("vision")

    @property
    def reviewer(self) -> Analyst | None:
        """Return the model that reviews weak analyses; None if people do. Raises Configuration, naming the setting."""
        if not self._settings.review.model:
            return None
        side = self._settings.vision.side
        return self._once("reviewer", lambda: vision_analyst.VisionAnalyst(self._chat("review"), side))

    @property
    def llm(self) -> Chat:
        """Return the language model. Raises Configuration or Authentication if a setting is missing."""
        return self._chat("language")

    def load_all(self) -> None:
        """Load the encoder, the analyst and the text encoder now. Raises what their loading raises."""
        _ = self.encoder, self.analyst
        self.text_encoder.load()


def load(settings: Settings) -> Models:
    """Return the models of these settings; each is loaded at its first use."""
    return Models(settings)
