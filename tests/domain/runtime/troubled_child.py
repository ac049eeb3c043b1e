"""A real child for tests: what it is asked to do, it does to itself."""

import logging
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

from swatchbook.domain.errors import EncryptedDocument
from swatchbook_base.child_process import Frame, serve


def handle(request: dict[str, Any], payload: bytes) -> Iterator[Frame]:
    match request["do"]:
        case "echo":
            yield request, payload
        case "count":
            for number in range(request["to"]):
                time.sleep(request.get("pause", 0))
                yield {"number": number}, b""
        case "starve":
            for _ in range(2):
                until = time.process_time() + request["work"]
                while time.process_time() < until:
                    pass
                time.sleep(request["pause"])
            yield {"done": True}, b""
        case "print":
            os.write(1, b"a C library says hello")
            print("and so does Python", flush=True)
            yield {"done": True}, b""
        case "loop":
            yield {"pid": os.getpid()}, b""
            re.match(r"(a+)+$", "a" * 64 + "b")  # for ever inside C: no other thread of it runs
        case "abort":
            print("last words", file=sys.stderr, flush=True)
            os.abort()
        case "exit":
            os._exit(7)
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when memory is short
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "fail":
            raise EncryptedDocument("It has a lock.", advice="Bring the key.")
        case "log":
            logging.getLogger("troubled").warning("%s", request["text"])
            yield {"done": True}, b""
        case "trip":
            raise KeyError("shoelace")
        case "hoard":
            yield {"size": len(bytearray(request["bytes"]))}, b""
        case "modules":
            yield {"modules": sorted(sys.modules)}, b""
        case "environment":
            yield dict(os.environ), b""


if __name__ == "__main__":
    serve(handle)
