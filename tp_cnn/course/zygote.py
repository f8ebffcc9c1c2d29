"""What runs inside the sandbox before any cell: starts kernels, watches them, ends them.

``python -m tp_cnn.course.zygote single CONTROL DATA`` supervises one kernel between two sockets of
the grader's. A *supervisor* and its *kernel* are two processes: the supervisor, which runs no line
of the student's, passes interruptions on and says how the kernel ended.
"""

import contextlib
import json
import os
import resource
import select
import shutil
import signal
import socket
import sys
import time

from tp_cnn.course import kernel

INTERRUPT = b"I"


def supervise(control: socket.socket, data: socket.socket, limits: dict, home: str) -> None:
    """Run a kernel until it ends or the grader hangs up; then leave."""
    pid = os.fork()
    if pid == 0:
        try:
            control.close()
            _limit(limits)
            kernel.serve(data)
        finally:
            os._exit(0)
    data.close()
    status = None
    while status is None:
        ready, _, _ = select.select([control], [], [], 0.05)
        if ready:
            order = control.recv(1)
            if not order:
                break
            os.kill(pid, signal.SIGINT)
        status = _reap(pid)
    if status is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        while _reap(pid) is None:
            time.sleep(0.01)
    with contextlib.suppress(OSError):
        control.sendall(json.dumps({"status": status}).encode())
    shutil.rmtree(home, ignore_errors=True)


def _reap(pid: int) -> int | None:
    """Bury every child that has ended; the exit status of ``pid`` if it is one of them."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == pid:
                found = os.waitstatus_to_exitcode(ended[1])
    return found


def _limit(limits: dict) -> None:
    """Limits that the kernel and its children cannot raise again."""
    for name, value in limits.items():
        if hasattr(resource, name):
            number = getattr(resource, name)
            hard = resource.getrlimit(number)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(number, (value, value))


def main(arguments: list[str]) -> None:
    mode, limits, home, *descriptors = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.makedirs(home, exist_ok=True)
    os.chdir(home)
    sys.path[0] = ""  # the current folder, as in a notebook
    if mode == "single":
        control, data = (socket.socket(fileno=int(number)) for number in descriptors)
        supervise(control, data, json.loads(limits), home)


if __name__ == "__main__":
    main(sys.argv[1:])
