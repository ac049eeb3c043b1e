"""The options of an ingest with defaults and limits, the mapping of a batch, and the names of saved Prefect blocks.

Options are roles, focus, pages to take in, batch size (20), retries (3), budget, mirror, the mapping of a batch
and a taught reading. Prefect's form is made from them.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from swatchbook.domain.records.items import Role
from swatchbook.domain.records.teaching import UNTAUGHT, TaughtReading
from swatchbook_base.records.record import Record

ColumnName = Annotated[str, Field(min_length=1, max_length=500)]
ItemField = Literal[
    "id", "code", "title", "images", "more_images", "price", "currency", "brand", "category", "size", "condition",
    "material", "color", "description", "url", "gtin", "regular_price",
    "availability",
]  # fmt: skip
"""Names of what is read of an item. All `more_images` are taken; of `images` only the first field that exists."""


FactName = Annotated[str, Field(pattern=r"^\w[\w -]{0,59}$")]


def _as_names(value: Any) -> Any:
    """Return one name as a tuple of one, and no name as an empty tuple, which means that the field is not read."""
    if value is None or value == "":
        return ()
    return (value,) if isinstance(value, str) else value


ColumnNames = Annotated[tuple[ColumnName, ...], BeforeValidator(_as_names), Field(max_length=50)]


class BatchMapping(Record):
    """Which fields of a batch are read. `columns`: our name -> the fields, of which the first that exists counts.

    A dot leads into an inner object. `facts`: a person's own name -> the fields of a further fact. `currency`: that of
    prices that name none. `base_url`: the base of relative URLs. `root`: a folder with the pictures.
    """

    columns: Mapping[ItemField, ColumnNames] = Field(default={}, max_length=50)
    facts: Mapping[FactName, ColumnNames] = Field(default={}, max_length=100)
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    base_url: Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=2_000)] | None = None
    root: Path | None = None

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """Return the columns with plain names, to look them up."""
        return {str(name): names for name, names in self.columns.items()}

    @property
    def fact_names(self) -> dict[str, tuple[str, ...]]:
        """Return the facts by the keys under which they are kept: words in lower case, with underscores."""
        return {"_".join(name.lower().split()): names for name, names in self.facts.items()}


NO_MAPPING = BatchMapping()


BatchSize = Annotated[int, Field(ge=1, le=256)]
Pages = Annotated[tuple[Annotated[int, Field(ge=1)], ...], AfterValidator(lambda pages: tuple(sorted(set(pages))))]
"""Numbers of pages, from 1, each once and in order."""


class IngestOptions(BaseModel):
    """Options of one ingest. Prefect builds the form in its UI from this model.

    Fields with fixed choices are never null, because the form would then show a free-text field.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    roles: frozenset[Role] = Field(
        default=frozenset(),
        title="Vectors",
        description="Vectors to compute; an empty list means all that the configured models compute. (stage 6)",
    )
    focus: bool = Field(
        default=True,
        title="Only product pages",
        description="Skip pages whose words say that they show no products, such as an index. (stage 3)",
    )
    pages: Pages = Field(
        default=(),
        title="Pages to take in",
        description="Pages that are processed although their kind is skipped; later ingests keep them. (stage 3)",
    )
    batch_size: BatchSize = Field(
        default=20, title="Batch size", description="Images processed and committed together. (stage 6)"
    )
    max_retries: int = Field(
        default=3,
        ge=0,
        le=10,
        title="Retries",
        description="Retries within a run of failures that are likely to pass. (stage 6)",
    )
    execution: Literal["as set", "inline", "pool"] = Field(
        default="as set",
        title="Execution",
        description="inline: in the run's own process. pool: in shards on the work pool. as set: the value of "
        "SWATCHBOOK_EXECUTION. (stage 6)",
    )
    max_usd: float | None = Field(
        default=None,
        gt=0,
        le=100_000,
        title="Budget, US dollars",
        description="The most that providers may charge for this document; empty means no limit. (stages 2 and 6)",
    )
    mirror: bool = Field(
        default=False,
        title="Mirror",
        description="Of folders and scraped batches: remove items that are no longer there. (stage 5)",
    )
    categories: bool = Field(
        default=True,
        title="Categories from subfolders",
        description="Of folders of pictures: each subfolder is a category of the pictures in it. (stage 5)",
    )
    force: bool = Field(
        default=False,
        title="Force",
        description="Once: run stages 1–5 again, and try failed and rejected images again.",
    )

    mapping: BatchMapping = Field(
        default=NO_MAPPING,
        title="Fields of a batch",
        description="Of scraped batches: which field is what, as JSON (docs/batches.md). (stage 5)",
    )
    taught: TaughtReading = Field(
        default=UNTAUGHT,
        title="Taught reading",
        description="How product names are found, as `swatchbook teach` learns it from examples; empty means by the "
        "layout rules. Later ingests keep it. (stage 2)",
    )

    def with_pages(self, pages: Iterable[int]) -> "IngestOptions":
        """Return the same options, which take these pages in, too."""
        return self.model_copy(update={"pages": tuple(sorted({*self.pages, *pages}))})

    def with_taught(self, taught: TaughtReading) -> "IngestOptions":
        """Return the same options, with names found by this reading."""
        return self.model_copy(update={"taught": taught})


BlockName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{0,64}$")]


class BlockNames(Record):
    """Names of the saved Prefect blocks that a run uses. An empty name means the settings of the process."""

    ledger: BlockName = Field(default="", title="Ledger", description="A saved Swatchbook Ledger block.")
    files: BlockName = Field(default="", title="Files", description="A saved Swatchbook Files block.")
    index: BlockName = Field(default="", title="Index", description="A saved Swatchbook Index block.")
    encoder: BlockName = Field(default="", title="Encoder", description="A saved Swatchbook Encoder block.")
    text_embedder: BlockName = Field(
        default="", title="Text embedder", description="A saved Swatchbook Text Embedder block."
    )
    vision_model: BlockName = Field(
        default="", title="Vision model", description="A saved Swatchbook Vision Model block."
    )
    language_model: BlockName = Field(
        default="", title="Language model", description="A saved Swatchbook Language Model block."
    )

    @property
    def chosen(self) -> dict[str, str]:
        """Return part -> name of its saved block, for the parts that have one."""
        return {part: name for part, name in self if name}
