"""Settings: what the code reads, from SWATCHBOOK_* variables, a .env file, or the profile's defaults.

A profile is only a set of defaults; every line of it is a setting of its own and may be chosen alone.
"""

import base64
import binascii
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from platformdirs import user_data_path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from swatchbook.errors import Configuration
from swatchbook.records import Owner

PREFIX = "SWATCHBOOK_"
ENV_FILE = "SWATCHBOOK_ENV_FILE"
"""Names the file read instead of `.env`: how `--env-file` reaches the whole process and its children."""

PROFILES: Mapping[str, Mapping[str, Any]] = {
    "local": {"index": "lance"},
    "production": {
        "index": "weaviate",
        "encoder": "siglip",
        "structure_model": "facebook/dinov2-base",
        "analyst": "vision",
        "text_encoder": "voyage",
        "discovery": "llm",
    },
}
"""What a profile presets where neither a variable nor the .env file says otherwise."""


def _listed(given: Any) -> Any:
    """`a,b` or a JSON list, as people write them in a variable."""
    if not isinstance(given, str):
        return given
    return json.loads(given) if given.lstrip().startswith("[") else [part.strip() for part in given.split(",")]


def _object(given: Any) -> Any:
    """A JSON object, as people write it in a variable."""
    return json.loads(given) if isinstance(given, str) else given


COMMIT = "^([0-9a-f]{40})?$"

Phrases = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(min_length=1, max_length=20)]


class Prompts(BaseModel):
    """What prompt-guided pooling looks for in a picture, by role. Several stand for their mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    color: Phrases = ("a surface in one colour", "a colour swatch", "the colours of a pattern", "a printed colour")
    texture: Phrases = ("a close-up of a surface texture", "a smooth or rough surface", "woven, grained or veined")
    material: Phrases = (
        "a sample of a material", "wood, stone, ceramic, metal or glass", "fabric, leather, wool or felt",
        "plaster, concrete or terrazzo",
    )  # fmt: skip
    application: Phrases = (
        "a room with furniture", "a floor or wall covering in use", "a piece of furniture in its place", "a facade",
    )  # fmt: skip


PromptsByRole = Annotated[Prompts, NoDecode, BeforeValidator(_object)]


_EACH = "one run a minute, shared by its shards; 0: no limit. Set it to stay below the account's own limit"


class Price(BaseModel):
    """Of a model, in USD per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(ge=0, le=10_000)
    output: float = Field(ge=0, le=10_000)


class ApiKey(BaseModel):
    """Who may use the service, and whose collections: owners by name, or `*` for all of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=64)
    key: SecretStr = Field(min_length=16, max_length=512)  # shorter ones can be guessed
    owners: tuple[Owner | Literal["*"], ...] = Field(min_length=1, max_length=1_000)


def _several(given: Any) -> Any:
    return [given] if isinstance(given, str | SecretStr) else given


def _signing(secret: SecretStr) -> SecretStr:
    written = _plainly(secret)
    try:
        key = base64.b64decode(written.removeprefix("whsec_") + "==")
    except binascii.Error:
        key = b""
    if not written.startswith("whsec_") or len(key) < 24:  # what Standard Webhooks asks for
        raise ValueError("it should be whsec_ and 24 or more bytes in base64")
    return secret


class WebhookSource(BaseModel):
    """Who may send webhooks, and into whose collections: its secrets (the old and the new one while they change), a
    bearer token if it cannot sign, and its owners; what names no owner goes to the first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$")
    secret: Annotated[tuple[Annotated[SecretStr, AfterValidator(_signing)], ...], BeforeValidator(_several)] = ()
    token: SecretStr | None = Field(default=None, min_length=16, max_length=512)
    owners: tuple[Owner, ...] = Field(min_length=1, max_length=1_000)

    @model_validator(mode="after")
    def _can_prove_itself(self) -> Self:
        if not self.secret and self.token is None:
            raise ValueError("it has neither a secret nor a token")
        return self


