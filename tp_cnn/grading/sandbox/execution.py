"""Executes a submission's cells, whatever they do, in a sandboxed kernel."""

import copy
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, Protocol

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
CHECKS_ASKED = 300  # by the cells of a notebook


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
    doubts: list[str] = field(default_factory=list)  # in French: a person must look
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

    def execute(self, notebook, tests: "Tests | None" = None) -> Execution:
        """Execute a copy of ``notebook``; errors of cells are outputs, and execution goes on.

        A cell that ends its kernel is withdrawn and the notebook executed again without it.

        Args:
            tests: what carries the test cells out, and answers the checks of the others; without
                it, no check has a verdict.
        """
        began = time.monotonic()
        deadline = None
        withdrawn: dict[int, Stop] = {}
        while True:
            try:
                kernel = start(self.limits, self.data, self.environment, self.sandbox)
            except (OSError, KernelEnded) as error:
                failure = f"le noyau n'a pas démarré ({error})"
                return Execution(notebook, [], [], time.monotonic() - began, failure)
            deadline = deadline or time.monotonic() + self.limits.notebook_seconds
            attempt = Attempt(notebook, self.limits, withdrawn, deadline, tests)
            try:
                lost = attempt.run(kernel)
            finally:
                kernel.close()
            if lost is None or len(withdrawn) == self.limits.withdrawals:
                taken = time.monotonic() - began
                return Execution(attempt.notebook, attempt.stops, attempt.doubts, taken)
            withdrawn[lost] = attempt.stops[-1]


class Tests(Protocol):
    """Carries tests out, and answers the checks that other cells ask for; see `grading.judge`."""

    def judged(self, check: str, seed: int, talk: "Conversation", told: object) -> dict:
        """The verdict on the answer that the kernel holds."""

    def carry_out(self, cell: str, talk: "Conversation") -> Iterator[dict]:
        """The outputs of a test cell; raises `Doubtful` if what the kernel says makes no sense."""

    def __contains__(self, cell: str) -> bool: ...


class Doubtful(Exception):
    """What the kernel said cannot be understood; in French, for the grader."""


class Attempt:
    """One pass over a notebook in one kernel."""

    def __init__(
        self,
        notebook,
        limits: Limits,
        withdrawn: dict[int, Stop],
        deadline: float,
        tests: Tests | None = None,
    ):
        self.notebook = copy.deepcopy(notebook)
        self.notebook.metadata.pop("kernelspec", None)  # a submission does not choose its kernel
        self.limits, self.withdrawn, self.deadline = limits, withdrawn, deadline
        self.tests = tests
        self.left = {"text": 10 * limits.output, "display": 8 * limits.display}
        self.displays: dict[str, list] = {}
        self.stops: list[Stop] = []
        self.doubts: list[str] = []
        self.asked = 0  # checks that cells asked for

    def run(self, kernel: Kernel) -> int | None:
        """Run every cell; the index of the one that lost the kernel, None if none did."""
        cells = [cell for cell in self.notebook.cells if cell.cell_type == "code"]
        for cell in cells:
            cell.outputs, cell.execution_count = [], None
        for index, cell in enumerate(cells):
            outputs = Outputs(self.limits, self.left, self.displays)
            stop = self.withdrawn.get(index)
            if not stop and (reason := self._run_or_judge(kernel, index, cell, outputs)):
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

    def _run_or_judge(self, kernel: Kernel, index: int, cell, outputs: Outputs):
        """Run one cell; None, or why it was stopped: a key of ``ENAMES`` and a sentence."""
        talk = Conversation(kernel, Watch(self.limits, self.deadline))
        try:
            if self.tests and cell.get("id") in self.tests:
                self._judge(talk, cell, outputs)
            else:
                self._run(talk, index, cell, outputs)
        except Stopped:
            pass
        except Doubtful as doubt:
            self.doubts.append(str(doubt))
        return talk.stop

    def _judge(self, talk: "Conversation", cell, outputs: Outputs) -> None:
        """Carry out a test cell: nothing of what it shows comes from the kernel."""
        try:
            for output in self.tests.carry_out(cell.id, talk):
                if not talk.stop and not talk.watch.reason:
                    outputs.add(output)
        finally:
            talk.stop = talk.stop or talk.watch.said()

    def _run(self, talk: "Conversation", index: int, cell, outputs: Outputs) -> None:
        talk.send({"cell": index, "source": cell.source})
        while True:
            message = talk.receive()
            if message.get("type") == "done" and message.get("cell") == index:
                break
            if message.get("type") == "check" and self.tests:
                talk.send({"verdict": self._answer(talk, message)})
            elif not talk.watch.reason:
                outputs.add(message)
        cell.execution_count = count(message)
        if message.get("status") == "error" and not talk.watch.reason and not outputs.has_error():
            outputs.add_error(message)  # the cell prevented its error from being shown
        talk.stop = talk.watch.said()

    def _answer(self, talk: "Conversation", message: dict) -> dict | None:
        """The verdict that a cell asks for, with nested questions; None beyond what is allowed."""
        self.asked += 1
        seed = message.get("seed")
        if self.asked > CHECKS_ASKED or type(seed) is not int or seed < 0:
            return None
        try:
            return self.tests.judged(str(message.get("check")), seed, talk, message.get("told"))
        except Doubtful:
            return None
        except Stopped:
            if talk.stop:  # else the cell was interrupted: its end will come
                raise
            return None


