"""Broken, odd and hostile submissions, and what must come of each.

A test lays them out in one folder, grades it in the sandbox, and asks `breaches` of each outcome:

>>> cases = bestiary(source, World(outside, port, submissions))
>>> for case in cases.values():
...     case.write(submissions)

``outside`` is a folder that no student may touch: put a secret file there, and `World.secret` in
the environment, before grading; a listener on ``port`` must never be called.
"""

import ast
import base64
import copy
import io
import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hostile_cells import LOST, SPIES, TOLD

from tp_cnn.course import editions
from tp_cnn.course.grading.model import STATUS, Outcome
from tp_cnn.course.source import Source

SCRIPT = "<script>alert('bestiaire')</script>"
IMAGE = "<img src=x onerror=alert('bestiaire')>"
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
        hidden = [
            test.text.split("### BEGIN HIDDEN TESTS")[1] for test in tests if "HIDDEN" in test.text
        ]
        self.hidden = tuple(hidden[0].split("### END")[0].strip().splitlines()[:1])

    def case(self, name, notebook, statuses, *words, file="", **more) -> tuple[str, Case]:
        content = notebook if isinstance(notebook, bytes) else _bytes(notebook)
        return name, Case(
            name, _writer(name, {file or self.name: content}), statuses, words, **more
        )

    def changed(self, change, notebook=None):
        """A copy of the right notebook, or of another one, after ``change``."""
        new = copy.deepcopy(notebook or self.right)
        change(new)
        return new

    def with_cell(self, code: str, notebook=None):
        """A notebook with one more cell, before the first test."""
        place = {"TRAP": self.world.outside, "SOURCE": self.path, "PORT": self.world.port}
        place["SUBMISSIONS"] = self.world.submissions
        for word, value in place.items():
            code = code.replace(word, str(value))
        new = {"cell_type": "code", "metadata": {}, "source": code.strip("\n"), "id": "mien"}
        new |= {"outputs": [], "execution_count": None}
        return self.changed(
            lambda n: n["cells"].insert(_place(n, self.answers[0]) + 1, new), notebook
        )

    def honest(self):
        full = (self.full, self.full)
        half = self.changed(lambda n: None, self.blank)
        _cell(half, self.answers[0])["source"] = _cell(self.right, self.answers[0])["source"]
        yield self.case("perfect", self.right, GRADED, points=full)
        yield self.case("half", half, GRADED, points=(0.01, self.full - 0.01))
        yield self.case("unanswered", self.blank, GRADED, points=(0, 0))
        noisy = self.changed(lambda n: _wrap(_cell(n, self.answers[0])))
        yield self.case("warns", noisy, GRADED, points=full)
        yield self.case(
            "wrong-file-name", self.right, GRADED, file="Sans titre (2).ipynb", points=full
        )
        folder, shown = "Zoé  d'Été « 😀 » \u202eNOËL\n2", "Zoé d'Été « 😀 » NOËL 2"
        write = _writer(folder, {self.name: _bytes(self.right)})
        yield "strange-name", Case(shown, write, GRADED, points=full)

    def odd(self):
        """Right answers in notebooks that editors and students have mistreated."""

        def each(name, change, *words, statuses=GRADED):
            return self.case(name, self.changed(change), statuses, *words, points=(self.full,) * 2)

        answer, test = self.answers[0], self.test
        yield each("duplicated-cell", lambda n: _twice(n, answer), "double", answer)
        yield each("duplicated-test", lambda n: _twice(n, test), "double", test)
        yield each("deleted-test", lambda n: n["cells"].remove(_cell(n, test)), "supprimées", test)
        yield each("edited-test", lambda n: _cell(n, test).update(source="3"), "modifiées", test)
        yield each("ids-removed", lambda n: _each(n, lambda c: c.pop("id")), "métadonnées")
        yield each("stripped", lambda n: _each(n, _strip), "contenu et place")
        yield each(
            "ids-renamed", lambda n: _each(n, lambda c: c.update(id=f"x-{c['id']}")), "métadonnées"
        )
        yield each("one-id", lambda n: _each(n, lambda c: c.update(id="x")), "métadonnées")
        yield each("own-points", lambda n: _own_points(_cell(n, test)), "notation")
        yield each("own-kernel", _own_kernel, "noyau")
        yield each("old-format", _old_format, "nbformat 3")
        yield each(
            "moved-cell", lambda n: n["cells"].append(n["cells"].pop(_place(n, answer))), "ordre"
        )
        yield each("as-text", lambda n: _cell(n, answer).update(cell_type="markdown"), "type")
        many = [{"cell_type": "code", "metadata": {}, "source": f"x{i} = 1"} for i in range(5000)]
        yield each(
            "thousands-of-cells", lambda n: n["cells"].extend(many), "5000", statuses=FLAGGED
        )
        cheat = self.changed(lambda n: _cell(n, test).update(source=f"{self.full}"), self.blank)
        yield self.case("only-the-test-edited", cheat, GRADED, test, points=(0, 0))

    def broken(self):
        text = _bytes(self.right)
        yield self.case("truncated", text[: len(text) // 2], REFUSED, "JSON")
        yield self.case("empty-file", b"", REFUSED, "vide")
        yield self.case("no-notebook", b"[1, 2]", REFUSED, "pas un notebook")
        yield self.case("nested", b"[" * 500_000, REFUSED, "imbriqué")
        yield self.case("renamed-pdf", b"%PDF-1.7 ...", REFUSED, "PDF")
        cells = [{"cell_type": "code", "metadata": {}, "source": "import pandas as pd\npd"}]
        yield self.case("another-course", {"cells": cells, "metadata": {}}, REFUSED, "notebook «")

    def files(self):
        full, text, name = (self.full, self.full), _bytes(self.right), self.name
        zipped = _zip({f"tp/{name}": text, "tp/data/x.png": b""})

        def case(key, files, statuses, *words, **more):
            return key, Case(key, _writer(key, files), statuses, words, **more)

        yield case("empty-folder", {}, {"missing"}, "vide")
        yield case("a-pdf", {"compte rendu.pdf": b"%PDF"}, REFUSED, "PDF")
        yield case(
            "two-versions",
            {name: text, "brouillon.ipynb": b"{}"},
            GRADED,
            "autre version",
            points=full,
        )
        yield case("zipped", {"rendu.zip": zipped}, GRADED, points=full)
        yield case("zip-bomb", {"rendu.zip": _zip({name: bytes(40_000_000)})}, REFUSED, "bombe")
        yield case("zip-out", {"rendu.zip": _zip({f"../../{name}": text})}, REFUSED, "sort de")
        yield case(
            "checkpoints",
            {f".ipynb_checkpoints/{name}": b"{}", f"a/{name}": text},
            GRADED,
            points=full,
        )
        built = self.path.with_suffix(".ipynb")
        links = {
            "symlink": ("lien", lambda where: _link(where / "symlink" / name, built)),
            "linked-folder": ("lien", lambda where: _link(where / "linked-folder", built.parent)),
            "pipe": ("tube", lambda where: _pipe(where / "pipe" / name)),
        }
        for key, (word, write) in links.items():
            yield key, Case(key, write, REFUSED, (word,))

    def hostile(self):
        outside = self.world.outside
        for name, code in TOLD.items():
            touched = tuple(outside / one for one in ("at-exit", "shell", "bash", "daemon"))
            yield self.case(name, self.with_cell(code, self.blank), FLAGGED, untouched=touched)
        for name, code in LOST.items():
            touched = (outside / "written-outside", self.path.parent / "written-outside")
            notebook = self.with_cell(code, self.blank)
            yield self.case(name, notebook, EITHER, unearned=0, untouched=touched)
        secrets = (self.world.secret, "BEGIN HIDDEN", *self.hidden, "Ma réponse à")
        for name, code in SPIES.items():
            spying = self.with_cell(code)
            _wrap(_cell(spying, self.answers[0]), "print(*spied())")
            yield self.case(name, spying, EITHER, absent=secrets)
        equal = "class Equal:\n    def __eq__(self, other):\n        return True\n"
        equal += "    def __call__(self, *arguments, **options):\n        return self\n\n"
        names = _names(_cell(self.right, self.answers[0])["source"])
        equal += " = ".join([*names, "Equal()"])
        always = self.changed(lambda n: _cell(n, self.answers[0]).update(source=equal), self.blank)
        yield self.case("equal-to-all", always, FLAGGED, "__eq__")
        yield self.script("script-in-text", lambda n: _write(n, self.texts, f"{SCRIPT}\n\n{IMAGE}"))
        yield self.script(
            "script-in-code", lambda n: _write(n, self.answers[:1], f'"""{SCRIPT}"""')
        )
        yield self.script("script-in-outputs", lambda n: _each(n, _active_outputs))
        fails = f"raise ValueError({IMAGE!r})"
        yield self.script("script-in-errors", lambda n: _wrap(_cell(n, self.answers[0]), fails))
        yield self.script("huge-picture-saved", lambda n: _each(n, _huge_outputs))

    def script(self, name, change):
        return self.case(name, self.changed(change), EITHER, inactive=(SCRIPT, IMAGE))


def _bytes(notebook) -> bytes:
    return json.dumps(notebook, ensure_ascii=False).encode()


def _writer(student: str, files: dict[str, bytes]) -> Callable[[Path], None]:
    def write(submissions: Path) -> None:
        folder = submissions / student
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)

    return write


def _link(path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def _pipe(path: Path) -> None:
    path.parent.mkdir(parents=True)
    os.mkfifo(path)


def _zip(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def _place(notebook, name: str) -> int:
    return next(i for i, cell in enumerate(notebook["cells"]) if cell["id"] == name)


def _cell(notebook, name: str) -> dict:
    return notebook["cells"][_place(notebook, name)]


def _each(notebook, change) -> None:
    for cell in notebook["cells"]:
        change(cell)


def _write(notebook, names: list[str], text: str) -> None:
    for name in names:
        _cell(notebook, name)["source"] += f"\n\n{text}"


def _twice(notebook, name: str) -> None:
    notebook["cells"].insert(_place(notebook, name), copy.deepcopy(_cell(notebook, name)))


def _strip(cell: dict) -> None:
    cell.pop("id")
    cell["metadata"] = {}


def _own_points(cell: dict) -> None:
    cell["metadata"]["nbgrader"]["points"] = 1000


def _own_kernel(notebook) -> None:
    notebook["metadata"]["kernelspec"] = {"name": "bash", "display_name": "x", "language": "bash"}


def _old_format(notebook) -> None:
    cells = notebook.pop("cells")
    for cell in cells:
        if cell["cell_type"] == "code":
            cell["input"] = cell.pop("source")
    notebook.update(nbformat=3, nbformat_minor=0, worksheets=[{"cells": cells, "metadata": {}}])


def _names(code: str) -> list[str]:
    """The functions and variables that a cell binds."""
    body = ast.parse(code).body
    functions = [node.name for node in body if isinstance(node, ast.FunctionDef)]
    targets = [t for node in body if isinstance(node, ast.Assign) for t in node.targets]
    return functions + [target.id for target in targets if isinstance(target, ast.Name)]


def _wrap(cell: dict, statement: str = 'warnings.warn("attention")') -> None:
    """Have the functions of an answer do something more each time that they are called."""
    body = ast.parse(cell["source"]).body
    names = [node.name for node in body if isinstance(node, ast.FunctionDef)]
    lines = [
        "import functools, sys, warnings",
        "def more(function):",
        "    @functools.wraps(function)",
        "    def inner(*arguments, **options):",
        f"        {statement}",
        '        print("bruit", file=sys.stderr)',
        "        return function(*arguments, **options)",
        "    return inner",
        *(f"{name} = more({name})" for name in names),
    ]
    cell["source"] += "\n\n" + "\n".join(lines)


def _output(kind: str, data: str) -> dict:
    return {"output_type": "display_data", "metadata": {}, "data": {kind: data}}


def _active_outputs(cell: dict) -> None:
    if cell["cell_type"] == "code":
        kinds = ("text/html", "image/svg+xml", "text/markdown", "text/plain")
        error = {"output_type": "error", "ename": SCRIPT, "evalue": IMAGE, "traceback": [SCRIPT]}
        cell["outputs"] = [*(_output(kind, SCRIPT + IMAGE) for kind in kinds), error]


def _huge_outputs(cell: dict) -> None:
    if cell["cell_type"] == "code" and not cell["metadata"]:
        picture = b"\x89PNG\r\n\x1a\n" + bytes(8) + (60_000).to_bytes(4, "big") * 2 + bytes(10_000)
        cell["outputs"] = [_output("image/png", base64.b64encode(picture).decode())]
