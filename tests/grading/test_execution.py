"""Executing notebooks: outputs, errors, time limits, kernels that die, floods."""

import json
import os
from dataclasses import replace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tp_cnn.grading.sandbox import execution
from tp_cnn.grading.sandbox.execution import Executor, Limits

SOCKET = (  # the kernel's own socket, as a hostile cell would find it
    "import gc, socket, struct\n"
    "end = [o for o in gc.get_objects() if isinstance(o, socket.socket) and o.fileno() > 2][0]\n"
)


@pytest.fixture(scope="module")
def executor():
    return Executor(sandbox=False)


@pytest.fixture
def run(executor, monkeypatch):
    """A function that executes cells given as text, with some limits changed."""
    monkeypatch.setattr(execution, "GRACE", 2)

    def execute(*sources, **limits):
        monkeypatch.setattr(executor, "limits", replace(Limits(cell_seconds=20), **limits))
        done = executor.execute(new_notebook(cells=[new_code_cell(source) for source in sources]))
        assert done.failure is None
        nbformat.validate(done.notebook)
        json.dumps(done.notebook, ensure_ascii=False).encode()  # can be written to a file
        return done

    return execute


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def error(cell):
    names = [output.ename for output in cell.outputs if output.output_type == "error"]
    return names[0] if names else None


def reasons(done):
    return [stop.reason for stop in done.stops]


def test_outputs_of_every_kind_are_recorded(run):
    done = run(
        "import sys\nprint('a')\nprint('b', file=sys.stderr)\n6 * 7",
        "from IPython.display import *\ndisplay(Markdown('*c*'), display_id='d')",
        "update_display(Markdown('*e*'), display_id='d')",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
        "import asyncio\nawait asyncio.sleep(0)\nprint('f')",
        "print('g'); clear_output(); print('h')",
    )
    first, second, third, figure, later, cleared = done.notebook.cells
    assert [(o.name, o.text) for o in first.outputs[:2]] == [("stdout", "a\n"), ("stderr", "b\n")]
    assert first.outputs[2].data["text/plain"] == "42"
    assert first.execution_count == first.outputs[2].execution_count == 1
    assert second.outputs[0].data["text/markdown"] == "*e*"
    assert third.outputs == []
    assert set(figure.outputs[0].data) == {"image/png", "text/plain"}
    assert printed(later) == "f\n"
    assert printed(cleared) == "h\n"
    assert done.stops == []


def test_execution_goes_on_after_errors_and_leaves_the_notebook_alone(executor):
    cells = [
        new_code_cell(source) for source in ("x = 1", "1 / 0", "def", "import sys; sys.exit()")
    ]
    notebook = new_notebook(cells=[*cells, new_code_cell("exit()"), new_code_cell("print(x)")])
    notebook.metadata.kernelspec = {"name": "of-the-student", "display_name": "x"}
    done = executor.execute(notebook)
    names = [error(cell) for cell in done.notebook.cells]
    assert names == [None, "ZeroDivisionError", "SyntaxError", "SystemExit", None, None]
    assert printed(done.notebook.cells[-1]) == "1\n"
    assert "kernelspec" not in done.notebook.metadata
    assert all(not cell.outputs for cell in notebook.cells)


def test_an_error_that_a_cell_keeps_from_being_shown_is_recorded(run):
    done = run("get_ipython()._showtraceback = lambda *_: None", "assert 1 == 2, 'wrong'", "3")
    assert error(done.notebook.cells[1]) == "AssertionError"
    assert done.notebook.cells[1].outputs[0].evalue == "wrong"


def test_input_is_an_error_and_waits_for_nobody(run):
    done = run("input('name? ')", "print(1)")
    assert error(done.notebook.cells[0]) == "EOFError"
    assert done.stops == []


