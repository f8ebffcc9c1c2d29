"""Broken, odd and hostile submissions, and what must come of each.

A test lays them out in one folder, grades it in the sandbox, and asks `breaches` of each outcome:

>>> cases = bestiary(source, World(outside, port, submissions))
>>> for case in cases.values():
...     case.write(submissions)

``outside`` is a folder that no student may touch: put a secret file there, and `World.secret` in
the environment, before grading; a listener on ``port`` must never be called.
"""

import copy
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.grading.hostile_cells import LOST, SPIES, TOLD
from tests.grading.mistreated import (
    IMAGE,
    SCRIPT,
    active_outputs,
    append,
    as_bytes,
    bound_names,
    cell_of,
    each_cell,
    huge_outputs,
    link,
    old_format,
    own_kernel,
    own_points,
    pipe,
    place_of,
    rename,
    strip,
    take_out,
    twice,
    wrap,
    writer,
    zipped,
)
from tp_cnn.authoring import editions
from tp_cnn.authoring.source import Source
from tp_cnn.grading.model import STATUS, Outcome

GRADED, FLAGGED, REFUSED = {"graded"}, {"suspicious"}, {"not-graded"}
EITHER = GRADED | FLAGGED


@dataclass(frozen=True)
class World:
    """What lies around the sandbox."""

    outside: Path
    port: int
    submissions: Path
    secret: str = "SECRET-DU-BESTIAIRE"


@dataclass(frozen=True)
class Case:
    """A submission and what must come of it."""

    student: str  # as the outcome names them
    write: Callable[[Path], None]  # writes the student's folder into the one it is given
    statuses: set[str]  # one of them must be the outcome's
    words: tuple[str, ...] = ()  # each stands in its reasons, repairs or notes
    points: tuple[float, float] | None = None  # at least, at most, of the tests
    unearned: float | None = None  # unless suspicious, the tests give at most this
    absent: tuple[str, ...] = ()  # must stand in nothing that the outcome says
    inactive: tuple[str, ...] = ()  # must stand as such in no page
    untouched: tuple[Path, ...] = field(default=())  # must not exist afterwards


def breaches(case: Case, outcome: Outcome, pages: Path) -> list[str]:
    """What must not have happened, and did; ``pages`` is the folder that grading wrote."""
    found = []
    earned = sum(mark.automatic or 0 for mark in outcome.marks if not mark.by_hand)
    said = "\n".join([*outcome.reasons, *outcome.repairs, *outcome.notes])
    if outcome.status not in case.statuses:
        found.append(f"status {outcome.status}, expected one of {case.statuses}: {said}")
    if outcome.status in ("suspicious", "not-graded", "missing") and not outcome.reasons:
        found.append(f"{STATUS[outcome.status]} without a reason")
    found += [f"{word!r} is not said: {said}" for word in case.words if word not in said]
    if case.points and not case.points[0] <= earned <= case.points[1]:
        found.append(f"{earned:g} points, expected {case.points}: {said}")
    if case.unearned is not None and outcome.status == "graded" and earned > case.unearned:
        found.append(f"{earned:g} points, of which at most {case.unearned:g} are earned")
    everything = said + "\n".join(text for mark in outcome.marks for text in mark.messages)
    found += [f"{text!r} leaked" for text in case.absent if text in everything]
    found += [f"{path} was touched" for path in case.untouched if path.exists()]
    for page in pages.rglob("*.html") if case.inactive else ():
        text = page.read_text(encoding="utf-8")
        found += [f"{one!r} in {page.name}" for one in case.inactive if one in text]
    return found


def bestiary(source: Source, world: World) -> dict[str, Case]:
    """Every kind of submission, made for a notebook."""
    maker = Maker(source, world)
    cases = [*maker.honest(), *maker.odd(), *maker.broken(), *maker.files(), *maker.hostile()]
    named = dict(cases)
    assert len(named) == len(cases)
    return named


