"""Executes a submission's cells, whatever they do, in a sandboxed kernel."""

import copy
import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from tp_cnn.errors import CourseError
from tp_cnn.grading.sandbox import bubblewrap
from tp_cnn.grading.sandbox.bubblewrap import Limits
from tp_cnn.grading.sandbox.outputs import Outputs, count
from tp_cnn.grading.sandbox.process import Garbled, Kernel, KernelEnded, start

GRACE = 5  # seconds in which an interrupted cell must end
FLOOD = 10  # a cell that sends so many times what it may show is stopped
MESSAGES = 100_000  # messages a cell may send
ENAMES = {
    "timeout": "CellTimeoutError",
    "notebook-timeout": "CellTimeoutError",
    "unresponsive": "CellTimeoutError",
    "output": "OutputLimitError",
    "died": "DeadKernelError",
}
FATAL = ("died", "unresponsive")  # the kernel is lost


@dataclass(frozen=True)
class Stop:
    """A cell that was stopped, or that stopped the kernel."""

    cell: str  # its id
    reason: str  # a key of ENAMES
    detail: str  # a sentence in French for the grader


@dataclass
class Execution:
    """An executed notebook."""

    notebook: object  # with the outputs of each cell
    stops: list[Stop] = field(default_factory=list)
    seconds: float = 0.0
    failure: str | None = None  # in French, when no kernel could be started


@dataclass
class Executor:
    """Executes notebooks, several at a time if several threads ask.

    Raises:
        CourseError: a sandbox is asked for and cannot be had.
    """

    sandbox: bool = True
    limits: Limits = field(default_factory=Limits)  # of one submission
    data: Path | None = None  # a folder of data sets, which kernels can read
    environment: dict[str, str] = field(default_factory=dict)  # variables for the kernels

    def __post_init__(self):
        if self.sandbox and (reason := bubblewrap.obstacle()):
            raise CourseError(reason)
        if not hasattr(os, "fork"):
            raise CourseError("grading needs Linux or macOS; on Windows, use WSL 2")

    def execute(self, notebook) -> Execution:
        """Execute a copy of ``notebook``; errors of cells are outputs, and execution goes on.

        A cell that ends its kernel is withdrawn and the notebook executed again without it.
        """
        began = time.monotonic()
        deadline = None
        withdrawn: dict[int, Stop] = {}
        while True:
            try:
                kernel = start(self.limits, self.data, self.environment, self.sandbox)
            except (OSError, KernelEnded) as error:
                failure = f"le noyau n'a pas démarré ({error})"
                return Execution(notebook, [], time.monotonic() - began, failure)
            deadline = deadline or time.monotonic() + self.limits.notebook_seconds
            attempt = Attempt(notebook, self.limits, withdrawn, deadline)
            try:
                lost = attempt.run(kernel)
            finally:
                kernel.close()
            if lost is None or len(withdrawn) == self.limits.withdrawals:
                return Execution(attempt.notebook, attempt.stops, time.monotonic() - began)
            withdrawn[lost] = attempt.stops[-1]


class Attempt:
    """One pass over a notebook in one kernel."""

    def __init__(self, notebook, limits: Limits, withdrawn: dict[int, Stop], deadline: float):
        self.notebook = copy.deepcopy(notebook)
        self.notebook.metadata.pop("kernelspec", None)  # a submission does not choose its kernel
        self.limits, self.withdrawn, self.deadline = limits, withdrawn, deadline
        self.left = {"text": 10 * limits.output, "display": 8 * limits.display}
        self.displays: dict[str, list] = {}
        self.stops: list[Stop] = []

    def run(self, kernel: Kernel) -> int | None:
        """Run every cell; the index of the one that lost the kernel, None if none did."""
        cells = [cell for cell in self.notebook.cells if cell.cell_type == "code"]
        for cell in cells:
            cell.outputs, cell.execution_count = [], None
        for index, cell in enumerate(cells):
            outputs = Outputs(self.limits, self.left, self.displays)
            stop = self.withdrawn.get(index)
            if not stop and (reason := self._run_cell(kernel, index, cell, outputs)):
                stop = Stop(cell.get("id", str(index)), *reason)
            if stop:
                self.stops.append(stop)
                outputs.drop_errors("KeyboardInterrupt")
                outputs.add_error({"ename": ENAMES[stop.reason], "evalue": stop.detail})
            cell.outputs = outputs.finish()
            if stop and index not in self.withdrawn and stop.reason in FATAL:
                return index
            if stop and stop.reason == "notebook-timeout":
                break
        return None

    def _run_cell(self, kernel: Kernel, index: int, cell, outputs: Outputs):
        """Run one cell; None, or why it was stopped: a key of ``ENAMES`` and a sentence."""
        watch = Watch(self.limits, self.deadline)
        try:
            kernel.send({"cell": index, "source": cell.source})
            while True:
                arrival = kernel.receive(watch.until)
                if arrival:
                    message, size = arrival
                    if message.get("type") == "done" and message.get("cell") == index:
                        break
                    watch.count(size)
                    if not watch.reason:
                        outputs.add(message)
                if watch.resists():
                    return "unresponsive", "la cellule a résisté à son interruption"
                if watch.must_stop():
                    kernel.interrupt()
        except KernelEnded as end:
            return "died", _death(end.status)
        except Garbled:
            return "died", "la cellule a écrit parmi les messages du noyau"
        cell.execution_count = count(message)
        if message.get("status") == "error" and not watch.reason and not outputs.has_error():
            outputs.add_error(message)  # the cell prevented its error from being shown
        return watch.reason and (watch.reason, watch.sentence())


class Watch:
    """The time that a cell takes and the messages that it sends."""

    def __init__(self, limits: Limits, deadline: float):
        self.limits, self.deadline = limits, deadline
        self.until = min(time.monotonic() + limits.cell_seconds, deadline)
        self.bytes = self.messages = 0
        self.reason = ""  # why the cell was interrupted

    def count(self, size: int) -> None:
        self.bytes += size
        self.messages += 1

    def must_stop(self) -> bool:
        """Whether the cell must be interrupted now; it then has ``GRACE`` seconds to end."""
        most = FLOOD * (self.limits.output + self.limits.display)
        if self.reason:
            return False
        if self.bytes > most or self.messages > MESSAGES:
            self.reason = "output"
        elif time.monotonic() >= self.until:
            self.reason = "notebook-timeout" if self.until == self.deadline else "timeout"
        else:
            return False
        self.until = time.monotonic() + GRACE
        return True

    def resists(self) -> bool:
        """Whether the cell goes on although it was interrupted."""
        return bool(self.reason) and time.monotonic() >= self.until

    def sentence(self) -> str:
        return {
            "timeout": f"la cellule a dépassé {self.limits.cell_seconds:g} s",
            "notebook-timeout": f"le notebook a dépassé {self.limits.notebook_seconds:g} s",
            "output": "la cellule affiche sans fin",
        }[self.reason]


def _death(status: int | None) -> str:
    """How the kernel ended, for the grader."""
    if status is None:
        return "la cellule a mis fin au noyau"
    if status == -signal.SIGKILL:
        return "le noyau a été tué : mémoire épuisée, ou tué par la cellule"
    if status < 0:
        return f"le noyau s'est arrêté sur le signal {-status} ({signal.strsignal(-status)})"
    return f"la cellule a mis fin au noyau (code {status})"
