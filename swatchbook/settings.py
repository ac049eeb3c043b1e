"""Settings: what the code reads, from SWATCHBOOK_* variables, a .env file, or the profile's defaults.

A profile is only a set of defaults; every line of it is a setting of its own and may be chosen alone.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_data_path
from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "SWATCHBOOK_"

PROFILES: Mapping[str, Mapping[str, Any]] = {
    "local": {"index": "lance"},
    "production": {"index": "weaviate"},
}
"""What a profile presets where neither a variable nor the .env file says otherwise."""


class Settings(BaseSettings):
    """Everything that may be set. Out of range is an error that names the setting, never a silent correction."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True
    )

    profile: Literal["local", "production"] = Field("local", description="Which set of defaults.")
    home: Path = Field(
        default_factory=lambda: user_data_path("swatchbook", appauthor=False),
        description="One folder for the ledger, the index, files, and Prefect's home and results.",
    )

    # where things are kept
    ledger_url: str | None = Field(None, description="SQLAlchemy URL; empty: SQLite under the home.")
    files_url: str | None = Field(None, description="Folder or fsspec URL of the file store; empty: under the home.")
    index: Literal["lance", "weaviate"] = Field("lance", description="The vector index.")
    weaviate_url: str = Field("http://127.0.0.1:8080", description="Weaviate's HTTP address.")
    weaviate_grpc_port: int = Field(50051, ge=1, le=65535, description="Weaviate's gRPC port, on the same host.")
    weaviate_api_key: SecretStr | None = Field(None, description="Weaviate's API key.")
    input_roots: tuple[Path, ...] = Field((), description="Folders whose files a flow may read by path.")

    # who makes what
    encoder: Literal["descriptors"] = Field("descriptors", description="Maker of the visual vectors.")
    analyst: Literal["local"] = Field("local", description="Maker of the analyses.")
    text_encoder: Literal["minilm"] = Field("minilm", description="Maker of understanding and text vectors.")
    discovery: Literal["layout"] = Field("layout", description="How products are found.")

    # limits of what is taken in
    max_document_mb: int = Field(200, ge=1, le=10_000, description="Largest document, MiB.")
    max_pages: int = Field(2_000, ge=1, le=100_000, description="Most pages of a document.")
    max_image_mb: int = Field(25, ge=1, le=1_000, description="Largest image file, MiB.")
    max_image_megapixels: int = Field(50, ge=1, le=1_000, description="Largest image, megapixels.")
    max_image_side: int = Field(16_384, ge=16, le=100_000, description="Longest side of an image, pixels.")

    # time and memory
    page_seconds: float = Field(60, gt=0, le=3_600, description="Longest time on one page without progress.")
    decode_seconds: float = Field(20, gt=0, le=600, description="Longest time for one image.")
    child_memory_mb: int = Field(4_096, ge=256, le=65_536, description="Address space of a child, MiB.")
    decoders: int = Field(2, ge=1, le=64, description="Decoding children.")
    memory_pause_percent: int = Field(80, ge=10, le=100, description="Memory use above which new work waits.")
    index_wait_seconds: float = Field(600, ge=0, le=3_600, description="How long a run sits out an index outage.")
    retry_delays: tuple[float, ...] = Field((2, 4, 8), description="Pauses before a batch's retries, seconds.")

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="How much is logged.")

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
    def index_folder(self) -> Path:
        """Where LanceDB lives."""
        return self.home / "index"

    @property
    def prefect_home(self) -> Path:
        """Prefect's home and results, where PREFECT_HOME does not say otherwise."""
        return self.home / "prefect"