def _sources_apart(sources: tuple[WebhookSource, ...]) -> tuple[WebhookSource, ...]:
    _require_apart("names", [source.name for source in sources])
    # one sender's signed message would be as good at another's address
    _require_apart("secrets", [secret for source in sources for secret in {*map(_plainly, source.secret)}])
    return sources


def _keys_apart(keys: tuple[ApiKey, ...]) -> tuple[ApiKey, ...]:
    _require_apart("names", [key.name for key in keys])
    _require_apart("keys", [_plainly(key.key) for key in keys])
    return keys


def _require_apart(what: str, given: Sequence[str]) -> None:
    if len(set(given)) < len(given):
        raise ValueError(f"two of its {what} are the same")


def _plainly(secret: SecretStr) -> str:
    return secret.get_secret_value()


Folder = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]
"""Absolute, so that children and workers in another working directory mean the same one."""


class Settings(BaseSettings):
    """Everything that may be set. Out of range is an error that names the setting, never a silent correction.

    Programs call `load_settings`, which turns what is wrong into one Configuration error.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, env_file_encoding="utf-8", extra="ignore", frozen=True
    )

    profile: Literal["local", "production"] = Field(
        default="local", description="Which set of defaults; `production` needs Weaviate, keys and weights."
    )
    home: Folder = Field(
        default_factory=lambda: user_data_path("swatchbook", appauthor=False),
        description=(
            "One folder for the ledger, the index, files, and Prefect's home and results. Set it to a disk with "
            "room for them."
        ),
    )

    # where things are kept
    ledger_url: str | None = Field(
        default=None,
        description=(
            "SQLAlchemy URL; empty: SQLite under the home. Set it to PostgreSQL when several machines share the work."
        ),
    )
    files_url: str | None = Field(
        default=None,
        description=(
            "Folder or fsspec URL of the file store; empty: under the home. Set it when service and workers run "
            "on different machines."
        ),
    )
    index: Literal["lance", "weaviate"] = Field(
        default="lance",
        description="The vector index; `lance` needs no server, `weaviate` serves several machines at once.",
    )
    weaviate_url: str = Field(
        default="http://127.0.0.1:8080",
        description="Weaviate's HTTP address. Set it when the server is on another host or port.",
    )
    weaviate_grpc_port: int = Field(
        default=50051,
        ge=1,
        le=65535,
        description="Weaviate's gRPC port, on the same host. Set it when the server uses another.",
    )
    weaviate_api_key: SecretStr | None = Field(
        default=None,
        description="Weaviate's API key. Set it when the server asks for one, as one in production should.",
    )
    input_roots: Annotated[tuple[Folder, ...], NoDecode, BeforeValidator(_listed)] = Field(
        default=(),
        description=(
            "Folders whose files a flow may read by path, separated by commas. Set it when flows are started "
            "with paths instead of uploads."
        ),
    )

    # who makes what
    encoder: Literal["descriptors", "siglip"] = Field(
        default="descriptors",
        description=(
            "Maker of the visual vectors; `siglip` is any SigLIP, SigLIP 2 or CLIP, understands words as well, "
            "and needs its weights."
        ),
    )
    encoder_model: str = Field(
        default="google/siglip2-base-patch16-224",
        min_length=1,
        description=(
            "Which one `siglip` is: a name on the hub, or a folder. Change it for better vectors at more time a "
            "picture."
        ),
    )
    encoder_revision: str = Field(
        default="",
        pattern=COMMIT,
        description="Its commit; empty: the one known here. Set it for a model that is not known here.",
    )
    structure_model: str = Field(
        default="",
        description=(
            "DINOv2 that makes `structure` beside siglip: a name on the hub, or a folder. Empty: none, which "
            "saves its time."
        ),
    )
    structure_revision: str = Field(
        default="",
        pattern=COMMIT,
        description="Its commit; empty: the one known here. Set it for a model that is not known here.",
    )
    prompts: PromptsByRole = Field(
        default=Prompts(),
        description=(
            'What siglip looks for in pictures, by role: JSON, {"color": ["…"], …}. Change it for goods that '
            "the words do not describe."
        ),
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        default="auto",
        description=(
            "Where siglip and DINOv2 run; `auto` takes a GPU if there is one. Set it to keep them off a GPU "
            "that others use."
        ),
    )
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description=(
            "Their precision; `auto`: bfloat16 where it is native and as good. Set float32 to compare vectors "
            "across machines."
        ),
    )
    analyst: Literal["local", "vision"] = Field(
        default="local",
        description=(
            "Maker of the analyses; `vision` is a vision model, which sees more than the local rules and costs "
            "money or a GPU."
        ),
    )
    vision_side: int = Field(
        default=768,
        ge=64,
        le=4_096,
        description=(
            "Longest side of the pictures that the vision model is shown, pixels. Raise it when small print "
            "matters; a picture then costs more tokens."
        ),
    )
    review_below: float = Field(
        default=0.4,
        ge=0,
        le=1,
        description=(
            "Pictures whose analysis has a lower score, the lesser of quality and confidence, need a review; 0: "
            "none. Raise it when more pictures should be looked at again."
        ),
    )
    text_encoder: Literal["minilm", "voyage", "openai"] = Field(
        default="minilm",
        description="Maker of understanding and text vectors; `openai` is any endpoint that speaks its embeddings.",
    )
    discovery: Literal["layout", "llm"] = Field(
        default="layout",
        description=(
            "How products are found; `llm` asks a language model as well as the layout rules, for catalogues "
            "whose layout says little."
        ),
    )

    # providers: a vision model, one that reviews it, a language model, a text encoder, each at an address of its own
    vision_url: str | None = Field(
        default=None, description="Base URL of the vision model's OpenAI-compatible endpoint, such as http://host/v1."
    )
    vision_model: str | None = Field(default=None, description="Its name there, such as Qwen/Qwen3-VL-8B-Instruct.")
    vision_api_key: SecretStr | None = Field(default=None, description="Its key; local servers often need none.")
    vision_calls_per_minute: int = Field(default=0, ge=0, le=100_000, description=f"Most calls of {_EACH}.")
    vision_tokens_per_minute: int = Field(default=0, ge=0, le=1_000_000_000, description=f"Most tokens of {_EACH}.")
    review_model: str | None = Field(
        default=None, description="A stronger vision model that looks again at weak pictures; empty: people do."
    )
    review_url: str | None = Field(default=None, description="Its base URL; empty: the vision model's, with its key.")
    review_api_key: SecretStr | None = Field(default=None, description="Its key; local servers often need none.")
    review_calls_per_minute: int = Field(default=0, ge=0, le=100_000, description=f"Most calls of {_EACH}.")
    review_tokens_per_minute: int = Field(default=0, ge=0, le=1_000_000_000, description=f"Most tokens of {_EACH}.")
    llm_api: Literal["openai", "anthropic"] = Field(
        default="openai", description="What the language model's endpoint speaks; `openai` is any compatible one."
    )
    llm_url: str | None = Field(default=None, description="Its base URL; empty: OpenAI's or Anthropic's own.")
    llm_model: str | None = Field(default=None, description="Its name there.")
    llm_api_key: SecretStr | None = Field(default=None, description="Its key; local servers often need none.")
    llm_calls_per_minute: int = Field(default=0, ge=0, le=100_000, description=f"Most calls of {_EACH}.")
    llm_tokens_per_minute: int = Field(default=0, ge=0, le=1_000_000_000, description=f"Most tokens of {_EACH}.")
    text_url: str | None = Field(
        default=None, description="Base URL of the text encoder's endpoint; empty: Voyage's or OpenAI's own."
    )
    text_model: str = Field(default="voyage-3.5", min_length=1, description="Its name there.")
    text_api_key: SecretStr | None = Field(default=None, description="Its key; local servers often need none.")
    text_dimension: int = Field(
        default=1_024,
        ge=1,
        le=8_192,
        description=(
            "Length of its vectors. Set it to what the model makes; lower it for a smaller index where the "
            "model offers several."
        ),
    )
    text_calls_per_minute: int = Field(default=0, ge=0, le=100_000, description=f"Most calls of {_EACH}.")
    text_tokens_per_minute: int = Field(default=0, ge=0, le=1_000_000_000, description=f"Most tokens of {_EACH}.")
    provider_concurrency: int = Field(
        default=8,
        ge=1,
        le=64,
        description=(
            "Calls at once to each provider. Raise it when the provider answers slowly and allows more; lower "
            "it for a small server of your own."
        ),
    )
    provider_seconds: float = Field(
        default=60,
        gt=0,
        le=120,
        description=(
            "Longest time for an answer, seconds; up to twice as long when asked again. Raise it for a slow "
            "server of your own."
        ),
    )
    prices: Annotated[Mapping[str, Price], NoDecode, BeforeValidator(_object)] = Field(
        default={},
        description=(
            'What models cost, USD per million tokens: JSON, {"voyage-3.5": {"input": 0.06, "output": 0}, …}. '
            "Set it to see costs, and for budgets."
        ),
    )

    # limits of what is taken in
    max_document_mb: int = Field(
        default=200,
        ge=1,
        le=10_000,
        description=(
            "Largest document, MiB. Raise it for larger catalogues; each takes that much disk, and memory while "
            "it is read."
        ),
    )
    max_pages: int = Field(
        default=2_000,
        ge=1,
        le=100_000,
        description="Most pages of a document. Raise it for longer catalogues; memory and time grow with the pages.",
    )
    max_image_mb: int = Field(
        default=25,
        ge=1,
        le=1_000,
        description="Largest image file, MiB. Raise it for larger ones when pictures are rejected as too large.",
    )
    max_image_megapixels: int = Field(
        default=50,
        ge=1,
        le=1_000,
        description="Largest image, megapixels. Raise it for larger scans, and the children's memory with it.",
    )
    max_image_side: int = Field(
        default=16_384,
        ge=16,
        le=100_000,
        description="Longest side of an image, pixels. Raise it for panoramas and long strips.",
    )

    # the service
    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Where the service listens. Set it to 0.0.0.0 for other machines; then keys are required.",
    )
    port: int = Field(
        default=8420,
        ge=0,
        le=65535,
        description="The service's port; 0: any free one. Set it when another program uses this one.",
    )
    api_keys: Annotated[tuple[ApiKey, ...], NoDecode, BeforeValidator(_listed), AfterValidator(_keys_apart)] = Field(
        default=(),
        description='Who may use the service: a JSON list of {"name": …, "key": …, "owners": ["alice"] or ["*"]}.',
    )

    service_url: str | None = Field(
        default=None, description="A running service that `search` asks, such as https://host; empty: it searches here."
    )
    service_key: SecretStr | None = Field(default=None, description="The key that it is shown, one of its API keys.")

    # uploads, webhooks, and what is fetched for them
    webhook_sources: Annotated[
        tuple[WebhookSource, ...], NoDecode, BeforeValidator(_listed), AfterValidator(_sources_apart)
    ] = Field(
        default=(),
        description='Who may send webhooks: a JSON list of {"name": …, "secret": "whsec_…", "owners": ["alice"]}.',
    )
    uploads_url: str | None = Field(
        default=None,
        description=(
            "Folder or fsspec URL under which webhooks and flows may name object keys. Set it when senders put "
            "files into an object store."
        ),
    )
    upload_seconds: float = Field(
        default=900,
        gt=0,
        le=86_400,
        description="Longest time of one upload or download, seconds. Raise it for large files over slow lines.",
    )
    upload_idle_seconds: float = Field(
        default=20,
        gt=0,
        le=3_600,
        description=(
            "Longest wait for the next bytes of one, or for its turn, seconds. Raise it when a proxy holds "
            "uploads back."
        ),
    )
    fetch_private_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)] = Field(
        default=(),
        description=(
            "Hosts that URLs may name although private, by http and any port as well. Set it for a file server "
            "in your own network."
        ),
    )

    # time and memory
    page_seconds: float = Field(
        default=60,
        gt=0,
        le=120,
        description=(
            "Longest time on one page without progress, seconds. Raise it when pages of vector drawings are "
            "skipped as too slow."
        ),
    )
    child_memory_mb: int = Field(
        default=4_096,
        ge=256,
        le=65_536,
        description=(
            "Address space of a child that reads PDFs or decodes pictures, MiB. Raise it when documents or "
            "pictures are rejected for want of memory."
        ),
    )
    decoders: int = Field(
        default=2,
        ge=1,
        le=64,
        description=(
            "Children that decode pictures, one core each. Raise it when models wait for pictures on a machine "
            "with more cores."
        ),
    )
    outage_wait_seconds: float = Field(
        default=600,
        ge=0,
        le=3_600,
        description=(
            "How long a run sits out an outage of the index or the ledger, seconds. Raise it when restarts of "
            "your servers take longer; lower it to free the run's slot sooner."
        ),
    )
    retry_delays: Annotated[tuple[Annotated[float, Field(ge=0, le=120)], ...], NoDecode, BeforeValidator(_listed)] = (
        Field(
            default=(2, 4, 8),
            min_length=1,
            max_length=10,
            description="Pauses before a batch's retries, seconds. Raise them when a provider's hiccups last longer.",
        )
    )

    # where images are made
    execution: Literal["inline", "pool"] = Field(
        default="inline",
        description=(
            "Where images are made: in the run's own process, or in shards on the pool `embed`, for more "
            "machines or GPUs."
        ),
    )
    shard_slots: int = Field(
        default=2,
        ge=1,
        le=1_000,
        description="Shards at once on the pool. Raise it to the number of containers that its machines have room for.",
    )
    shard_seconds: float = Field(
        default=30,
        ge=1,
        le=3_600,
        description=(
            "About how long a shard works, seconds. Raise it when containers take long to start and load their models."
        ),
    )
    shard_image: str = Field(
        default="swatchbook",
        min_length=1,
        description="Image of the shards' containers. Set it when yours has another name.",
    )
    shard_memory_mb: int = Field(
        default=3_072,
        ge=512,
        le=1_048_576,
        description="Memory of each, MiB. Raise it for larger models or when shards end out of memory.",
    )
    shard_cpus: float = Field(
        default=0,
        ge=0,
        le=1_024,
        description="Processors of each; 0: no limit. Set it when shards share a machine with other work.",
    )
    shard_gpus: int = Field(
        default=0, ge=-1, le=16, description="GPUs of each; -1: all. Set it where the models run on a GPU."
    )
    shard_network: str = Field(
        default="",
        description=(
            "Docker network of the shards, or `host`; empty: Docker's own. Set it to the network where ledger "
            "and index are reached."
        ),
    )
    shard_volumes: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)] = Field(
        default=(),
        description=(
            "What they share with the host: SOURCE:TARGET[:ro]. Set it to share the file store when that is a folder."
        ),
    )

    # who hears of trouble
    failure_webhook_url: SecretStr | None = Field(
        default=None,
        description=(
            "Where Prefect posts failed and crashed runs; `swatchbook setup` tells it. Empty: nobody hears of them."
        ),
    )
    sentry_dsn: SecretStr | None = Field(
        default=None, description="Sentry project that unexpected errors and dead runs are reported to; empty: none."
    )
    keep_days: int = Field(
        default=30,
        ge=1,
        le=3_650,
        description=(
            "Days that finished runs stay known, here and in Prefect. Raise it to look further back; lower it "
            "for a smaller database."
        ),
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="How much is logged. Set DEBUG to look into a problem."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, DotEnvSettingsSource(settings_cls, env_file())

    @model_validator(mode="before")
    @classmethod
    def _profile_defaults(cls, given: Any) -> Any:
        if isinstance(given, dict):
            preset = PROFILES.get(str(given.get("profile", "local")), {})
            return {**preset, **given}
        return given

    @property
    def ledger(self) -> str:
        """URL of the ledger."""
        return self.ledger_url or f"sqlite:///{self.home / 'ledger.sqlite'}"

    @property
    def files(self) -> str:
        """Folder or URL of the file store."""
        return self.files_url or str(self.home / "files")

    @property
    def incoming(self) -> Path:
        """Where uploads, downloads and what is read of PDFs stand until they are whole; leftovers are of the killed."""
        return self.home / "tmp"

    @property
    def index_folder(self) -> Path:
        """Where LanceDB lives."""
        return self.home / "index"

    @property
    def prefect_home(self) -> Path:
        """Prefect's home and results, where PREFECT_HOME does not say otherwise."""
        return self.home / "prefect"


