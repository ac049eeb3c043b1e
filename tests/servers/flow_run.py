"""What a worker starts in place of a flow run that is forked off elsewhere (flow_runs.py): signals reach the run, and
neither outlives the other. A program of the standard library alone: `python -S -E flow_run.py SOCKET`.
"""

import os
import signal
import socket
import sys

if __name__ == "__main__":
    run = socket.socket(socket.AF_UNIX)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: run.send(bytes([number])))
    run.connect(sys.argv[1])
    status = int(run.recv(8) or -signal.SIGKILL)
    if status < 0:
        if status != -signal.SIGKILL:  # which nobody may handle
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    sys.exit(status)
