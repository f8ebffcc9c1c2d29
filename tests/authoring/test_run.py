"""Executing notebooks: one right, one that fails, two too slow, one whose kernel dies."""

import json
import os
import re
import sys

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager

from tp_cnn.authoring import results_page
from tp_cnn.authoring.results_page import NotebookResult
from tp_cnn.authoring.run import _attempt, execute, run_notebooks
from tp_cnn.display import announce
from tp_cnn.errors import CourseError

RIGHT = """\
import os, matplotlib.pyplot as plt
from tp_cnn.display import announce
plt.plot([0, 1]); plt.show()
announce(device="cpu, 2 threads", data=os.environ["TP_CNN_PROFILE"] + " <digits>")
open("written.txt", "w").close()"""
FAILS = "def f():\n    raise ValueError('forme (3,) & (4,)')\nf()"
SLOW = "import time\ntime.sleep(60)"
SHORT_STEPS = ["import time\ntime.sleep(1.5)"] * 4
DIES = "import os\nos._exit(1)"


LIMITS = {"03_slow": (2.4, 1800), "04_long": (600, 5)}  # seconds: of a cell, of the notebook


def with_limits(notebook, folder, environment, cell, whole, after_cell):
    """Only the notebooks that are to be stopped have short limits: this machine may be busy."""
    cell, whole = LIMITS.get(folder.name, (cell, whole))
    return execute(notebook, folder, environment, cell, whole, after_cell)


def make(*sources):
    cells = [nbformat.v4.new_markdown_cell("# 01. Le titre & la suite\n\n## Partie", id="title")]
    cells += [
        nbformat.v4.new_code_cell(source, id=f"cell-{number}")
        for number, source in enumerate(sources)
    ]
    return nbformat.v4.new_notebook(cells=cells)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A folder where five notebooks were run, and their results."""
    root = tmp_path_factory.mktemp("course")
    (root / "solutions").mkdir()
    sources = {
        "01_right": [RIGHT],
        "02_fails": ["print('avant')", FAILS, "print('jamais')"],
        "03_slow": [SLOW],
        "04_long": SHORT_STEPS,
        "05_dies": [DIES],
        "06_right": ["1 + 1"],
    }
    for name, cells in sources.items():
        nbformat.write(make(*cells), root / "solutions" / f"{name}.ipynb")
    before = {path.name: path.read_bytes() for path in (root / "solutions").iterdir()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TP_CNN_PROGRESS", "0")
        patch.setattr("tp_cnn.authoring.run.execute", with_limits)
        results = run_notebooks(profile="full", root=root)
    assert {path.name: path.read_bytes() for path in (root / "solutions").iterdir()} == before
    return root / "build" / "run", {result.name: result for result in results}


def test_goes_on_after_each_failure(ran):
    _, results = ran
    assert {name: result.status for name, result in results.items()} == {
        "01_right": "ok",
        "02_fails": "error",
        "03_slow": "cell-timeout",
        "04_long": "notebook-timeout",
        "05_dies": "dead",
        "06_right": "ok",
    }


def test_failure_names_the_cell_and_the_end_of_the_error(ran):
    _, results = ran
    failure = results["02_fails"].failure
    assert failure.cell == "cell-1"
    assert failure.message.endswith("ValueError: forme (3,) & (4,)")
    assert "\x1b" not in failure.message
    assert str(results["03_slow"].failure) == "stopped by the time limit of a cell in cell cell-0"
    assert "the kernel died" in str(results["05_dies"].failure)


def test_facts_and_working_folder(ran):
    output, results = ran
    assert results["01_right"].facts == {"device": ["cpu, 2 threads"], "data": ["full <digits>"]}
    assert results["01_right"].title == "01. Le titre & la suite"
    assert (output / "work" / "01_right" / "written.txt").exists()
    executed = json.loads((output / "02_fails.ipynb").read_text(encoding="utf-8"))
    assert [len(cell["outputs"]) for cell in executed["cells"][1:]] == [1, 1, 0]


def test_page(ran):
    output, _ = ran
    page = (output / "index.html").read_text(encoding="utf-8")
    assert "2 réussis sur 6" in page
    assert "full &lt;digits&gt;" in page
    assert "ValueError: forme (3,) &amp; (4,)" in page
    assert page.count('<img src="data:image/png;base64,') == 1
    assert "Figure 1 : Partie" in page
    assert not re.search(r"(src|href)=.https?:", page)
    for name, anchor in re.findall(r'href="([^"#]+)(?:#([^"]+))?"', page):
        target = (output / name).read_text(encoding="utf-8")
        assert not anchor or f'id="{anchor}"' in target
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids)) == 6


def test_kernel_is_this_interpreter(tmp_path, monkeypatch):
    other = tmp_path / "kernels" / "python3"
    other.mkdir(parents=True)
    spec = {"argv": ["/bin/false", "{connection_file}"], "display_name": "o", "language": "python"}
    (other / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    assert KernelSpecManager().get_kernel_spec("python3").argv[0] == "/bin/false"
    notebook = make("import sys; print(sys.executable)")
    notebook.metadata["kernelspec"] = {"name": "another", "display_name": "Another"}
    assert execute(notebook, tmp_path, dict(os.environ)) is None
    assert notebook.cells[1].outputs[0].text.strip() == sys.executable


def test_two_at_once_share_the_cores_and_come_back_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr("joblib.cpu_count", lambda: 4)
    monkeypatch.setenv("TP_CNN_PROGRESS", "0")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    (tmp_path / "solutions").mkdir()
    waits = """import os, pathlib, time