def limited(settings: Settings, share: float) -> Settings:
    """The same for a process that may use this share of what providers allow a minute, 0 to 1; at least one of each."""
    limits = [f"{part}_{what}_per_minute" for part in ("vision", "llm", "text") for what in ("calls", "tokens")]
    allowed = {name: getattr(settings, name) for name in limits}
    return settings.model_copy(update={name: max(1, int(limit * share)) for name, limit in allowed.items() if limit})


def env_file() -> Path:
    """The file of settings: SWATCHBOOK_ENV_FILE, else `.env` in the working directory."""
    return Path(os.environ.get(ENV_FILE) or ".env")


def load_settings() -> Settings:
    """The settings of this process. Raises Configuration naming each setting that is wrong, and its range."""
    if ENV_FILE in os.environ and not env_file().is_file():
        raise Configuration(f"There is no settings file {env_file()}.", advice="Check --env-file.")
    try:
        return Settings()
    except ValidationError as error:
        wrong = [_wrong(details, origins()) for details in error.errors()]
        raise Configuration("\n".join(wrong), advice="Correct or remove it; see `swatchbook config`.") from None
    except (UnicodeDecodeError, OSError) as error:
        raise Configuration(f"The settings file {env_file()} cannot be read: {error}") from error


def origins() -> dict[str, str]:
    """Field -> where its value comes from: `environment`, the settings file's name, `profile …` or `default`."""
    environment, file = EnvSettingsSource(Settings)(), DotEnvSettingsSource(Settings, env_file())()
    profile = str({**file, **environment}.get("profile", "local"))
    return (
        dict.fromkeys(Settings.model_fields, "default")
        | dict.fromkeys(PROFILES.get(profile, {}), f"profile {profile}")
        | {name: str(env_file()) for name in file if name in Settings.model_fields}
        | {name: "environment" for name in environment if name in Settings.model_fields}
    )


