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
from tp_cnn.grading.sandbox import bubblewrap
from tp_cnn.grading.sandbox.bubblewrap import Limits
from tp_cnn.grading.sandbox.kernel import HEADER, KILLED, MESSAGE

START = 120  # seconds in which a kernel must be ready
PATIENCE = 5  # seconds in which a process must leave when it is told to
SUPERVISOR = [sys.executable, "-m", "tp_cnn.grading.sandbox.supervisor"]


class KernelEnded(Exception):
    """The kernel is no more; ``status`` as in ``subprocess``, None when it is not known."""

    def __init__(self, status: int | None):
        super().__init__(status)
        self.status = status


class Garbled(Exception):
    """What arrived is no message: the cells wrote on the kernel's socket."""


class Kernel:
    """The grader's end of one kernel."""

    def __init__(
        self, process: subprocess.Popen, control: socket.socket, data: socket.socket, home: str
    ):
        """``control`` leads to the supervisor, ``data`` to the kernel; ``home`` is removed."""
        self.process, self.control, self.data, self.home = process, control, data, home
        self.buffer = bytearray()

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
        """How the kernel ended, as its supervisor says."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self.process.wait(wait)
            return KILLED - status if status > KILLED else status
        return None

    def interrupt(self) -> None:
        with contextlib.suppress(OSError):
            self.control.send(b"I")

    def close(self) -> None:
        """End the kernel and everything that it started."""
        self.control.close()  # the supervisor's order to leave
        self.data.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        if self.home:
            shutil.rmtree(self.home, ignore_errors=True)


def start(limits: Limits, data: Path | None, extra: dict[str, str], sandboxed: bool) -> Kernel:
    """A kernel that is ready.

    Args:
        data: a folder of data sets, which the kernel can read.
        extra: environment variables for it.

    Raises:
        OSError, KernelEnded: it did not start.
    """
    package = Path(tp_cnn.__file__).resolve().parent.parent
    where = bubblewrap.DATA if sandboxed and data else data and data.resolve()
    variables = bubblewrap.environment(
        bubblewrap.PACKAGE if sandboxed else str(package), where, extra
    )
    home = bubblewrap.HOME if sandboxed else tempfile.mkdtemp(prefix="tp-cnn-")
    settings = {"limits": limits.resources(), "sandboxed": sandboxed, "home": home}
    before = bubblewrap.command(limits, variables, data) if sandboxed else []
    ours, theirs = zip(socket.socketpair(), socket.socketpair(), strict=True)
    numbers = [end.fileno() for end in theirs]
    try:
        process = subprocess.Popen(
            [*before, *SUPERVISOR, json.dumps(settings), *map(str, numbers)],
            env=variables,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=numbers,
            start_new_session=True,  # Ctrl+C reaches the grader only
        )
    finally:
        for end in theirs:
            end.close()
    with contextlib.suppress(OSError):  # when memory is short, kernels go before the grader
        Path(f"/proc/{process.pid}/oom_score_adj").write_text("500")
    kernel = Kernel(process, *ours, "" if sandboxed else home)
    try:
        if kernel.receive(time.monotonic() + START) is None:
            raise KernelEnded(None)
    except BaseException:
        kernel.close()
        raise
    return kernel