def test_a_slow_cell_is_interrupted_and_its_state_kept(run):
    done = run("x = 1\nwhile True: x += 1", "print(x > 1)", cell_seconds=2)
    assert error(done.notebook.cells[0]) == "CellTimeoutError"
    assert len(done.notebook.cells[0].outputs) == 1
    assert printed(done.notebook.cells[1]) == "True\n"
    assert reasons(done) == ["timeout"]


RESISTING = {
    "except": "import time\nwhile True:\n    try: time.sleep(9)\n    except BaseException: pass",
    "ignored signal": "import signal\nsignal.signal(2, signal.SIG_IGN)\nwhile True: pass",
    "interpreter lock held": "import itertools\nsum(itertools.repeat(1))",
    "stopped": "import os\nos.kill(os.getpid(), 19)",
    "socket closed": "import os\nos.closerange(3, 1000)\nwhile True: pass",
    "half a message": SOCKET + "end.send(struct.pack('>I', 10**6))\nwhile True: pass",
}
ENDING = {
    "exit": "import os\nos._exit(3)",
    "fault": "import ctypes\nctypes.string_at(0)",
    "killed": "import os\nos.kill(os.getpid(), 9)",
    "garbage": SOCKET + "end.send(b'\\xff' * 100)",
    "no message": SOCKET + "end.send(struct.pack('>I', 2) + b'[]')",
    "nested": SOCKET + "end.send(struct.pack('>I', 5000) + b'[' * 5000)",
}


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(RESISTING["except"], marks=pytest.mark.slow),
        pytest.param(RESISTING["stopped"], marks=pytest.mark.slow),
        *ENDING.values(),
    ],
)
def test_a_cell_that_loses_the_kernel_is_withdrawn(run, source):
    done = run("x = 1", f"print(2)\n{source}", "print(x)", cell_seconds=5)
    reason = "died" if source in ENDING.values() else "unresponsive"
    assert reasons(done) == [reason]
    assert done.stops[0].cell == done.notebook.cells[1].id
    assert error(done.notebook.cells[1]) == execution.ENAMES[reason]
    assert printed(done.notebook.cells[2]) == "1\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["ignored signal", "interpreter lock held", "socket closed", "half a message"]
)
def test_other_cells_that_resist(run, name):
    done = run(RESISTING[name], "print(1)", cell_seconds=2)
    assert reasons(done) in (["unresponsive"], ["died"])
    assert printed(done.notebook.cells[1]) == "1\n"


def test_three_withdrawals_then_the_rest_stays_unexecuted(run):
    done = run(*["import os; os._exit(1)"] * 5, "print(1)")
    assert reasons(done) == ["died"] * 4
    assert [error(cell) for cell in done.notebook.cells] == ["DeadKernelError"] * 4 + [None] * 2
    assert done.notebook.cells[-1].outputs == []


def test_the_time_of_a_notebook_is_bounded(run):
    done = run(*["import time; time.sleep(2)"] * 9, "print(1)", notebook_seconds=3)
    assert reasons(done) == ["notebook-timeout"]
    assert done.notebook.cells[-1].outputs == []


def test_long_texts_are_cut(run):
    done = run("print('x' * 300_000)", "print('after')", output=100_000)
    text = printed(done.notebook.cells[0])
    assert 100_000 < len(text) < 100_100
    assert "sortie coupée" in text
    assert printed(done.notebook.cells[1]) == "after\n"
    assert done.stops == []


def test_floods_are_stopped(run):
    done = run(
        "while True: print('x' * 1000)",
        "from IPython.display import display\nwhile True: display({'text/plain': 'y'}, raw=True)",
        "print('after')",
        output=10_000,
        display=10_000,
    )
    assert reasons(done) == ["output", "output"]
    assert error(done.notebook.cells[0]) == error(done.notebook.cells[1]) == "OutputLimitError"
    assert len(json.dumps(done.notebook)) < 300_000
    assert printed(done.notebook.cells[2]) == "after\n"


