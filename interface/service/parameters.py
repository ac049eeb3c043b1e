"""Declare parameters that several endpoints share, refuse unknown ones, and hand out the resources of the process.

A text has at most 1,000 characters and no NUL.
"""

from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from swatchbook.records import LostState, Pages
from swatchbook.resources import Resources

SearchText = Annotated[str, StringConstraints(max_length=1_000, pattern=r"^[^\x00]*$")]
"""Text without NUL, which PostgreSQL cannot store."""


Boxes = Annotated[
    tuple[Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,6}:[1-9][0-9]{0,6}$")], ...],
    Field(max_length=1_000),
]
"""Names of lost pictures: page and number."""


class RequestModel(BaseModel):
    """Base of request models: unknown parameters are rejected instead of ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RetryOptions(RequestModel):
    """What to retry."""

    force: bool = Field(default=False, description="Also retry failed and rejected images.", strict=True)


DEFAULT_RETRY = RetryOptions()
"""The options of a request without a body."""


class EmbedOptions(RetryOptions):
    """What to create."""

    pages: Pages = Field(default=(), max_length=1_000, description="Skipped pages to take in, too.")
    boxes: Boxes = Field(default=(), description="Pictures that were seen and not taken, to take in: `5:1`.")


class LostPictureOptions(RequestModel):
    """A decision about lost pictures, which are given by name."""

    boxes: Boxes = Field(description="Their names, such as `5:1`.")
    state: LostState = Field(
        description="`taken`: take them in; `dismissed`: they are no pictures; `seen`: undo either."
    )


DEFAULT_EMBED = EmbedOptions()
"""The options of a request without a body."""


async def get_resources(request: Request) -> Resources:
    """Return the resources of the process. They block: use them in sync endpoints or threads."""
    resources: Resources = request.app.state.resources
    return resources


Tools = Annotated[Resources, Depends(get_resources)]
