"""The real decode child, which crashes or hangs on files with certain names."""

import os
import signal
import time
from pathlib import Path

from PIL import Image

from swatchbook.models.images import decode
from swatchbook_base.child_process import serve
from swatchbook_base.image_limits import ImageLimits

real_decode = decode.decode


def troubled(path: Path, side: int, limits: ImageLimits) -> Image.Image:
    if path.name.startswith("deadly"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if path.name.startswith("killed"):
        os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when memory is short
    if path.name.startswith("once") and not (killed := path.with_suffix(".killed")).exists():
        killed.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if path.name.startswith("hanging"):
        time.sleep(60)
    return real_decode(path, side, limits)


if __name__ == "__main__":
    decode.decode = troubled
    serve(decode.handle)