def test_a_huge_display_is_replaced(run):
    done = run(
        "from IPython.display import display\ndisplay({'text/plain': 'x' * 20_000_000}, raw=True)",
        "display({'text/html': 'y' * 7_000_000}, raw=True)\n1",
        display=5_000_000,
    )
    assert "20 Mo" in done.notebook.cells[0].outputs[0].data["text/plain"]
    assert "trop long" in done.notebook.cells[1].outputs[0].data["text/plain"]
    assert done.notebook.cells[1].outputs[1].data["text/plain"] == "1"


def test_many_short_outputs_stay_within_bounds(run):
    done = run(
        "from IPython.display import display\nfor i in range(10_000): display(i)",
        "import sys\nfor i in range(10_000): print(i, flush=True)",
    )
    assert len(done.notebook.cells[0].outputs) <= 1001
    assert len(done.notebook.cells[1].outputs) == 1
    assert printed(done.notebook.cells[1]).split()[-1] == "9999"
    assert done.stops == []


def test_bad_bundles_are_made_valid(run):
    done = run(
        "from IPython.display import display\n"
        "deep = []\n"
        "for _ in range(200): deep = [deep]\n"
        "display({'image/png': 12, 'text/plain': 'kept', '../..': 'x', 'text/html': None,\n"
        "         'application/json': deep, 'application/vnd.x+json': {'a': 1}}, raw=True,\n"
        "        metadata={'deep': deep})",
        "display({'text/plain': '\\ud800'}, raw=True); print('\\udfff')",
        SOCKET + "def forge(text): end.sendall(struct.pack('>I', len(text)) + text)\n"
        'forge(b\'{"type": "display_data", "data": [], "metadata": 3}\')\n'
        'forge(b\'{"type": "stream", "name": "stdout", "text": {}}\')\n'
        'forge(b\'{"type": "error", "traceback": 1, "ename": null}\')\n'
        'forge(b\'{"type": "execute_result", "execution_count": "x"}\')\n'
        'forge(b\'{"type": [], "name": {}}\')',
        "print('after')",
    )
    data = done.notebook.cells[0].outputs[0].data
    assert data == {"text/plain": "kept", "application/vnd.x+json": {"a": 1}}
    assert printed(done.notebook.cells[3]) == "after\n"


def test_a_cell_may_replace_the_streams_and_signal_handlers(run):
    done = run(
        "import sys, signal, io\nsys.stdout = io.StringIO()\nprint('lost')",
        "print('seen')",
        "signal.signal(signal.SIGINT, signal.SIG_IGN)",
        "while True: pass",
        "print('after')",
        cell_seconds=3,
    )
    assert [printed(cell) for cell in done.notebook.cells[:2]] == ["", "seen\n"]
    assert reasons(done) == ["timeout"]
    assert printed(done.notebook.cells[4]) == "after\n"


def test_threads_that_never_end_hold_nothing_up(run):
    source = "import threading, time\nthreading.Thread(target=time.sleep, args=[9999]).start()"
    done = run(source, "print(1)")
    assert printed(done.notebook.cells[1]) == "1\n"
    assert done.stops == []


def test_without_a_sandbox_the_environment_is_bare_and_nothing_is_left(run, monkeypatch):
    monkeypatch.setenv("GRADER_SECRET", "hunter2")
    done = run(
        "import os\nprint(dict(os.environ))\nprint(os.getcwd())",
        "import subprocess, sys\n"
        "code = 'import os, time; os.fork() or (os.setsid(), os.fork() or time.sleep(4321))'\n"
        "subprocess.Popen([sys.executable, '-c', code + ' # left-by-a-test'])\n"
        "import time; time.sleep(1)",
    )
    environment, folder = printed(done.notebook.cells[0]).strip().split("\n")
    assert "hunter2" not in environment
    assert not os.path.exists(folder)
    assert not os.path.exists(os.path.dirname(folder))
    assert not running("left-by-a-test")


def running(marker):
    """The processes whose command line holds ``marker``."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else []):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                line = file.read()
        except OSError:
            continue
        if marker.encode() in line and int(name) != os.getpid():
            found.append(int(name))
    return found
