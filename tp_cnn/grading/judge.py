"""The judge: runs the checks of a notebook in the grader's process, on answers that stay elsewhere.

The sandbox holds no right answer, no known mistake and no tolerance. A test cell is not executed
there: the judge asks the kernel for the test's argument, sends it inputs for a function (or weights
and images for a network), and compares what comes back here. Whatever a student's code does in its
own process, it can only change its own answers.
"""

import contextlib
import importlib
import io
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace

from tp_cnn import display
from tp_cnn.checks.engine import plain
from tp_cnn.checks.engine.blocks import BlockCheck
from tp_cnn.checks.engine.calls import Refused, Trial, attempt
from tp_cnn.checks.engine.classes import ClassCheck
from tp_cnn.checks.engine.facts import Fact, Seen
from tp_cnn.checks.engine.framework import Check, FunctionCheck, Verdict, grade
from tp_cnn.checks.engine.limits import LIMIT
from tp_cnn.checks.engine.loops import LoopCheck, Observation
from tp_cnn.checks.engine.networks import NetworkCheck
from tp_cnn.checks.engine.running import Failure, Returned
from tp_cnn.grading.distant import Distant
from tp_cnn.grading.mirror import Mirrors
from tp_cnn.grading.sandbox.execution import Conversation, Doubtful
from tp_cnn.grading.steps import CHECKS, Step

LONGEST = 5000  # characters of a message
ILLEGIBLE = "la réponse n'a pas pu être lue."
TOO_LONG = Failure("exception", "le résultat est trop grand pour être lu", ("ValueError",))
DOUBT = "au test « {} », ce que le noyau a répondu n'a pas de sens"
FORGED = (ValueError, LookupError, TypeError, AttributeError, RuntimeError)
NO_SENSE = Failure("exception", "la vérification ne prête rien de tel", ("RuntimeError",))


@dataclass
class Talk:
    """A conversation with a kernel about one answer, as long as a check may take."""

    conversation: Conversation
    until: float = field(default_factory=lambda: time.monotonic() + LIMIT)
    objects: Distant | None = None  # of an answer that is a class
    forged: bool = False  # something came that the course's own code never says

    def __call__(self, work: str, *arguments: object) -> Returned:
        """What a work of the kernel's `Desk` gives.

        Raises:
            ValueError: the reply cannot be read.
        """
        left = max(0.05, self.until - time.monotonic())
        refer, find = (self.objects.refer, self.objects.find) if self.objects else (None, None)
        asked = plain.write(arguments, refer)
        reply = self.conversation.ask(work, asked, left, self._called_back)
        with self.sense():
            return plain.read_outcome(reply, find) if reply else Returned(failure=TOO_LONG)

    def _called_back(self, message: dict) -> str:
        """The reply to the student's code, which uses what the check lent to it."""
        with contextlib.suppress(*FORGED), self.sense():
            return self.objects.called_back(message)
        return plain.write_outcome(Returned(failure=NO_SENSE))

    @contextlib.contextmanager
    def sense(self) -> Iterator[None]:
        """Note what makes no sense: what is raised here may be taken for a student's error."""
        try:
            yield
        except FORGED:
            self.forged = True
            raise


class Bench:
    """Carries out the tests of a notebook."""

    def __init__(self, tests: dict[str, list[Step]]):
        self.tests = tests

    def __contains__(self, cell: str) -> bool:
        return cell in self.tests

    def judged(self, check: str, seed: int, talk: Conversation, told: object) -> dict:
        """The verdict on the answer that the kernel holds, for the cell that asked for it."""
        ask = Talk(talk)
        try:
            verdict = judge(check_named(check), seed, ask, plain.read_outcome(told).result)
        except FORGED as error:
            raise Doubtful(check) from error
        if ask.forged:
            raise Doubtful(check)
        return asdict(verdict)

    def carry_out(self, cell: str, talk: Conversation) -> Iterator[dict]:
        """The outputs of a test cell, as its execution would show them."""
        for step in self.tests[cell]:
            check, ask = check_named(step.check), Talk(talk)
            try:
                taken = ask("take", step.answer)
                if taken.failure:
                    yield _error(taken.failure)
                    return
                verdict = judge(check, step.seed, ask, taken.result)
            except FORGED:
                ask.forged = True
            if ask.forged:
                yield _shown(Verdict("wrong", ILLEGIBLE))
                raise Doubtful(DOUBT.format(cell))
            yield _shown(verdict)
            if step.points is not None:
                yield _result(repr(grade(verdict, step.points)))


