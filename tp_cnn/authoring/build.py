"""Builds a text source into the notebook of students, the solution and the graded assignment."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tp_cnn.authoring import run
from tp_cnn.authoring.colab import INSTALLATION_ID
from tp_cnn.authoring.editions import find_leaks, notebook, serialise
from tp_cnn.authoring.markers import Cell
from tp_cnn.authoring.source import Source, project_root, read_sources
from tp_cnn.errors import CourseError
from tp_cnn.files import atomic_write

CELL_TIMEOUT = 3600  # seconds; an author's full training may be long
NOTEBOOK_TIMEOUT = 4 * 3600
LARGEST_NOTEBOOK = 1_500_000  # bytes
LARGE_CELL = 300_000
MACHINE_PATH = re.compile(
    r"(?<![\w.:/+])/(?:home|Users|root|tmp|private|var/folders)/\S*|\b[A-Z]:\\+Users\\\S*"
)


@dataclass
class Built:
    """What building one source did."""

    name: str
    seconds: float
    executed: bool
    notes: list[str] = field(default_factory=list)  # what deserves the author's attention


def build(
    names: list[str] | None = None, root: Path | None = None, execute: bool = True
) -> list[Built]:
    """Build the sources called ``names`` (by default all) of the course in ``root``.

    Writes ``notebooks/NAME.ipynb`` and, executed, ``solutions/NAME.ipynb``. With ``execute=False``
    the outputs of the last execution are kept, where no code cell has changed since.

    Raises:
        CourseError: a source is refused, its solution fails, or its outputs may not be published.
    """
    root = root or project_root()
    sources = read_sources(names, root)
    if not sources:
        raise CourseError(f"no source in {root.name}/solutions; expected files NN_slug.py")
    return [_build(source, root, execute) for source in sources]


def _build(source: Source, root: Path, execute: bool) -> Built:
    start = time.monotonic()
    student = notebook(source, "student")
    leaks = find_leaks(source, student)
    if leaks:
        raise CourseError(f"{source.name}: the student notebook would show {leaks[0]!r}")
    _write(student, root / "notebooks" / f"{source.name}.ipynb")
    solution = notebook(source, "solution")
    path = root / "solutions" / f"{source.name}.ipynb"
    notes = []
    if execute:
        _execute(source, solution, root)
    elif not _reuse_outputs(solution, path):
        note = "its code has changed: solution not built, build it without --no-execute"
        return Built(source.name, time.monotonic() - start, False, [note])
    notes += _check_sizes(source, solution)
    _write(solution, path)
    return Built(source.name, time.monotonic() - start, execute, notes)


def _execute(source: Source, solution, root: Path) -> None:
    cells = {cell.id: cell for cell in source.cells}
    metadata = dict(solution.metadata)
    environment = run.kernel_environment(root)
    failure = run.execute(solution, root / "solutions", environment, CELL_TIMEOUT, NOTEBOOK_TIMEOUT)
    if failure:
        where = cells[failure.cell].where if failure.cell else source.name
        raise CourseError(f"{where}: {failure}")
    solution.metadata = metadata  # without what the execution added
    for cell in solution.cells:
        if cell.cell_type == "code":
            cell.outputs = _join_streams(cell.outputs)
            _check_outputs(cells[cell.id], cell.outputs, root)


def _join_streams(outputs: list) -> list:
    """Merge consecutive pieces of one stream: where they are cut changes from run to run."""
    joined = []
    for output in outputs:
        last = joined[-1] if joined else {}
        if output.output_type == "stream" and last.get("name") == output.name:
            last["text"] += output.text
        else:
            joined.append(output)
    return joined


def _check_outputs(cell: Cell, outputs: list, root: Path) -> None:
    for text in _texts(outputs):
        match = MACHINE_PATH.search(text)
        if match or str(root) in text:
            raise CourseError(
                f"{cell.where}: an output of cell {cell.id!r} names a path of this machine, "
                f"{match[0] if match else str(root)!r}; print a relative path or a name instead"
            )
    if cell.role == "test":
        _check_points(cell, outputs)


def _check_points(cell: Cell, outputs: list) -> None:
    """A test cell's last expression is its points; without one, any answer earns them all."""
    last = outputs[-1] if outputs else {}
    earned = last.get("data", {}).get("text/plain", "")
    if last.get("output_type") != "execute_result" or not re.fullmatch(r"\d+(\.\d*)?", earned):
        raise CourseError(
            f"{cell.where}: test {cell.id!r} gives its points to any answer; end its hidden tests "
            f"with grade(check(answer), points={cell.points:g})"
        )
    if float(earned) != cell.points:
        raise CourseError(
            f"{cell.where}: the solution earns {earned} of {cell.points:g} points in test "
            f"{cell.id!r}; correct the solution or the test"
        )


