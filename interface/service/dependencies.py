"""What an endpoint may ask for: the process' tools, and values within limits (who calls: `interface.service.auth`)."""

from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from swatchbook.resources import Resources

SearchText = Annotated[str, StringConstraints(max_length=1_000, pattern=r"^[^\x00]*$")]
"""Any text; PostgreSQL holds no NUL."""


class RequestModel(BaseModel):
    """Base of what callers send: an unknown parameter is an error, not a loss."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RetryOptions(RequestModel):
    """How much is to be tried again."""

    force: bool = Field(default=False, description="What failed or was rejected too.", strict=True)


ONCE = RetryOptions()
"""What an empty body asks for."""


async def get_resources(request: Request) -> Resources:
    """The process' tools. Ledger, index and files block: use them in sync endpoints, or in a thread."""
    resources: Resources = request.app.state.resources
    return resources


Tools = Annotated[Resources, Depends(get_resources)]