def _shown(verdict: Verdict) -> dict:
    facts = {"status": verdict.status, "mistake": verdict.mistake}
    data = {"text/plain": str(verdict)}
    return {"type": "display_data", "data": data, "metadata": {display.KEY: facts}}


def _result(text: str) -> dict:
    return {"type": "execute_result", "data": {"text/plain": text}, "metadata": {}}


def _error(failure: Failure) -> dict:
    name = failure.errors[0] if failure.errors else "TimeoutError"
    return {"type": "error", "ename": name, "evalue": failure.text}


def check_named(name: str) -> Check:
    """The check that the course knows as "lenet.lenet5".

    Raises:
        KeyError: there is none of this name.
    """
    module, _, last = name.rpartition(".")
    if not module or any(not part.isidentifier() or part[0] == "_" for part in name.split(".")):
        raise KeyError(name)
    try:
        found = getattr(importlib.import_module(f"{CHECKS}.{module}"), last, None)
    except ImportError:
        found = None
    if not isinstance(found, Check):
        raise KeyError(name)
    return found


def judge(check: Check, seed: int, talk: Talk, told: dict) -> Verdict:
    """The verdict on the answer that the kernel holds.

    Args:
        told: what the kernel told of the answer: its kind, and its value if it has one.
    """
    try:
        student, options = _stand_in(check, told, talk)
        with contextlib.redirect_stdout(io.StringIO()):
            verdict = check(student, seed=seed, limit=0, **options)
    except Refused as refused:
        verdict = Verdict(refused.status, str(refused), refused.mistake, refused.clue)
    return replace(verdict, message=verdict.message[:LONGEST])


def _stand_in(check: Check, told: dict, talk: Talk) -> tuple[object, dict]:
    """What stands here for the student's answer, and how the check reaches it."""
    kind, value = told["kind"], told["value"]
    if kind == "value" and (value is None or value is ...):
        return value, {}
    if isinstance(check, FunctionCheck):
        return told, {"call": lambda _, arguments: talk("call", arguments)}
    if isinstance(check, LoopCheck):
        return told, {"see": lambda _, seed: _observation(check, talk, seed)}
    if isinstance(check, ClassCheck) and kind == "class":
        talk.objects = Distant(talk)
        return talk.objects.kind(), {}
    if isinstance(check, BlockCheck) and kind in ("function", "class"):
        return Mirrors(talk).build, {}
    if isinstance(check, NetworkCheck) and kind != "value":
        build = Mirrors(talk).build
        return (attempt(build, (), []).result if kind == "network" else build), {}
    return value, {}


def _observation(check: LoopCheck, talk: Talk, seed: int) -> Observation:
    outcome = talk("observe", type(check).__name__, seed)
    told = outcome.result
    if outcome.failure:
        raise Refused(outcome.failure.text or ILLEGIBLE, outcome.failure.kind)
    if "refused" in told:
        raise _refused(*told["refused"])
    facts = [
        Fact(value, str(sentence), str(when), bool(vague))
        for value, sentence, when, vague in told["facts"]
    ]
    trials = [Trial(*one) for one in told["trials"]]
    refusal = _refused(*told["refusal"]) if told["refusal"] else None
    clues = tuple(told["clues"])
    return Observation(Seen(facts, clues), trials, None, bool(told["ran"]), refusal)


def _refused(
    message: str, mistake: str | None, status: str, error: str, clue: str | None
) -> Refused:
    status = "todo" if status == "todo" else "wrong"
    return Refused(str(message), mistake, status, str(error), clue)
