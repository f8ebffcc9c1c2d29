"""Executes notebooks in fresh kernels; writes the results page.

Needs what a student has installed, not jupytext. Jupyter's libraries are imported where they are
used: they take seconds to load.
"""

import math
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from tp_cnn import display
from tp_cnn.authoring import results_page
from tp_cnn.authoring.pages.render import may_replace
from tp_cnn.authoring.results_page import CellFailure, NotebookResult
from tp_cnn.authoring.source import find_root, select
from tp_cnn.authoring.start import PATTERN, nearest
from tp_cnn.errors import CourseError
from tp_cnn.files import atomic_write
from tp_cnn.runtime import in_parallel, settings

CELL_TIMEOUT = 600  # seconds
NOTEBOOK_TIMEOUT = 1800


def run_notebooks(
    names: list[str] | None = None,
    profile: str | None = None,
    edition: str = "solutions",
    output: str | Path = "build/run",
    cell_timeout: float = CELL_TIMEOUT,
    notebook_timeout: float = NOTEBOOK_TIMEOUT,
    root: Path | None = None,
    jobs: int = 1,
) -> list[NotebookResult]:
    """Execute the notebooks called ``names`` (by default all); write ``output/index.html``.

    Goes on after a failure: a notebook that fails has a ``failure`` in its result. The results are
    in the order of the course; several at once begin with the one of most cells.

    Args:
        names: such as ``["03_lenet_mnist"]`` or ``["03"]``.
        profile: "quick" or "full"; by default what the environment says.
        edition: "solutions", or "notebooks" for those that students open; these are executed in any
            case where there is no checkout.
        output: where the page and the executed notebooks go; relative to ``root``.
        cell_timeout, notebook_timeout: seconds.
        jobs: notebooks at once, which share the cores.

    Raises:
        CourseError: there is no notebook, none of that name, or one that cannot be read; or
            ``jobs`` is less than one.
    """
    root, paths, edition = _course(edition, root)
    output = root / output
    paths = select(paths, names)
    if not paths:
        raise CourseError(f"no notebook in {edition}/; make them with: tp-cnn build")
    if output.resolve() in {path.parent.resolve() for path in paths}:
        raise CourseError(f"{output} holds the notebooks themselves: give another --output")
    if not may_replace(output / "index.html"):
        raise CourseError(
            f"{output} holds an index.html that is none of ours: give another --output"
        )
    environment = kernel_environment(root, profile, jobs)
    notebooks = {path.stem: read_notebook(path) for path in paths}
    total = sum(len(_code_cells(notebook)) for notebook in notebooks.values())
    results, start = [], time.monotonic()
    limits = (cell_timeout, notebook_timeout)
    with tqdm(total=total, unit="cell", disable=not settings().progress) as bar:
        calls = [
            (name, notebook, output / "work" / name, environment, limits, bar.update)
            for name, notebook in notebooks.items()
        ]
        if jobs > 1:
            calls.sort(key=lambda call: -len(_code_cells(call[1])))
        for name, seconds, failure in in_parallel(_attempt, calls, jobs, threads=True):
            results.append(_result(name, notebooks[name], seconds, failure, output))
            results.sort(key=lambda result: result.name)
            bar.set_description(f"{len(results)}/{len(notebooks)} notebooks")
            with atomic_write(output / "index.html") as temporary:
                temporary.write_text(
                    results_page.index(
                        results,
                        len(notebooks),
                        time.monotonic() - start,
                        edition,
                        settings(environment).profile,
                    ),
                    encoding="utf-8",
                )
    return results


def _attempt(
    name: str,
    notebook,
    folder: Path,
    environment: dict[str, str],
    limits: tuple[float, float],
    progress: Callable[[int], object],
) -> tuple[str, float, CellFailure | None]:
    """Execute a notebook; give its name, the seconds that it took, and why it failed if it did."""
    folder.mkdir(parents=True, exist_ok=True)
    left, start = len(_code_cells(notebook)), time.monotonic()

    def after_cell() -> None:
        nonlocal left
        left -= 1
        progress(1)

    failure = execute(notebook, folder, environment, *limits, after_cell)
    progress(left)  # the cells that a failure leaves out
    return name, time.monotonic() - start, failure


def _course(edition: str, root: Path | None) -> tuple[Path, list[Path], str]:
    """The root, the notebooks, and their edition: the students' where there is no checkout."""
    root = root or find_root()
    if root is None:
        return *nearest(), "notebooks"
    return root, sorted((root / edition).glob(PATTERN)), edition


