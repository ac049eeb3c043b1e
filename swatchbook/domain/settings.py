"""Every setting with its default, range and description: limits of documents and pictures, timeouts, pauses of retries
within a run (2, 4, 8 s), prices, keys, days that runs are kept; and the two profiles. Read from SWATCHBOOK_*
environment variables, then the .env file, then the defaults of the profile.

A profile is only a set of defaults; each of them can be overridden alone.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from swatchbook.domain.errors import Configuration, reason_of
from swatchbook.domain.redact import redact
from swatchbook.domain.setting_groups import (
    ChatProvider,
    Group,
    ReviewProvider,
    Shards,
    TextProvider,
    VisionProvider,
    Weaviate,
)
from swatchbook.domain.setting_values import (
    ApiKey,
    Choice,
    EventSource,
    Folder,
    Price,
    SearchKind,
    WebhookSource,
    Weights,
    check_event_sources,
    check_keys,
    check_notice_url,
    check_secret,
    check_webhook_sources,
    parse_list,
    parse_object,
)
from swatchbook.domain.wrong_value import what_it_must_be

PREFIX = "SWATCHBOOK_"
ENV_FILE = "SWATCHBOOK_ENV_FILE"
"""Environment variable with the path of the file to read instead of `.env`.

`--env-file` sets it, so that the process and its child processes read the same file.
"""

PAID_TEXT_ENCODERS = frozenset({"voyage", "openai"})
"""Choices of SWATCHBOOK_TEXT_ENCODER that a provider runs. All others, also plugins, run on this machine."""

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
"""Profile -> defaults that apply where neither a variable nor the .env file sets the value."""


class Settings(BaseSettings):
    """All settings. A value out of range is an error that names the setting; it is never silently corrected.

    Programs call `load_settings`, which reports all wrong values in one Configuration error.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
    )

    profile: Literal["local", "production"] = Field(
        default="local", description="Set of defaults; `production` needs Weaviate, API keys and model weights."
    )
    home: Folder = Field(
        default_factory=lambda: user_data_path("swatchbook", appauthor=False),
        description=(
            "Folder for the ledger, the index, the file store, and Prefect's home and results. Set it to a disk "
            "with enough space."
        ),
    )

    # where things are kept
    ledger_url: str | None = Field(
        default=None,
        description=(
            "SQLAlchemy URL of the ledger; empty: SQLite in the home folder. Set it to PostgreSQL when several "
            "machines share the work."
        ),
    )
    files_url: str | None = Field(
        default=None,
        description=(
            "Folder or URL (`s3://`, `gs://`, `az://`) of the file store; empty: in the home folder. Set it when the "
            "service and the workers run on different machines."
        ),
    )
    index_url: str | None = Field(
        default=None,
        description=(
            "Folder or URL (`s3://`, `gs://`, `az://`) of the index `lance`; empty: in the home folder. Set it to an "
            "object store when several machines share the work without a Weaviate."
        ),
    )
    index: Choice = Field(
        default="lance",
        description=(
            "The vector index; `lance` needs no server, `weaviate` can be shared by several machines. Or the name of a "
            "plugin."
        ),
    )
    weaviate: Weaviate = Field(default=Weaviate(), description="Weaviate server of the index `weaviate`.")
    input_roots: Annotated[tuple[Folder, ...], NoDecode, BeforeValidator(parse_list)] = Field(
        default=(),
        description=(
            "Folders from which flows and assistants may read files by path, separated by commas. Set it when flows "
            "are started with paths instead of uploads, or for `swatchbook mcp --write`."
        ),
    )

    # models
    encoder: Choice = Field(
        default="efficientnet",
        description=(
            "Encoder of the visual vectors: `efficientnet` knows what pictures show, and its weights come with "
            "Swatchbook; `descriptors` knows only their colours, texture and layout; `siglip` loads any SigLIP, "
            "SigLIP 2 or CLIP model, which also makes images searchable by text, and needs its weights. "
            "Or the name of a plugin."
        ),
    )
    encoder_model: str = Field(
        default="google/siglip2-base-patch16-224",
        min_length=1,
        description=(
            "Model that `siglip` loads: a name on the Hugging Face Hub with its commit (`organisation/model@commit`, "
            "which `swatchbook models pull` prints), or a folder. Models that Swatchbook was tested with need no "
            "commit. A larger model gives better vectors and takes longer per image; "
            "`Marqo/marqo-ecommerce-embeddings-B` was trained on products."
        ),
    )
    structure_model: str = Field(
        default="",
        description=(
            "DINOv2 model that computes the `structure` role next to siglip, named like SWATCHBOOK_ENCODER_MODEL. "
            "Empty: none, which is faster."
        ),
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        default="auto",
        description=(
            "Device of siglip and DINOv2; `auto` takes a GPU if there is one. Set `cpu` to leave the GPU to other "
            "programs."
        ),
    )
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description=(
            "Precision of siglip and DINOv2; `auto`: bfloat16 where the hardware supports it natively and the "
            "vectors stay as good. Set float32 to compare vectors across machines."
        ),
    )
    analyst: Choice = Field(
        default="local",
        description=(
            "Who analyses images: `local` rules, or a `vision` model, which recognises more and costs money or a GPU. "
            "Or the name of a plugin."
        ),
    )
    text_encoder: Choice = Field(
        default="e5",
        description=(
            "Encoder of the understanding and text vectors: `e5` reads a hundred languages on this machine; "
            "`openai` is any endpoint with OpenAI's embeddings API. Or the name of a plugin."
        ),
    )
    discovery: Literal["layout", "assist", "llm"] = Field(
        default="layout",
        description=(
            "How products are found: by `layout` rules; by the rules, and a language model where they are not sure "
            "(`assist`); or by a language model for every page (`llm`). Set `llm` for catalogues of irregular layout."
        ),
    )

    # providers: models behind an HTTP address, each with its own
    vision: VisionProvider = Field(
        default=VisionProvider(), description="Vision model. Without a URL it is Anthropic's public one."
    )
    review: ReviewProvider = Field(
        default=ReviewProvider(),
        description=(
            "Stronger vision model that reviews images with a low score. Without a model only people review; without a "
            "URL it has the vision model's API, URL and key."
        ),
    )
    llm: ChatProvider = Field(
        default=ChatProvider(),
        description="Language model. Without a URL it is OpenAI's or Anthropic's public one.",
    )
    text: TextProvider = Field(
        default=TextProvider(),
        description="Text encoder. Without a URL it is Voyage's or OpenAI's public one.",
    )
    provider_concurrency: int = Field(
        default=8,
        ge=1,
        le=64,
        description=(
            "Concurrent calls to each provider. Raise it when the provider answers slowly and allows more; lower "
            "it for a small server of your own."
        ),
    )
    provider_seconds: float = Field(
        default=60,
        gt=0,
        le=120,
        description=(
            "Timeout of a provider's answer, seconds; up to twice as long for a repeated call. Raise it for a slow "
            "server of your own."
        ),
    )
    prices: Annotated[Mapping[str, Price], NoDecode, BeforeValidator(parse_object)] = Field(
        default={},
        description=(
            'Prices of models, USD per million tokens: JSON, {"voyage-3.5": {"input": 0.06, "output": 0}, …}. '
            "Set them to see costs and to use budgets where Swatchbook knows no published price, or an old one."
        ),
    )

    search_weights: Annotated[Mapping[SearchKind, Weights], NoDecode, BeforeValidator(parse_object)] = Field(
        default={},
        description=(
            'Weights of the roles in searches by text and picture: JSON, {"text": {"keyword": 0.6, "text": 0.4}}; a '
            "role that is not named is not searched; docs/quality.md says how to score them by your questions. A "
            "search's own --weights go first."
        ),
    )
    relevance_floor: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description=(
            "Relevance from which a result of a search by text is called close. Lower it where right answers are "
            "called not close; 0 calls all close, however little they have to do with the question."
        ),
    )

    # limits of documents and images
    max_document_mb: int = Field(
        default=200,
        ge=1,
        le=10_000,
        description=(
            "Largest document, MiB. Raise it for larger catalogues; a document takes its size on disk, and in memory "
            "while it is read."
        ),
    )
    max_pages: int = Field(
        default=2_000,
        ge=1,
        le=100_000,
        description="Most pages of a document. Raise it for longer catalogues; memory and time grow with the pages.",
    )
    picture_folders: Annotated[tuple[Folder, ...], NoDecode, BeforeValidator(parse_list)] = Field(
        default=(),
        description=(
            "Folders where the pictures of scraped batches may be, too, separated by commas. Set it when a scraper "
            "keeps its pictures elsewhere than its items."
        ),
    )
    max_image_mb: int = Field(
        default=25,
        ge=1,
        le=1_000,
        description="Largest image file, MiB. Raise it when images are rejected as too large.",
    )
    max_image_megapixels: int = Field(
        default=50,
        ge=1,
        le=1_000,
        description="Largest image, megapixels. Raise it for larger scans, together with SWATCHBOOK_CHILD_MEMORY_MB.",
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
        description=(
            "Address that the service listens on. Set it to 0.0.0.0 to admit other machines; it then requires API keys."
        ),
    )
    port: int = Field(
        default=8420,
        ge=0,
        le=65535,
        description="Port of the service; 0: any free port. Set it when another program uses the default.",
    )
    api_keys: Annotated[tuple[ApiKey, ...], NoDecode, BeforeValidator(parse_list), AfterValidator(check_keys)] = Field(
        default=(),
        description='Clients of the service: a JSON list of {"name": …, "key": …, "owners": ["alice"] or ["*"]}.',
    )

    # uploads, webhooks and downloads
    webhook_sources: Annotated[
        tuple[WebhookSource, ...], NoDecode, BeforeValidator(parse_list), AfterValidator(check_webhook_sources)
    ] = Field(
        default=(),
        description='Senders of webhooks: a JSON list of {"name": …, "secret": "whsec_…", "owners": ["alice"]}.',
    )
    uploads_url: str | None = Field(
        default=None,
        description=(
            "Folder or fsspec URL of the objects that webhooks and flows may name by key. Set it when senders put "
            "files into an object store."
        ),
    )
    event_sources: Annotated[
        tuple[EventSource, ...], NoDecode, BeforeValidator(parse_list), AfterValidator(check_event_sources)
    ] = Field(
        default=(),
        description=(
            'Buckets whose new objects are ingested when they are announced: a JSON list of {"url": "s3://…", '
            '"owner": "alice"}.'
        ),
    )
    upload_seconds: float = Field(
        default=900,
        gt=0,
        le=86_400,
        description="Timeout of one upload or download, seconds. Raise it for large files over slow connections.",
    )
    upload_idle_seconds: float = Field(
        default=20,
        gt=0,
        le=3_600,
        description=(
            "Longest pause within an upload or download, or wait until it may start, seconds. Raise it when a proxy "
            "buffers uploads."
        ),
    )
    notice_url: Annotated[SecretStr | None, AfterValidator(check_notice_url)] = Field(
        default=None,
        description=(
            "https URL to which a signed notice is posted when a document is completed, has failed or is blocked; http "
            "on this machine only. Empty: no notices."
        ),
    )
    notice_secret: Annotated[SecretStr, AfterValidator(check_secret)] | None = Field(
        default=None,
        validate_default=True,
        description="Secret that signs the notices: whsec_ and base64 of 24 or more bytes.",
    )
    fetch_private_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(parse_list)] = Field(
        default=(),
        description=(
            "Private hosts that documents and pictures may be downloaded from, also by http and on any port, and "
            "link-local hosts that other settings may name, separated by commas. "
            "Set it for a file server in your own network."
        ),
    )

    # reading of PDFs
    pdf_reader: Choice = Field(
        default="mupdf",
        description=(
            "Library that reads PDFs: `mupdf` (PyMuPDF, AGPL or commercial) or `pdfium` (BSD and Apache, the extra "
            "pdfium), which reads no tables and loses a little (docs/pdf-readers.md). Or the name of a plugin. A "
            "change reads the documents again."
        ),
    )

    # printed text
    ocr: Literal["auto", "off", "always"] = Field(
        default="auto",
        description=(
            "Which pages are read by their pixels (Latin, Chinese and Japanese letters, and SWATCHBOOK_OCR_LANGUAGES; "
            "about 1 s a page): `auto` those without usable text, and those that are mostly one picture. Set `always` "
            "when texts in pictures are missed near other text: the local analyst then reads what is printed on each "
            "picture, too (0.2 s); `off` to save the time."
        ),
    )

    ocr_languages: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[a-z]{3}(_[a-z]+)?$")], ...] | None,
        NoDecode,
        BeforeValidator(parse_list),
    ] = Field(
        default=None,
        description=(
            "Languages in other scripts whose print is read, by Tesseract's names (rus, fas, hin …), separated by "
            "commas; the likeliest first. Default: all whose data this machine has (Debian's tesseract-ocr-rus …); "
            "after installing data, ingest with --force. Set it where several machines read catalogues; [] for none."
        ),
    )

    # time and memory
    page_seconds: float = Field(
        default=60,
        gt=0,
        le=120,
        description=(
            "Longest work without progress on one page, in seconds of the processor, so that a busy machine loses no "
            "page; a quarter of it in a small file. Raise it when pages with many vector drawings are skipped as too "
            "slow."
        ),
    )
    child_memory_mb: int = Field(
        default=4_096,
        ge=256,
        le=65_536,
        description=(
            "Address space of a child process that reads PDFs or decodes images, MiB. Raise it when documents or "
            "images are rejected because it ran out of memory."
        ),
    )
    decoders: int = Field(
        default=0,
        ge=0,
        le=64,
        description=(
            "Child processes that decode images, one core each. 0: as many as the machine has cores, 2 to 16. Lower it "
            "where a container may use fewer."
        ),
    )
    outage_wait_seconds: float = Field(
        default=600,
        ge=0,
        le=3_600,
        description=(
            "How long a run waits for the index or the ledger during an outage, seconds. Raise it when your servers "
            "take longer to restart; lower it to free the run's slot sooner."
        ),
    )
    retry_delays: Annotated[
        tuple[Annotated[float, Field(ge=0, le=120)], ...], NoDecode, BeforeValidator(parse_list)
    ] = Field(
        default=(2, 4, 8),
        min_length=1,
        max_length=10,
        description="Pauses before the retries of a batch, seconds. Raise them when a provider's errors last longer.",
    )

    # where images are embedded
    execution: Literal["inline", "pool"] = Field(
        default="inline",
        description=(
            "Where images are embedded: `inline` in the run's own process, or in shards on the work pool `embed`. "
            "Set `pool` to use more machines or GPUs."
        ),
    )
    shards: Shards = Field(default=Shards(), description="Shards on the pool.")

    # logs and retention
    keep_days: int = Field(
        default=30,
        ge=1,
        le=3_650,
        description=(
            "Days that finished runs are kept, in the ledger and in Prefect. Raise it for a longer history; lower it "
            "for a smaller database."
        ),
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Lowest level that is logged. Set DEBUG to examine a problem."
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
    def _profile_defaults(cls, values: Any) -> Any:
        if isinstance(values, dict):
            return {**PROFILES.get(str(values.get("profile", "local")), {}), **values}
        return values

    @field_validator("files_url", "index_url", "uploads_url")
    @classmethod
    def _has_no_secret(cls, url: str | None) -> str | None:
        if url and "@" in url and ":" in urlsplit(url).netloc.rpartition("@")[0]:
            raise ValueError("put credentials into the environment of the process, not into the URL")
        return url

    @field_validator("notice_secret")
    @classmethod
    def _signs_notices(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if secret is None and info.data.get("notice_url") is not None:
            raise ValueError("SWATCHBOOK_NOTICE_URL needs it to sign notices")
        return secret

    @property
    def ledger(self) -> str:
        """SQLAlchemy URL of the ledger."""
        return self.ledger_url or f"sqlite:///{self.home / 'ledger.sqlite'}"

    @property
    def files(self) -> str:
        """Folder or URL of the file store."""
        return self.files_url or str(self.home / "files")

    @property
    def temporary_folder(self) -> Path:
        """Folder for incomplete uploads, downloads and page data. A killed process may leave files in it."""
        return self.home / "tmp"

    @property
    def previews_folder(self) -> Path:
        """Folder of rendered pages and thumbnails. They can be made again at any time."""
        return self.home / "previews"

    @property
    def ended_sessions_folder(self) -> Path:
        """Folder of marks of the browser sessions that a logout has ended."""
        return self.home / "ended-sessions"

    @property
    def copies_folder(self) -> Path:
        """Folder of copies of files that are stored in an object store. They can be made again at any time."""
        return self.home / "copies"

    @property
    def index_folder(self) -> Path:
        """Folder of the LanceDB index, if it is in a folder."""
        return Path(self.index_url) if self.index_url and "://" not in self.index_url else self.home / "index"

    @property
    def prefect_home(self) -> Path:
        """Prefect's home, unless PREFECT_HOME is set."""
        return self.home / "prefect"

    @property
    def decoder_processes(self) -> int:
        """Return the number of child processes that decode images."""
        return self.decoders or min(max(2, os.cpu_count() or 1), 16)

    @property
    def has_local_analyst(self) -> bool:
        """Return whether pictures are analysed on this machine rather than by a provider."""
        return self.analyst != "vision"

    @property
    def has_local_text_encoder(self) -> bool:
        """Return whether texts are embedded on this machine, which costs nothing, rather than by a provider."""
        return self.text_encoder not in PAID_TEXT_ENCODERS

    @property
    def results(self) -> str:
        """Folder or URL of the cached results of pure stages, whatever Prefect's own settings are."""
        is_remote = self.files_url is not None and "://" in self.files_url
        return f"{self.files.rstrip('/')}/results" if is_remote else str(self.home / "prefect" / "results")


def _fields() -> Iterator[tuple[str, FieldInfo]]:
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, Group):
            yield from ((f"{name}.{each}", part) for each, part in type(field.default).model_fields.items())
        else:
            yield name, field


FIELDS: Mapping[str, FieldInfo] = dict(_fields())
"""Name -> field of every setting that is a variable, in order. That of a group is `text.url`."""


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + name.replace(".", "__").upper()


def value_of(settings: Settings, name: str) -> Any:
    """Return the value of a setting."""
    return attrgetter(name)(settings)


def flatten(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return name -> value of settings whose groups are mappings, as they are in files and variables."""
    flat = dict[str, Any]()
    for name, value in values.items():
        is_group = name not in FIELDS and name in Settings.model_fields and isinstance(value, Mapping)
        flat |= {f"{name}.{each}": part for each, part in value.items()} if is_group else {name: value}
    return flat


def nest(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as `Settings` takes them, from keywords such as `text__url`."""
    nested = dict[str, Any]()
    for name, value in values.items():
        group, is_part, part = name.partition("__")
        if is_part:
            nested[group] = {**nested.get(group, {}), part: value}
        else:
            nested[name] = value
    return nested


def replace(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """Return the settings with other values by name, which are not checked."""
    update = dict[str, Any]()
    for name, value in values.items():
        group, _, part = name.rpartition(".")
        before = update.get(group) or (getattr(settings, group) if group else None)
        update |= {group: before.model_copy(update={part: value})} if before else {name: value}
    return settings.model_copy(update=update)


def env_file() -> Path:
    """Return the path of the settings file: SWATCHBOOK_ENV_FILE, else `.env` in the working directory.

    Raises Configuration for a `.env` of another user: who wrote the folder could send pictures and keys elsewhere.
    """
    if named := os.environ.get(ENV_FILE):
        return Path(named)
    found = Path(".env")
    with suppress(OSError):  # there is none
        if found.stat().st_uid not in (os.geteuid(), 0):
            raise Configuration(
                "The settings file .env belongs to another user.",
                advice="If you trust it, name it: --env-file .env. Else work in another folder.",
            )
    return found


def load_settings(**given: Any) -> Settings:
    """Return the settings of this process; those that are `given`, such as `text__url`, go before all others.

    Raises Configuration, which names every wrong setting, its range and its default.
    """
    nested = nest(given)
    if unknown := sorted(flatten(nested).keys() - FIELDS.keys()):
        raise Configuration(f"Unknown setting: {', '.join(unknown)}.", advice="`swatchbook config` lists all of them.")
    if ENV_FILE in os.environ and not env_file().is_file():
        raise Configuration(f"The settings file {env_file()} does not exist.", advice="Check --env-file.")
    try:
        return Settings(**nested)
    except ValidationError as error:
        origin = origins() | dict.fromkeys(flatten(nested), "given")
        problems = [_describe_problem(details, origin) for details in error.errors()]
        raise Configuration("\n".join(problems), advice="Correct or remove it; see `swatchbook config`.") from None
    except (UnicodeDecodeError, OSError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "it is not UTF-8"
        raise Configuration(f"The settings file {env_file()} cannot be read: {reason}.") from error


def origins() -> dict[str, str]:
    """Return setting -> source of its value: `environment`, the settings file's path, `profile …` or `default`."""
    environment, file = flatten(EnvSettingsSource(Settings)()), flatten(DotEnvSettingsSource(Settings, env_file())())
    profile = str({**file, **environment}.get("profile", "local"))
    return (
        dict.fromkeys(FIELDS, "default")
        | dict.fromkeys(PROFILES.get(profile, {}), f"profile {profile}")
        | {name: str(env_file()) for name in file if name in FIELDS}
        | {name: "environment" for name in environment if name in FIELDS}
    )


def unknown_variables() -> list[str]:
    """Return the SWATCHBOOK_* variables of the environment and the settings file that no setting reads."""
    file = DotEnvSettingsSource(Settings, env_file()).env_vars
    known = {*map(variable, FIELDS), ENV_FILE}
    variables = {name.upper() for name in (*os.environ, *file)}
    return sorted(name for name in variables - known if name.startswith(PREFIX))


def is_secret(name: str) -> bool:
    """Return whether a setting is a secret or contains one."""
    annotation = str(FIELDS[name].annotation)
    return any(kind in annotation for kind in ("Secret", "ApiKey", "WebhookSource"))


def _describe_problem(details: ErrorDetails, origin: Mapping[str, str]) -> str:
    """Describe a wrong setting in one line: name, value unless secret, source, valid range and default."""
    name, *inner = map(str, details["loc"] or ("profile",))
    if name not in FIELDS and inner:
        name = f"{name}.{inner.pop(0)}"
    field = FIELDS.get(name) or Settings.model_fields[name]
    value = "" if name in FIELDS and is_secret(name) else f"={redact(str(details['input']))}"
    has_default = field.default_factory is None and field.default not in (None, ()) and not field.is_required()
    default = f" Default: {_format(field.default)}." if has_default else ""
    problem = details["msg"].removeprefix("Value error, ")
    problem = problem[0].lower() + problem[1:]
    form = (field.description or "").partition(": ")[2]
    if inner and '{"' in form:  # a part of an object
        place, wrong = details["loc"][-len(inner) :], what_it_must_be(details)
        if details["type"] == "extra_forbidden":  # an unknown name may be the secret itself
            place, wrong = place[:-1], "has an unknown field"
        where = " ".join(f"entry {part + 1}" if isinstance(part, int) else part for part in place)
        problem = f"{where}: {wrong}; it should be {form.rstrip('.')}"
    return f"{variable(name)}{value} ({origin.get(name, 'default')}): {problem}.{default}"


def _format(default: Any) -> str:
    return ",".join(f"{part:g}" for part in default) if isinstance(default, tuple) else str(default)
