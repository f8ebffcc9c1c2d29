"""Which wrong answers the checks let through; results in ``results/mutation.md``.

    python benchmarks/mutation.py 01 05 --jobs 2
    python benchmarks/mutation.py --question conv-2d --list other

Each answer of the solutions is changed in every small way (`mutants`) and judged by the test cells
of its question, on the visible and on the hidden seed. A mutant that is told right should be killed
by better inputs of its check; one that no input can tell from the solution is listed, with the
reason, in ``equivalent_mutants.csv``. A number that is computed otherwise but equal, ``3 * 5`` for
``15``, is equivalent without being listed. Needs `os.fork`: Linux, macOS, or WSL.

A refusal is counted as named where the student reads in French what is wrong, of three kinds:

- a known mistake: one of the list of its check, told by its own sentence; also an argument that was
  modified, a time limit, gradients left off;
- a clue: no mistake of the list, but a sentence computed from the values says what they have in
  common with the right ones (a sign, a factor, a term, an axis, another argument, a slip in the
  formula) or which part is wrong where the rest is right; or a fact was seen (a network left in
  eval mode, windows cut in one place); or the function has no return;
- an error explained: the student's own line, and a sentence about that very error.

Never counted as named: « trop petit » or « trop grand » alone, with or without its index; the
words of Python's error alone, or with the meaning of its class; two shapes, or a type, without
more; cells left to fill. A clue says how the values are wrong, not why: it is worth less than a
known mistake, hence the columns apart.
"""

import argparse
import ast
import contextlib
import csv
import io
import multiprocessing
import os
import resource
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from common import write_report
from mutants import Mutant, mutants

from tp_cnn.authoring import blanks, editions
from tp_cnn.authoring.source import Source, read_sources
from tp_cnn.checks.engine.framework import Verdict
from tp_cnn.display import markdown_table
from tp_cnn.errors import CourseError
from tp_cnn.grading.grade import grading_parameters
from tp_cnn.grading.selection import needed

SECONDS = 10  # of processor for one mutant; the solutions take 0.1
MEMORY = 16 * 2**30  # bytes of addresses; torch alone takes some 5
FORK = multiprocessing.get_context("fork")
ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "",  # autograd on a GPU does not survive a fork
    "MPLBACKEND": "agg",
    "TP_CNN_DOWNLOAD": "0",
    "TP_CNN_PROGRESS": "0",
}
KINDS = {  # what becomes of a mutant -> the heading of its column
    "named": "a known mistake",
    "clue": "a clue",
    "explained": "an error explained",
    "error": "an error only",
    "obstacle": "a shape, a type, to do",
    "other": "a value only",
    "limit": "by limit",
    "equivalent": "equivalent",
    "accepted": "accepted",
}
# `Verdict.mistake` also says what stood in the way; these are no names of a mistake.
NAMED = ("named", "clue", "explained")
OBSTACLES = {
    None: "other",
    "exception": "error",
    "signature": "error",
    "type": "obstacle",
    "shape": "obstacle",
    "not-finite": "obstacle",
}
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.csv")


@dataclass(frozen=True)
class Trial:
    """A mutant of an answer, and what became of it."""

    notebook: str
    question: str
    answer: str
    mutant: Mutant
    kind: str = ""
    only_hidden: bool = False  # right for the visible test, wrong for the hidden one

    @property
    def key(self) -> tuple[str, str]:
        return self.answer, self.mutant.change


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("notebooks", nargs="*", help="numbers, such as 01; by default all")
    parser.add_argument("--question", help="only the question of this identifier")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--list", nargs="+", choices=KINDS, default=["accepted"])
    options = parser.parse_args()
    start = time.perf_counter()
    done = []
    for source in read_sources(options.notebooks):
        trials = [one for one in trials_of(source) if options.question in (None, one.question)]
        done += judge_all(source, trials, options.jobs) if trials else []
    if not done:
        raise SystemExit(f"no question called {options.question!r} has an answer to change")
    done = [without_equivalent(one, read_equivalent()) for one in done]
    text = table(done) + "".join(listed(done, kind) for kind in options.list) + hidden(done)
    whole = not options.notebooks and not options.question and options.list == ["accepted"]
    if not whole:  # the report is of the whole course
        print(text)
        return
    seconds = f"{time.perf_counter() - start:.0f} s with {options.jobs} processes"
    write_report("mutation", "What the checks say of mutants", text, [seconds])


def trials_of(source: Source) -> list[Trial]:
    """Every mutant of every code answer of a notebook."""
    return [
        Trial(source.name, question.id, cell.id, mutant)
        for question in source.questions
        for cell in question.cells
        if cell.role == "answer" and cell.type == "code"
        for mutant in mutants(_solution(cell))
    ]


def judge_all(source: Source, trials: list[Trial], jobs: int) -> list[Trial]:
    """Say what becomes of each trial, in their order.

    Raises:
        CourseError: the solution itself is not told right here.
    """
    cells = {one.id: [c for c in one.cells if c.type == "code"] for one in source.questions}
    with mock.patch.dict(os.environ, ENVIRONMENT | grading_parameters(source)), _one_thread():
        namespace = execute(source)
        for name in dict.fromkeys(one.question for one in trials):
            kind, _ = judge(cells[name], {}, namespace)
            if kind != "accepted":
                raise CourseError(f"{name}: the solution is not told right ({kind})")
        tasks = [(cells[one.question], {one.answer: one.mutant.code}, namespace) for one in trials]
        found = dict(isolated(tasks, jobs))
    return [
        replace(one, kind=found[index][0], only_hidden=found[index][1])
        for index, one in enumerate(trials)
    ]