def kernel_environment(root: Path, profile: str | None = None, jobs: int = 1) -> dict[str, str]:
    """The kernels' environment: no progress bars, the project's data found from any folder.

    Where several work at once, each has its part of the cores.
    """
    environment = {"TP_CNN_PROGRESS": "0", **os.environ}
    if jobs > 1:
        import joblib

        environment.setdefault("OMP_NUM_THREADS", str(max(1, joblib.cpu_count() // jobs)))
    if profile:
        environment["TP_CNN_PROFILE"] = profile
    if (root / "data").is_dir():
        environment.setdefault("TP_CNN_DATA", str(root / "data"))
    return environment


def read_notebook(path: Path):
    """Read and validate a notebook.

    Raises:
        CourseError: the file is no valid notebook.
    """
    import nbformat

    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except Exception as error:  # nbformat stumbles in many ways on what is no notebook
        reason = str(error).strip().splitlines()[0]
        raise CourseError(
            f"{path.parent.name}/{path.name} is no valid notebook ({reason}); "
            "make it again with: tp-cnn build"
        ) from None
    return notebook


def execute(
    notebook,
    folder: Path,
    environment: dict[str, str],
    cell_timeout: float = CELL_TIMEOUT,
    notebook_timeout: float = NOTEBOOK_TIMEOUT,
    after_cell: Callable[[], object] = lambda: None,
) -> CellFailure | None:
    """Execute ``notebook`` in place, in a fresh kernel that works in ``folder``.

    ``after_cell()`` is called after each code cell. Returns why the notebook stopped, or None.
    """
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    for cell in _code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    deadline = time.monotonic() + notebook_timeout
    client = _client(notebook)
    try:
        with client.setup_kernel(cwd=str(folder), env=environment):
            for index, cell in enumerate(notebook.cells):
                if cell.cell_type != "code":
                    continue
                left = deadline - time.monotonic()
                if left <= 0:
                    return CellFailure("notebook-timeout", cell.id, cell.source)
                client.timeout = math.ceil(min(cell_timeout, left))
                client.execute_cell(cell, index)
                after_cell()
            client.set_widgets_metadata()
    except CellExecutionError:
        return CellFailure("error", cell.id, cell.source, _traceback(cell))
    except CellTimeoutError:
        status = "cell-timeout" if cell_timeout < left else "notebook-timeout"
        return CellFailure(status, cell.id, cell.source)
    except DeadKernelError:
        return CellFailure("dead", cell.id, cell.source)
    except RuntimeError as error:  # the kernel did not start
        return CellFailure("dead", message=str(error))
    return None


def _client(notebook):
    """A client whose kernel is the interpreter that runs this code.

    The name ``python3`` may belong to a kernel that the user installed from another environment;
    looking in no folder leaves the one that ipykernel itself provides.
    """
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpecManager
    from nbclient import NotebookClient
    from traitlets import default

    class NativeKernel(AsyncKernelManager):
        @default("kernel_spec_manager")
        def _native_only(self):
            return KernelSpecManager(parent=self, kernel_dirs=[])

    return NotebookClient(
        notebook,
        kernel_name="python3",
        kernel_manager_class=NativeKernel,
        extra_arguments=["--log-level=ERROR"],
        record_timing=False,
        shutdown_kernel="immediate",
    )


def _code_cells(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _traceback(cell, lines: int = 12) -> str:
    """The last lines of the error that a cell shows, without colours."""
    errors = [output for output in cell.outputs if output.output_type == "error"]
    text = "\n".join(errors[-1].traceback) if errors else "no traceback"
    return "\n".join(re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()[-lines:])


def _result(
    name: str, notebook, seconds: float, failure: CellFailure | None, output: Path
) -> NotebookResult:
    import nbformat

    with atomic_write(output / f"{name}.ipynb") as temporary:
        nbformat.write(notebook, temporary)
    facts: dict[str, list[str]] = {}
    for cell in _code_cells(notebook):
        for item in cell.outputs:
            for key, value in display.facts(item).items():
                if key in ("device", "data") and value not in facts.setdefault(key, []):
                    facts[key].append(value)
    heading = re.search(r"^# (.+)", notebook.cells[0].source) if notebook.cells else None
    return NotebookResult(
        name=name,
        title=heading[1] if heading else name,
        seconds=seconds,
        facts=facts,
        figures=results_page.figures(notebook),
        html=results_page.export(notebook, output / f"{name}.html"),
        failure=failure,
    )