def misspelt() -> list[str]:
    """SWATCHBOOK_* variables, of the environment and the settings file, that no setting reads."""
    file = DotEnvSettingsSource(Settings, env_file()).env_vars
    known = {(PREFIX + name).lower() for name in (*Settings.model_fields, ENV_FILE.removeprefix(PREFIX))}
    given = {name.upper() for name in (*os.environ, *file)}
    return sorted(name for name in given if name.startswith(PREFIX) and name.lower() not in known)


def _wrong(details: ErrorDetails, origin: Mapping[str, str]) -> str:
    """One line: the setting, its value unless secret, where it came from, what it should be, its default."""
    name = str(details["loc"][0]) if details["loc"] else "profile"
    field = Settings.model_fields[name]
    secret = any(kind in str(field.annotation) for kind in ("Secret", "ApiKey", "WebhookSource"))
    value = "" if secret else f"={details['input']}"
    default = "" if field.default in (None, ()) or field.is_required() else f" Default: {_plain(field.default)}."
    problem = details["msg"][0].lower() + details["msg"][1:]
    return f"{PREFIX}{name.upper()}{value} ({origin.get(name, 'default')}): {problem}.{default}"


def _plain(default: Any) -> str:
    return ",".join(f"{part:g}" for part in default) if isinstance(default, tuple) else str(default)
