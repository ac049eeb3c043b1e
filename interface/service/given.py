"""What an endpoint may ask for: the process' tools. Who calls is `interface.service.auth`'s."""

from typing import Annotated

from fastapi import Depends, Request

from swatchbook.lab import Lab


async def the_lab(request: Request) -> Lab:
    """The process' tools. Ledger, index and files block: use them in sync endpoints, or in a thread."""
    lab: Lab = request.app.state.lab
    return lab


Tools = Annotated[Lab, Depends(the_lab)]