(pathlib.Path.cwd() / "here").touch()
other = pathlib.Path.cwd().parent / "{other}" / "here"
limit = time.monotonic() + 300
while not other.exists():
    assert time.monotonic() < limit, "alone"
    time.sleep(0.05)
print(os.environ["OMP_NUM_THREADS"])"""
    for name, other in [("01_short", "02_long"), ("02_long", "01_short")]:
        cells = [waits.format(other=other), *["1"] * (name == "02_long")]
        nbformat.write(make(*cells), tmp_path / "solutions" / f"{name}.ipynb")
    results = run_notebooks(root=tmp_path, jobs=2)
    assert [(one.name, one.status) for one in results] == [("01_short", "ok"), ("02_long", "ok")]
    executed = nbformat.read(tmp_path / "build" / "run" / "01_short.ipynb", 4)
    assert executed.cells[1].outputs[0].text.strip() == "2"


def test_the_page_says_how_long_the_run_took_rather_than_its_notebooks():
    results = [
        NotebookResult(name, name, 60.0, facts={}, figures=[], html=None, failure=None)
        for name in ("01_a", "02_b")
    ]
    page = results_page.index(results, 2, 75, "solutions", "quick")
    assert "2 réussis sur 2 · 1 min 15 s" in page
    assert page.count("1 min 00 s") == 4  # in the list, and in the part of each


def test_a_failure_does_not_leave_the_bar_behind(tmp_path):
    seen = []
    notebook = make("1", FAILS, "2", "3")
    name, _, failure = _attempt(
        "01_fails", notebook, tmp_path, dict(os.environ), (600, 1800), seen.append
    )
    assert (name, failure.cell, sum(seen)) == ("01_fails", "cell-1", 4)


def test_no_notebook(tmp_path):
    with pytest.raises(CourseError, match=r"no notebook in notebooks/; .* tp-cnn build"):
        run_notebooks(edition="notebooks", root=tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"cells": 1, "nbformat": 4, "nbformat_minor": 5}'])
def test_broken_notebook(tmp_path, text):
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "01_x.ipynb").write_text(text)
    with pytest.raises(CourseError, match=r"solutions/01_x.ipynb is no valid notebook"):
        run_notebooks(root=tmp_path)


def test_announce_outside_a_notebook(capsys):
    announce(device="cpu", data="digits", essai=3)
    assert capsys.readouterr().out == "Calcul sur : cpu · données : digits · essai : 3\n"