def _texts(outputs: list) -> Iterator[str]:
    for output in outputs:
        yield output.get("text", "")
        yield "\n".join(output.get("traceback", []))
        for kind, content in output.get("data", {}).items():
            if isinstance(content, str) and not kind.startswith("image/"):
                yield content


def _check_sizes(source: Source, solution) -> list[str]:
    sizes = {cell.id: len(json.dumps(cell)) for cell in solution.cells}
    where = {cell.id: cell.where for cell in source.cells}
    largest = max(sizes, key=sizes.get)
    if sum(sizes.values()) > LARGEST_NOTEBOOK:
        raise CourseError(
            f"{where[largest]}: the executed notebook would weigh {sum(sizes.values()) / 1e6:.1f} "
            f"MB, {sizes[largest] / 1e6:.1f} MB of it in cell {largest!r}; the limit is "
            f"{LARGEST_NOTEBOOK / 1e6:.1f} MB: draw smaller or fewer pictures"
        )
    return [
        f"{where[id]}: cell {id!r} stores {size / 1e3:.0f} kB; a smaller picture would do"
        for id, size in sizes.items()
        if size > LARGE_CELL
    ]


def _reuse_outputs(solution, path: Path) -> bool:
    """Take the outputs of the notebook in ``path``; False unless its code cells are the same."""
    old = run.read_notebook(path) if path.exists() else None
    if old is None or _code(old) != _code(solution):
        return False
    executed = {cell.id: cell for cell in old.cells if cell.cell_type == "code"}
    for cell in solution.cells:
        if cell.id in executed:
            cell.outputs = executed[cell.id].outputs
            cell.execution_count = executed[cell.id].execution_count
        elif cell.cell_type == "code":
            cell.execution_count = 0  # the installation, which shows nothing
    return True


def _code(built) -> list[tuple[str, str]]:
    return [
        (cell.id, cell.source)
        for cell in built.cells
        if cell.cell_type == "code" and cell.id != INSTALLATION_ID
    ]


def _write(built, path: Path) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(serialise(built), encoding="utf-8", newline="\n")


def check_built(root: Path | None = None) -> list[str]:
    """Where the committed notebooks differ from what their sources build; empty if nowhere.

    Student notebooks are compared byte for byte; of the executed ones, everything but outputs.
    """
    root = root or project_root()
    sources = read_sources(root=root)
    names = {source.name for source in sources}
    differences = [
        f"{path.parent.name}/{path.name} has no source: remove it"
        for folder in ("notebooks", "solutions")
        for path in sorted((root / folder).glob("*.ipynb"))
        if path.stem not in names
    ]
    for source in sources:
        differences += _check_student(source, root / "notebooks" / f"{source.name}.ipynb")
        differences += _check_solution(source, root / "solutions" / f"{source.name}.ipynb")
    return differences


def _check_student(source: Source, path: Path) -> list[str]:
    file = f"notebooks/{path.name}"
    if not path.exists():
        return [f"{file} is missing: run tp-cnn build {source.number}"]
    found = [f"{file} shows {line!r}" for line in find_leaks(source, run.read_notebook(path))]
    if path.read_text(encoding="utf-8") != serialise(notebook(source, "student")):
        found.append(f"{file} differs from its source: run tp-cnn build {source.number}")
    return found


def _check_solution(source: Source, path: Path) -> list[str]:
    file = f"solutions/{path.name}"
    if not path.exists():
        return [f"{file} is missing: run tp-cnn build {source.number}"]
    committed, expected = run.read_notebook(path), notebook(source, "solution")
    found = []
    if any(cell.execution_count is None for cell in committed.cells if cell.cell_type == "code"):
        found.append(f"{file} is not executed: run tp-cnn build {source.number}")
    for built in (committed, expected):
        for cell in built.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
    if serialise(committed) != serialise(expected):
        found.append(f"{file} differs from its source: run tp-cnn build {source.number}")
    return found
