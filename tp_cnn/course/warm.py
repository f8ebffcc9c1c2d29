"""Starts kernels, in the sandbox or not, and talks with them."""

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tp_cnn
from tp_cnn.course import sandbox
from tp_cnn.course.kernel import HEADER, MESSAGE
from tp_cnn.course.sandbox import Limits

ZYGOTE = [sys.executable, "-m", "tp_cnn.course.zygote"]


class KernelEnded(Exception):
    """The kernel is no more; ``status`` as in ``subprocess``, None when it is not known."""

    def __init__(self, status: int | None):
        super().__init__(status)
        self.status = status


class Garbled(Exception):
    """What arrived is no message: the cells wrote on the kernel's socket."""


class Kernel:
    """The grader's end of one kernel."""

    def __init__(self, control: socket.socket, data: socket.socket, kill, close):
        self.control, self.data = control, data
        self._kill, self._close = kill, close
        self.buffer = bytearray()
        self.ended = False

    def send(self, message: dict, timeout: float = 10) -> None:
        """Send a message.

        Raises:
            KernelEnded: the kernel does not listen any more.
        """
        text = json.dumps(message).encode()
        self.data.settimeout(timeout)
        try:
            self.data.sendall(HEADER.pack(len(text)) + text)
        except OSError:
            raise KernelEnded(self._status(wait=0.5)) from None

    def receive(self, deadline: float) -> tuple[dict, int] | None:
        """The next message and its size in bytes; None when none came before ``deadline``.

        Raises:
            KernelEnded: there will be none.
            Garbled: what came is no message.
        """
        while (message := self._next()) is None:
            if (left := deadline - time.monotonic()) <= 0:
                return None
            ready, _, _ = select.select([self.data, self.control], [], [], left)
            if self.data in ready:
                try:
                    piece = self.data.recv(1 << 20, socket.MSG_DONTWAIT)
                except OSError:
                    piece = b""
                if not piece:
                    raise KernelEnded(self._status(wait=2))
                self.buffer += piece
            elif ready:
                raise KernelEnded(self._status(wait=2))
        return message

    def _next(self) -> tuple[dict, int] | None:
        if len(self.buffer) < HEADER.size:
            return None
        (size,) = HEADER.unpack_from(self.buffer)
        if size > MESSAGE:
            raise Garbled
        end = HEADER.size + size
        if len(self.buffer) < end:
            return None
        text = bytes(self.buffer[HEADER.size : end])
        del self.buffer[:end]
        try:
            message = json.loads(text)
            if rb"\ud" in text.lower():  # halves of surrogate pairs cannot be written to a file
                clean = json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")
                message = json.loads(clean)
        except (ValueError, RecursionError):
            raise Garbled from None
        if not isinstance(message, dict):
            raise Garbled
        return message, end

    def _status(self, wait: float) -> int | None:
        """How the kernel ended, by its supervisor."""
        text = b""
        self.control.settimeout(wait)
        with contextlib.suppress(OSError):
            while len(text) < 1000 and (piece := self.control.recv(1000)):
                text += piece
        with contextlib.suppress(ValueError, TypeError, KeyError):
            return int(json.loads(text)["status"])
        return None

    def interrupt(self) -> None:
        with contextlib.suppress(OSError):
            self.control.send(b"I")

    def close(self) -> None:
        """End the kernel and everything that it started."""
        if not self.ended:
            self.ended = True
            self.control.close()
            self.data.close()
            self._kill()
            self._close()


def start_cold(limits: Limits, data: Path | None, extra: dict[str, str], sandboxed: bool) -> Kernel:
    """A kernel in a process of its own, which imports everything anew."""
    home = sandbox.WORK if sandboxed else tempfile.mkdtemp(prefix="tp-cnn-")
    if sandboxed:
        variables = sandbox.environment(
            sandbox.HOME, sandbox.PACKAGE, sandbox.DATA if data else None, extra
        )
        before = sandbox.command(limits, variables, data)
    else:
        package = str(Path(tp_cnn.__file__).resolve().parent.parent)
        variables, before = sandbox.environment(home, package, data, extra), []
    pairs = [socket.socketpair(), socket.socketpair()]
    theirs = [pair[1] for pair in pairs]
    words = ["single", json.dumps(limits.resources()), home, *(str(end.fileno()) for end in theirs)]
    try:
        process = subprocess.Popen(
            [*before, *ZYGOTE, *words],
            env=variables,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[end.fileno() for end in theirs],
            start_new_session=True,
        )
    finally:
        for end in theirs:
            end.close()

    def kill() -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)  # the supervisor leaves when its socket is closed
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def close() -> None:
        if not sandboxed:
            shutil.rmtree(home, ignore_errors=True)

    return Kernel(pairs[0][0], pairs[1][0], kill, close)