class Maker:
    def __init__(self, source: Source, world: World):
        self.world, self.name, self.path = world, f"{source.name}.ipynb", source.path.resolve()
        self.blank = json.loads(json.dumps(editions.notebook(source, "student")))
        solution = {c.id: c for c in editions.notebook(source, "solution").cells}
        self.right = copy.deepcopy(self.blank)
        for cell in self.right["cells"]:
            if cell["metadata"].get("nbgrader", {}).get("solution"):
                written = cell["cell_type"] == "markdown"
                cell["source"] = (
                    f"Ma réponse à {cell['id']}." if written else solution[cell["id"]].source
                )
        tests = [c for c in source.cells if c.role == "test"]
        self.full = sum(test.points for test in tests)
        self.answers = [c.id for c in source.cells if c.role == "answer" and c.type == "code"]
        self.texts = [c.id for c in source.cells if c.role == "answer" and c.type == "markdown"]
        self.test = tests[0].id
        hidden = re.findall(r"### BEGIN HIDDEN TESTS\n(.+)", "\n".join(t.text for t in tests))
        self.hidden = tuple(hidden[:1])

    def case(self, name, notebook, statuses, *words, file="", **more) -> tuple[str, Case]:
        content = notebook if isinstance(notebook, bytes) else as_bytes(notebook)
        return name, Case(name, writer(name, {file or self.name: content}), statuses, words, **more)

    def changed(self, change, notebook=None):
        """A copy of the right notebook, or of another one, after ``change``."""
        new = copy.deepcopy(notebook or self.right)
        change(new)
        return new

    def with_code(self, code: str, notebook=None):
        """A notebook whose first answer begins with ``code``: answers are always executed."""
        place = {"TRAP": self.world.outside, "SOURCE": self.path, "PORT": self.world.port}
        place["SUBMISSIONS"] = self.world.submissions
        for word, value in place.items():
            code = code.replace(word, str(value))
        new = copy.deepcopy(notebook or self.right)
        answer = cell_of(new, self.answers[0])
        answer["source"] = f"{code.strip(chr(10))}\n\n{answer['source']}"
        return new

    def with_cells(self, *sources: str):
        """The right notebook with more cells, before the first test."""
        new = copy.deepcopy(self.right)
        place = place_of(new, self.answers[0]) + 1
        for number, source in enumerate(sources):
            cell = {"cell_type": "code", "metadata": {}, "source": source, "id": f"mien{number}"}
            new["cells"].insert(place, cell | {"outputs": [], "execution_count": None})
        return new

    def honest(self):
        full = (self.full, self.full)
        half = copy.deepcopy(self.blank)
        cell_of(half, self.answers[0])["source"] = cell_of(self.right, self.answers[0])["source"]
        yield self.case("perfect", self.right, GRADED, points=full)
        yield self.case("half", half, GRADED, points=(0.01, self.full - 0.01))
        yield self.case("unanswered", self.blank, GRADED, points=(0, 0))
        noisy = self.changed(lambda n: wrap(cell_of(n, self.answers[0])))
        yield self.case("warns", noisy, GRADED, points=full)
        yield self.case(
            "wrong-file-name", self.right, GRADED, file="Sans titre (2).ipynb", points=full
        )
        folder, shown = "Zoé  d'Été « 😀 » \u202eNOËL\n2", "Zoé d'Été « 😀 » NOËL 2"
        write = writer(folder, {self.name: as_bytes(self.right)})
        yield "strange-name", Case(shown, write, GRADED, points=full)

    def odd(self):
        """Right answers in notebooks that editors and students have mistreated."""

        def each(name, change, *words):
            return self.case(name, self.changed(change), GRADED, *words, points=(self.full,) * 2)

        answer, test = self.answers[0], self.test
        yield each("duplicated-cell", lambda n: twice(n, answer), "double", answer)
        yield each("duplicated-test", lambda n: twice(n, test), "double", test)
        yield each("deleted-test", lambda n: take_out(n, test), "supprimées", test)
        yield each("edited-test", lambda n: cell_of(n, test).update(source="3"), "modifiées", test)
        yield each("ids-removed", lambda n: each_cell(n, lambda c: c.pop("id")), "métadonnées")
        yield each("stripped", lambda n: each_cell(n, strip), "contenu et place")
        yield each("ids-renamed", lambda n: each_cell(n, rename), "métadonnées")
        yield each("one-id", lambda n: each_cell(n, lambda c: c.update(id="x")), "métadonnées")
        yield each("own-points", lambda n: own_points(cell_of(n, test)), "notation")
        yield each("own-kernel", own_kernel, "noyau")
        yield each("old-format", old_format, "nbformat 3")
        yield each("moved-cell", lambda n: n["cells"].append(take_out(n, answer)), "ordre")
        yield each("as-text", lambda n: cell_of(n, answer).update(cell_type="markdown"), "type")
        many = [{"cell_type": "code", "metadata": {}, "source": f"x{i} = 1"} for i in range(5000)]
        experiment = "import time\nfor epochs in range(100):\n    time.sleep(10)"
        own = self.with_cells(experiment)
        told = "personnelles dont aucune réponse ne dépend, non exécutées : 1"
        yield self.case("own-experiment", own, GRADED, told, points=(self.full,) * 2)
        shadows = self.with_code("check = 3\ngrade = check + 1")
        yield self.case("shadows-the-checks", shadows, GRADED, points=(self.full,) * 2)
        longer = self.changed(lambda n: n["cells"].extend(many))
        yield self.case("thousands-of-cells", longer, FLAGGED, "5000", points=(self.full,) * 2)
        block = "".join(" " * depth + "with x:\n" for depth in range(95)) + " " * 95 + "1\n"
        deep = [f"{block * (190_000 // len(block))}# {number}" for number in range(100)]
        nested = self.with_cells(*deep)
        yield self.case("20-megabytes", nested, FLAGGED, "100", points=(self.full,) * 2)
        cheat = self.changed(lambda n: cell_of(n, test).update(source=f"{self.full}"), self.blank)
        yield self.case("only-the-test-edited", cheat, GRADED, test, points=(0, 0))

    def broken(self):
        text = as_bytes(self.right)
        yield self.case("truncated", text[: len(text) // 2], REFUSED, "JSON")
        yield self.case("empty-file", b"", REFUSED, "vide")
        yield self.case("no-notebook", b"[1, 2]", REFUSED, "pas un notebook")
        yield self.case("nested", b"[" * 500_000, REFUSED, "imbriqué")
        yield self.case("renamed-pdf", b"%PDF-1.7 ...", REFUSED, "PDF")
        cells = [{"cell_type": "code", "metadata": {}, "source": "import pandas as pd\npd"}]
        yield self.case("another-course", {"cells": cells, "metadata": {}}, REFUSED, "notebook «")

    def files(self):
        full, text, name = (self.full, self.full), as_bytes(self.right), self.name
        archive = zipped({f"tp/{name}": text, "tp/data/x.png": b""})

        def case(key, files, statuses, *words, **more):
            return key, Case(key, writer(key, files), statuses, words, **more)

        yield case("empty-folder", {}, {"missing"}, "vide")
        yield case("a-pdf", {"compte rendu.pdf": b"%PDF"}, REFUSED, "PDF")
        yield case(
            "two-versions",
            {name: text, "brouillon.ipynb": b"{}"},
            GRADED,
            "autre version",
            points=full,
        )
        yield case("zipped", {"rendu.zip": archive}, GRADED, points=full)
        yield case("zip-bomb", {"rendu.zip": zipped({name: bytes(40_000_000)})}, REFUSED, "bombe")
        yield case("zip-out", {"rendu.zip": zipped({f"../../{name}": text})}, REFUSED, "sort de")
        yield case(
            "checkpoints",
            {f".ipynb_checkpoints/{name}": b"{}", f"a/{name}": text},
            GRADED,
            points=full,
        )
        built = self.path.with_suffix(".ipynb")
        links = {
            "symlink": ("lien", lambda where: link(where / "symlink" / name, built)),
            "linked-folder": ("lien", lambda where: link(where / "linked-folder", built.parent)),
            "pipe": ("tube", lambda where: pipe(where / "pipe" / name)),
        }
        for key, (word, write) in links.items():
            yield key, Case(key, write, REFUSED, (word,))

    def hostile(self):
        outside = self.world.outside
        for name, code in TOLD.items():
            touched = tuple(outside / one for one in ("at-exit", "shell", "bash", "daemon"))
            yield self.case(name, self.with_code(code, self.blank), FLAGGED, untouched=touched)
        for name, code in LOST.items():
            touched = (outside / "written-outside", self.path.parent / "written-outside")
            notebook = self.with_code(code, self.blank)
            yield self.case(name, notebook, EITHER, unearned=0, untouched=touched)
        secrets = (self.world.secret, "BEGIN HIDDEN", *self.hidden, "Ma réponse à")
        for name, code in SPIES.items():
            spying = self.with_code(code)
            wrap(cell_of(spying, self.answers[0]), "print(*spied())")
            yield self.case(name, spying, EITHER, absent=secrets)
        equal = "class Equal:\n    def __eq__(self, other):\n        return True\n"
        equal += "    def __call__(self, *arguments, **options):\n        return self\n\n"
        names = bound_names(cell_of(self.right, self.answers[0])["source"])
        equal += " = ".join([*names, "Equal()"])
        always = copy.deepcopy(self.blank)
        cell_of(always, self.answers[0])["source"] = equal
        yield self.case("equal-to-all", always, FLAGGED, "__eq__")
        yield self.script("script-in-text", lambda n: append(n, self.texts, f"{SCRIPT}\n\n{IMAGE}"))
        yield self.script(
            "script-in-code", lambda n: append(n, self.answers[:1], f'"""{SCRIPT}"""')
        )
        yield self.script("script-in-outputs", lambda n: each_cell(n, active_outputs))
        fails = f"raise ValueError({IMAGE!r})"
        yield self.script("script-in-errors", lambda n: wrap(cell_of(n, self.answers[0]), fails))
        yield self.script("huge-picture-saved", lambda n: each_cell(n, huge_outputs))

    def script(self, name, change):
        return self.case(name, self.changed(change), EITHER, inactive=(SCRIPT, IMAGE))
