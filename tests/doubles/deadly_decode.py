"""The decode child, dying on a picture that has a file `.deadly` beside it, as a decoder with a memory fault does."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from swatchbook.models.images import decode
from swatchbook_base.child_process import Frame, serve


def handle(request: dict[str, Any], payload: bytes) -> Iterator[Frame]:
    """One picture at a time, so that those before the deadly one are answered."""
    for path in request["paths"]:
        if Path(path).with_suffix(".deadly").exists():
            os.kill(os.getpid(), signal.SIGSEGV)
        yield from decode.handle({**request, "paths": [path]}, payload)


if __name__ == "__main__":
    serve(handle)
