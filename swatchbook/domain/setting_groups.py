"""Settings of one subject, which are one variable each: `text.url` is SWATCHBOOK_TEXT__URL."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_settings import NoDecode

from swatchbook.domain.setting_values import WeaviateIndexKind, parse_list


class Group(BaseModel):
    """Settings of one subject."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Provider(Group):
    """A model behind an HTTP address."""

    url: str | None = Field(default=None, description="Base URL of its endpoint, such as http://host/v1.")
    model: str | None = Field(default=None, description="Name of the model, such as Qwen/Qwen3-VL-8B-Instruct.")
    api_key: SecretStr | None = Field(
        default=None, description="API key of the endpoint; local servers often need none."
    )
    per_minute: int = Field(
        default=0,
        ge=0,
        le=100_000,
        description=(
            "Most calls per minute and run, which its shards share; 0: no limit. Set it to stay below your account's "
            "limit."
        ),
    )


class ChatProvider(Provider):
    """A model that answers questions."""

    api: Literal["openai", "anthropic"] = Field(
        default="openai", description="API of the endpoint; `openai` is any compatible one."
    )


class VisionProvider(ChatProvider):
    """A model that looks at images."""

    side: int = Field(
        default=768,
        ge=64,
        le=4_096,
        description=(
            "Longest side of the images that are sent to the vision model, pixels. Raise it when small print "
            "matters; an image then costs more tokens."
        ),
    )


class ReviewProvider(ChatProvider):
    """A stronger model that looks at images again."""

    below: float = Field(
        default=0.4,
        ge=0,
        le=1,
        description=(
            "Images whose analysis scores lower than this need a review; the score is the lesser of quality and "
            "confidence. 0: none. Raise it to review more images."
        ),
    )


class TextProvider(Provider):
    """A model that makes vectors of texts."""

    model: str = Field(default="voyage-3.5", min_length=1, description="Name of the model; `e5` ignores it.")
    dimension: int = Field(
        default=1_024,
        ge=1,
        le=8_192,
        description=(
            "Dimension of the text encoder's vectors. Set it to the model's dimension; lower it for a smaller index "
            "where the model offers several."
        ),
    )


class Weaviate(Group):
    """A Weaviate server."""

    url: str = Field(
        default="http://127.0.0.1:8080",
        description="Weaviate's HTTP address. Set it when the server is on another host or port.",
    )
    grpc_port: int = Field(
        default=50051,
        ge=1,
        le=65535,
        description="Weaviate's gRPC port, on the same host. Set it when the server uses another port.",
    )
    api_key: SecretStr | None = Field(
        default=None,
        description="Weaviate's API key. Set it when the server requires one, as a production server should.",
    )
    index: WeaviateIndexKind = Field(
        default="flat",
        description=(
            "Vector index of new spaces in Weaviate, and its codes (docs/scale.md). Set it to `hnsw_rq` above some "
            "100,000 objects of one owner. `swatchbook spaces move` moves what is there."
        ),
    )
    tenants: bool = Field(
        default=False,
        description=(
            "Whether each owner has a separate Weaviate tenant, which takes no memory while it is not searched. Set "
            "it when there are many owners. `swatchbook spaces move` moves what is there."
        ),
    )


class Shards(Group):
    """Containers that embed images."""

    slots: int = Field(
        default=2,
        ge=1,
        le=1_000,
        description="Concurrent shards on the pool. Raise it to the number of containers that its machines can hold.",
    )
    seconds: float = Field(
        default=0,
        ge=0,
        le=3_600,
        description=(
            "Least work of a shard, seconds; 0: four times what shards took to start. Set it when you want fewer or "
            "more shards."
        ),
    )
    image: str = Field(
        default="swatchbook",
        min_length=1,
        description="Container image of the shards. Set it when yours has another name.",
    )
    memory_mb: int = Field(
        default=3_072,
        ge=512,
        le=1_048_576,
        description="Memory of each shard, MiB. Raise it for larger models or when shards run out of memory.",
    )
    cpus: float = Field(
        default=0,
        ge=0,
        le=1_024,
        description="CPUs of each shard; 0: no limit. Set it when shards share a machine with other work.",
    )
    gpus: int = Field(
        default=0, ge=-1, le=16, description="GPUs of each shard; -1: all. Set it when the models run on a GPU."
    )
    network: str = Field(
        default="",
        description=(
            "Docker network of the shards, or `host`; empty: Docker's default. Set it to the network of the ledger "
            "and the index."
        ),
    )
    volumes: Annotated[tuple[str, ...], NoDecode, BeforeValidator(parse_list)] = Field(
        default=(),
        description=(
            "Volumes of the shards: SOURCE:TARGET[:ro], separated by commas. Set it to mount the file store when it "
            "is a folder."
        ),
    )