class Stopped(Exception):
    """The cell was stopped; the conversation says why."""


class Conversation:
    """What is said between the grader and a kernel while one cell runs, or is judged."""

    def __init__(self, kernel: Kernel, watch: "Watch"):
        self.kernel, self.watch = kernel, watch
        self.stop: tuple[str, str] | None = None  # a key of ``ENAMES`` and a sentence
        self.number = 0  # of the last question

    def ask(
        self, work: str, arguments: str, limit: float, called_back: Callable[[dict], str]
    ) -> str:
        """What the kernel replies to a question (see `desk`), "" if that is too long.

        Args:
            called_back: what to reply when the student's code asks something meanwhile.

        Raises:
            Stopped: there is no reply; nor will there be one to the next question.
        """
        if self.stop or self.watch.reason:
            raise Stopped
        self.number += 1
        question = {"ask": self.number, "work": work, "arguments": arguments, "limit": limit}
        self.send(question)
        while True:
            message = self.receive()
            if message.get("type") == "reply" and message.get("ask") == self.number:
                return str(message.get("outcome", ""))
            if message.get("type") == "callback":
                self.send({"back": called_back(message)})

    def send(self, message: dict) -> None:
        try:
            self.kernel.send(message)
        except KernelEnded as end:
            self._end("died", _death(end.status))

    def receive(self) -> dict:
        """The next message. A cell that takes too long, or says too much, is interrupted.

        Raises:
            Stopped: there will be none.
        """
        while True:
            if self.watch.resists():
                self._end("unresponsive", "la cellule a résisté à son interruption")
            if self.watch.must_stop():
                self.kernel.interrupt()
            try:
                arrival = self.kernel.receive(self.watch.until)
            except KernelEnded as end:
                self._end("died", _death(end.status))
            except Garbled:
                self._end("died", "la cellule a écrit parmi les messages du noyau")
            if arrival:
                self.watch.count(arrival[1])
                return arrival[0]

    def _end(self, reason: str, sentence: str) -> NoReturn:
        self.stop = (reason, sentence)
        raise Stopped


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

    def said(self) -> tuple[str, str] | None:
        """Why the cell was stopped, a key of ``ENAMES`` and a sentence; None if it was not."""
        sentences = {
            "timeout": f"la cellule a dépassé {self.limits.cell_seconds:g} s",
            "notebook-timeout": f"le notebook a dépassé {self.limits.notebook_seconds:g} s",
            "output": "la cellule affiche sans fin",
        }
        return (self.reason, sentences[self.reason]) if self.reason else None


def _death(status: int | None) -> str:
    """How the kernel ended, for the grader."""
    if status is None:
        return "la cellule a mis fin au noyau"
    if status == -signal.SIGKILL:
        return "le noyau a été tué : mémoire épuisée, ou tué par la cellule"
    if status < 0:
        return f"le noyau s'est arrêté sur le signal {-status} ({signal.strsignal(-status)})"
    return f"la cellule a mis fin au noyau (code {status})"
