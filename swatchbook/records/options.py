"""What a person may choose for one ingest: options, and saved Prefect blocks by name."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from swatchbook.records.base import Record
from swatchbook.records.items import Role


class IngestOptions(BaseModel):
    """What a person may choose for one document. The UI's form is made from this model.

    What is chosen from a list is never null: for that the form would show a field of free text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    roles: frozenset[Role] = Field(
        default=frozenset(),
        title="Vectors",
        description="Which vectors to make; an empty list means all that the chosen models make. (stage 6)",
    )
    focus: bool = Field(
        default=True,
        title="Only product pages",
        description="Skip pages that show no product and no entity. (stage 3)",
    )
    batch_size: int = Field(
        default=20, ge=1, le=256, title="Batch size", description="Images made and committed together. (stage 6)"
    )
    max_retries: int = Field(
        default=3, ge=0, le=10, title="Retries", description="Retries of passing failures within a run. (stage 6)"
    )
    execution: Literal["as set", "inline", "pool"] = Field(
        default="as set",
        title="Execution",
        description="inline: in the run's own process. pool: in shards on the pool. as set: as SWATCHBOOK_EXECUTION "
        "says. (stage 6)",
    )
    max_usd: float | None = Field(
        default=None,
        gt=0,
        le=100_000,
        title="Budget, US dollars",
        description="The most that providers may be paid for it; empty means no limit. (stages 2 and 6)",
    )
    force: bool = Field(
        default=False,
        title="Force",
        description="Once: queue failed and rejected images anew, redo stages 1–5.",
    )


BlockName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{0,64}$")]


class BlockNames(Record):
    """Which saved Prefect blocks a run uses. Where a name is empty, the settings say the same."""

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
    def given(self) -> dict[str, str]:
        """part -> the name of its saved block, where there is one."""
        return {part: name for part, name in self if name}