def execute(source: Source) -> dict:
    """The names that a notebook's answers and tests find, with the solution's answers."""
    namespace = {"__name__": "__main__"}
    for cell in needed(editions.notebook(source, "solution").cells):
        with _silence():
            exec(cell.source, namespace)
    return namespace


def judge(cells: list, changed: dict[str, str], namespace: dict) -> tuple[str, bool]:
    """Execute a question's code with some answers ``changed``; say what its tests found.

    Returns:
        A key of `KINDS`, and whether only the hidden test refused.
    """
    visible, hidden = [], []
    solution = dict(namespace)
    with _silence():
        try:
            for cell in cells:
                if cell.role == "test":
                    for call in check_calls(cell.text):
                        verdicts = hidden if "seed=" in call else visible
                        verdicts.append(eval(call, namespace))
                else:
                    exec(changed.get(cell.id, _solution(cell)), namespace)
                    exec(_solution(cell), solution)
        except Exception:
            return "error", False
    wrong = [verdict for verdict in visible + hidden if not verdict.ok]
    if not wrong:
        codes = [_solution(cell) for cell in cells if cell.id in changed]
        same = bool(codes) and all(_same_values(code, namespace, solution) for code in codes)
        return ("equivalent" if same else "accepted"), False
    first = wrong[0]
    return kind_of(first), all(verdict.ok for verdict in visible)


def kind_of(verdict: Verdict) -> str:
    """How a refusal is counted: a key of `KINDS`."""
    todo = verdict.status == "todo"
    kind = "obstacle" if todo else OBSTACLES.get(verdict.mistake, "named")
    if kind == "error":
        return "explained" if verdict.clue else "error"
    return "clue" if verdict.clue and kind != "named" else kind


def _same_values(code: str, found: dict, solution: dict) -> bool:
    """Whether a cell without functions binds the same values in both namespaces."""
    tree = ast.parse(code)
    if not all(isinstance(statement, ast.Assign) for statement in tree.body):
        return False
    stored = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    names = {node.id for node in stored if isinstance(node.ctx, ast.Store) and node.id in found}
    return all(np.all(found[name] == solution[name]) for name in names)


def check_calls(test: str) -> list[str]:
    """The calls of a test cell to the module `check`, each once."""
    calls = [
        ast.unparse(node)
        for node in ast.walk(ast.parse(test))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("check.")
    ]
    return sorted(set(calls), key=len)  # without seed first


def _solution(cell) -> str:
    return blanks.teacher(cell.text, cell.region, cell.where)


def isolated(tasks: list[tuple], jobs: int) -> Iterator[tuple[int, tuple[str, bool]]]:
    """`judge` each task in a process of its own, ``jobs`` at a time; yields (index, result)."""
    waiting = list(enumerate(tasks))[::-1]
    running = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            index, task = waiting.pop()
            receive, send = FORK.Pipe(duplex=False)
            child = FORK.Process(target=_child, args=(send, *task))
            child.start()
            send.close()
            running[receive] = index, child
        for receive in wait(list(running)):
            index, child = running.pop(receive)
            try:
                yield index, receive.recv()
            except EOFError:  # killed by a limit, or crashed
                yield index, ("limit", False)
            child.join()


def _child(send, *task) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
    with contextlib.suppress(ValueError, OSError):  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    signal.alarm(10 * SECONDS)  # one that sleeps
    send.send(judge(*task))


@contextlib.contextmanager
def _one_thread():
    """A pool of threads does not survive a fork."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@contextlib.contextmanager
def _silence():
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def read_equivalent() -> dict[tuple[str, str], str]:
    """(answer, change) -> why no check can tell this mutant from the solution."""
    with EQUIVALENT.open(encoding="utf-8", newline="") as file:
        return {(row["answer"], row["change"]): row["reason"] for row in csv.DictReader(file)}


def without_equivalent(trial: Trial, known: dict) -> Trial:
    listed = trial.kind == "accepted" and trial.key in known
    return replace(trial, kind="equivalent") if listed else trial


def table(trials: list[Trial]) -> str:
    """A line a question, then the total and its shares."""
    rows = []
    for name in dict.fromkeys((one.notebook, one.question) for one in trials):
        rows.append([*name, *_counts([t for t in trials if (t.notebook, t.question) == name])])
    total = _counts(trials)
    kinds = Counter(one.kind for one in trials)
    refused = sum(kinds[kind] for kind in KINDS if kind not in ("equivalent", "accepted"))
    named = sum(kinds[kind] for kind in NAMED)
    rows.append(["total", "", *total])
    rows.append(["share", "", *(f"{100 * count / total[0]:.1f} %" for count in total)])
    shares = f"{100 * named / total[0]:.1f} % of the mutants, {100 * named / refused:.1f} % of"
    text = f"\n\nNamed, in one of the three ways: {named}, {shares} those refused.\n"
    return markdown_table(["notebook", "question", "mutants", *KINDS.values()], rows) + text


def _counts(trials: list[Trial]) -> list[int]:
    counts = Counter(one.kind for one in trials)
    return [len(trials), *(counts[kind] for kind in KINDS)]


def listed(trials: list[Trial], kind: str) -> str:
    lines = [f"- {one.answer}: `{one.mutant.change}`" for one in trials if one.kind == kind]
    return "\n".join([f"\n\n## {KINDS[kind].capitalize()}: {len(lines)}\n", *lines])


def hidden(trials: list[Trial]) -> str:
    lines = [f"- {one.answer}: `{one.mutant.change}`" for one in trials if one.only_hidden]
    title = f"\n\n## Right for the visible test, refused by the hidden one: {len(lines)}\n"
    return "\n".join([title, *lines, ""])


if __name__ == "__main__":
    main()
