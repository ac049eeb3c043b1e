"""The vector index as a Prefect block."""

from typing import ClassVar, Literal

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from blocks.overlay import overlay
from swatchbook.index.base import Index
from swatchbook.resources import Resources
from swatchbook.settings import load_settings


class IndexBlock(Block):
    """What makes vectors searchable: LanceDB under the home of whoever uses it, or a Weaviate server."""

    _block_type_name: ClassVar[str | None] = "Swatchbook Index"
    _block_type_slug: ClassVar[str | None] = "swatchbook-index"

    index: Literal["lance", "weaviate"] = Field(default="lance", title="Index", description="Which one it is.")
    weaviate_url: str = Field(
        default="http://127.0.0.1:8080", title="Weaviate URL", description="Weaviate's HTTP address."
    )
    weaviate_grpc_port: int = Field(
        default=50051, ge=1, le=65535, title="Weaviate gRPC port", description="On the same host."
    )
    weaviate_api_key: SecretStr | None = Field(
        default=None, title="Weaviate API key", description="Empty where the server lets everybody in."
    )

    def get_index(self) -> Index:
        """The open index. Raises IndexDown, Authentication, Configuration."""
        return Resources(overlay(load_settings(), self)).index
