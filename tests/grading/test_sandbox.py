"""What hostile cells can reach from the sandbox: nothing but their own processes and folder."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

import tp_cnn
from tp_cnn.errors import CourseError
from tp_cnn.grading.sandbox import bubblewrap, execution
from tp_cnn.grading.sandbox.execution import Executor, Limits

needs_sandbox = pytest.mark.skipif(
    bubblewrap.obstacle() is not None, reason=f"no sandbox here: {bubblewrap.obstacle()}"
)
SMALL = Limits(cell_seconds=20, disk=64_000_000, memory=2_000_000_000, processes=64)


@pytest.fixture(scope="module")
def executor(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    (data / "set.txt").write_text("images")
    os.environ["GRADER_SECRET"] = "hunter2"
    try:
        yield Executor(data=data, limits=SMALL)
    finally:
        del os.environ["GRADER_SECRET"]


@pytest.fixture
def run(executor, monkeypatch):
    """A function that executes cells given as text and returns what each printed."""
    monkeypatch.setattr(execution, "GRACE", 2)

    def execute(*sources, **limits):
        monkeypatch.setattr(executor, "limits", replace(SMALL, **limits))
        done = executor.execute(new_notebook(cells=[new_code_cell(source) for source in sources]))
        assert done.failure is None
        return done

    return execute


def printed(cell):
    return "".join(output.get("text", "") for output in cell.outputs).strip()


def error(cell):
    names = [output.ename for output in cell.outputs if output.output_type == "error"]
    return names[0] if names else None


def running(marker):
    """The processes whose command line holds ``marker``."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if marker.encode() in path.read_bytes() and path.parent.name != str(os.getpid()):
                found.append(path.parent.name)
        except OSError:
            continue
    return found


@pytest.mark.slow
@needs_sandbox
def test_what_the_grader_has_cannot_be_read(run, tmp_path):
    (tmp_path / "secret").write_text("hunter2")
    root = Path(tp_cnn.__file__).parents[1]
    names = "/etc/shadow /etc/passwd /root/.bashrc /etc/hostname /var/log /course/solutions /home"
    secrets = [
        *names.split(),
        "/run",
        "/mnt",
        tmp_path / "secret",
        Path.home() / ".bashrc",
        *(root / name for name in ("solutions", "tests", ".git", "pyproject.toml")),
    ]
    done = run(
        f"import os\nprint([name for name in {list(map(str, secrets))} if os.path.lexists(name)])",
        "os.symlink('/etc/shadow', 'link')\nopen('link').read()",
        "found = []\n"
        "for pid in filter(str.isdigit, os.listdir('/proc')):\n"
        "    for name in ('environ', 'cmdline'):\n"
        "        try: found.append(open(f'/proc/{pid}/{name}').read())\n"
        "        except OSError: pass\n"
        "print('hunter2' in str(found) + str(os.environ))",
        "import tp_cnn, torch\nprint(tp_cnn.__file__)",
        "print(open(os.environ['TP_CNN_DATA'] + '/set.txt').read())",
    )
    cells = done.notebook.cells
    assert printed(cells[0]) == "[]"
    assert error(cells[1]) in ("FileNotFoundError", "PermissionError")
    assert printed(cells[2]) == "False"
    assert printed(cells[3]) == "/course/tp_cnn/__init__.py"
    assert printed(cells[4]) == "images"


@needs_sandbox
def test_nothing_outside_the_own_folder_can_be_written(run):
    targets = ["/", "/usr", "/course/tp_cnn", "/data", "/etc", "/dev", "/proc", "/proc/sys/kernel"]
    targets += [str(path) for path in bubblewrap.interpreter() if path.is_dir()]
    done = run(
        "import os\n"
        f"for folder in {targets}:\n"
        "    for name in ('new', 'core_pattern', 'set.txt', '__init__.py'):\n"
        "        try: open(os.path.join(folder, name), 'a').write('x')\n"
        "        except OSError: continue\n"
        "        print('written:', folder, name)",
        "print(open('/proc/self/oom_score_adj', 'w'))",
        "open('mine', 'w').write('x')\nprint(os.listdir())",
        "print(os.listdir())",
    )
    cells = done.notebook.cells
    assert printed(cells[0]) == ""
    assert error(cells[1]) == "OSError"
    assert printed(cells[2]) == printed(cells[3]) == "['mine']"
    assert printed(run("import os\nprint(os.listdir())").notebook.cells[0]) == "[]"


@needs_sandbox
def test_no_right_is_left_and_none_can_be_gained(run):
    done = run(
        "lines = open('/proc/self/status').read().splitlines()\n"
        "rights = {line.split()[0]: line.split()[1] for line in lines if line.startswith('Cap')}\n"
        "print(set(rights.values()), [line for line in lines if line.startswith('NoNewPrivs')])",
        "import ctypes\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "print([libc.unshare(flag) for flag in (0x10000000, 0x00020000, 0x20000000)])",
        "print(libc.mount(b'x', b'/tmp', b'tmpfs', 0, None), libc.umount2(b'/tmp', 2))\n"
        "print(libc.umount2(b'/proc', 2), libc.mount(None, b'/proc', None, 32 | 4096, None))",
        "import os\nprint([os.getppid(), libc.ptrace(16, os.getppid(), 0, 0)])",
        "print(sorted(os.listdir('/proc/self/fd'), key=int)[:-1], os.readlink('/proc/self/fd/0'))",
        "print(max(int(pid) for pid in os.listdir('/proc') if pid.isdigit()))",
        "for pid in range(1, 400):\n"
        "    for number in (19, 9):\n"
        "        try: pid == os.getpid() or os.kill(pid, number)\n"
        "        except OSError: pass",
        "print('alive')",
    )
    cells = done.notebook.cells
    assert printed(cells[0]) == "{'0000000000000000'} ['NoNewPrivs:\\t1']"
    assert printed(cells[1]) == "[-1, -1, -1]"
    assert printed(cells[2]) == "-1 -1\n-1 -1"
    assert printed(cells[3]).endswith("-1]")
    assert len(printed(cells[4]).split(",")) == 4
    assert printed(cells[4]).endswith("/dev/null")
    assert int(printed(cells[5])) < 20
    assert printed(cells[7]) == "alive"
    assert done.stops == []


@needs_sandbox
def test_there_is_no_network(run):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()  # it does listen
        listener.accept()[0].close()
        listener.settimeout(0.2)
        done = run(
            f"import socket\nsocket.create_connection(('127.0.0.1', {port}), timeout=3)",
            "print([name for _, name in socket.if_nameindex()])",
        )
        with pytest.raises(TimeoutError):
            listener.accept()
    assert error(done.notebook.cells[0]) == "ConnectionRefusedError"
    assert printed(done.notebook.cells[1]) == "['lo']"


@needs_sandbox
def test_memory_and_disk_are_bounded(run):
    done = run(
        "x = bytearray(4 * 10**9)",
        "import mmap\nx = mmap.mmap(-1, 20 * 10**9)",
        "with open('big', 'wb') as file:\n    while True: file.write(bytes(10**6))",
        "import os; os.remove('big')",
        "for i in range(9):\n    open(f'/dev/shm/{i}', 'wb').write(bytes(10**7))",
        "for i in range(9):\n    os.path.exists(f'/dev/shm/{i}') and os.remove(f'/dev/shm/{i}')",
        "print('alive')",
    )
    cells = done.notebook.cells
    assert error(cells[0]) == "MemoryError"
    assert error(cells[1]) == "OSError"
    assert error(cells[2]) == "OSError"
    assert error(cells[4]) == "OSError"
    assert printed(cells[6]) == "alive"
    assert done.stops == []


@needs_sandbox
def test_data_loaders_with_workers_run(run):
    done = run(
        "import torch\n"
        "from torch.utils.data import DataLoader, TensorDataset\n"
        "x = torch.arange(64.)\n"
        "loader = DataLoader(TensorDataset(x), batch_size=8, num_workers=2)\n"
        "print(sum(batch.sum().item() for (batch,) in loader))"
    )
    assert printed(done.notebook.cells[0]) == "2016.0"


@needs_sandbox
def test_daemons_do_not_outlive_the_notebook(run):
    done = run(
        "import os, subprocess, sys, time\n"
        "code = 'import os, time; os.fork() or (os.setsid(), os.fork() or time.sleep(4321))'\n"
        "subprocess.run([sys.executable, '-c', code + ' # sandboxed-daemon'])\n"
        "time.sleep(1)\n"
        "pids = filter(str.isdigit, os.listdir('/proc'))\n"
        "print('sandboxed-daemon' in str([open(f'/proc/{pid}/cmdline').read() for pid in pids]))"
    )
    assert printed(done.notebook.cells[0]) == "True"
    assert not running("sandboxed-daemon")


@pytest.mark.slow
@needs_sandbox
def test_two_students_at_once_neither_see_nor_reach_each_other(executor):
    victim = (
        "import os, time\nopen('/tmp/answer-of-another', 'w').write('42')\n"
        "open('/dev/shm/answer-of-another', 'w').write('42')\ntime.sleep(6)\nprint('alive')"
    )
    spy = (
        "import os, time\ntime.sleep(2)\n"
        "for where in ('/tmp', '/dev', '/proc'):\n"
        "    for folder, _, files in os.walk(where):\n"
        "        print([folder for name in files if 'answer-of-another' in name] or '', end='')\n"
        "try: os.kill(-1, 9)\n"
        "except OSError: pass\n"
        "print('searched')"
    )
    done = {}

    def execute(name, source):
        done[name] = executor.execute(new_notebook(cells=[new_code_cell(source)]))

    threads = [threading.Thread(target=execute, args=pair) for pair in [("a", victim), ("b", spy)]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert printed(done["a"].notebook.cells[0]) == "alive"
    assert done["a"].stops == []
    assert printed(done["b"].notebook.cells[0]).strip() in ("searched", "")


@pytest.mark.slow
@needs_sandbox
def test_two_kernels_draw_numbers_of_their_own_and_the_same_once_seeded(executor):
    cells = [
        "import torch, numpy as np, random\nprint(random.random(), np.random.rand(), hash('a'))",
        "from tp_cnn import runtime\nruntime.seed_everything(0)\n"
        "print(random.random(), np.random.rand(), torch.rand(1), __name__)",
    ]
    notebook = new_notebook(cells=[new_code_cell(source) for source in cells])
    drawn = [
        [printed(cell) for cell in executor.execute(notebook).notebook.cells] for _ in range(2)
    ]
    assert drawn[0][1] == drawn[1][1] != ""
    free = [text.split() for text, _ in drawn]
    assert free[0][2] == free[1][2]  # the same order of sets for everybody
    assert set(free[0][:2]).isdisjoint(free[1][:2])


@needs_sandbox
def test_nothing_is_imported_before_the_first_cell(run):
    done = run("import sys\nprint({'torch', 'numpy', 'matplotlib', 'sklearn'} & set(sys.modules))")
    assert printed(done.notebook.cells[0]) == "set()"


IN_A_CELL = """
import sys
from nbformat.v4 import new_code_cell, new_notebook
from tp_cnn.grading.sandbox.execution import Executor
cells = [new_code_cell("import sys, numpy; print(sys.prefix, numpy.ones(3).sum())")]
done = Executor().execute(new_notebook(cells=cells))
print(done.failure or done.notebook.cells[0].outputs[0].text)
"""


@needs_sandbox
def test_the_environment_may_lie_where_the_sandbox_has_its_own_files():
    """As a virtual environment below /tmp does: this one, seen from there."""
    prefix = Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        (prefix / "bin").mkdir()
        base = Path(sys.executable).resolve()
        (prefix / "bin" / "python").symlink_to(base)
        (prefix / "lib").symlink_to(Path(sys.prefix) / "lib")
        (prefix / "pyvenv.cfg").write_text(f"home = {base.parent}\n")
        done = subprocess.run(
            [prefix / "bin" / "python", "-c", IN_A_CELL],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(tp_cnn.__file__).parents[1])},
        )
    finally:
        shutil.rmtree(prefix)
    assert done.stdout.split() == [str(prefix), "3.0"], done.stderr


HUNG = """
import signal, sys
from nbformat.v4 import new_code_cell, new_notebook
from tp_cnn.grading.sandbox.execution import Executor
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored
Executor().execute(new_notebook(cells=[new_code_cell("import os, sys\\nprint(1)"),
    new_code_cell(f"import subprocess; subprocess.run(['sleep', '{sys.argv[1]}'])")]))
"""


@pytest.mark.slow
@needs_sandbox
@pytest.mark.parametrize("number", [9, 2])
def test_nothing_is_left_when_the_grader_is_killed(number):
    duration = f"43{os.getpid() % 1000:03}{number}"
    grader = subprocess.Popen([sys.executable, "-c", HUNG, duration])
    try:
        _wait_until(lambda: running(f"sleep\0{duration}"))
        grader.send_signal(number)
        grader.wait(20)
        _wait_until(lambda: not running(duration))
    finally:
        grader.kill()
        grader.wait()


def _wait_until(true, seconds=600):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_without_bubblewrap_the_obstacle_says_what_to_do(monkeypatch):
    monkeypatch.setattr(bubblewrap.shutil, "which", lambda name: None)
    monkeypatch.setattr(bubblewrap.sys, "platform", "linux")
    bubblewrap.obstacle.cache_clear()
    try:
        assert "apt install bubblewrap" in bubblewrap.obstacle()
        with pytest.raises(CourseError, match="--no-sandbox"):
            Executor()
        bubblewrap.obstacle.cache_clear()
        monkeypatch.setattr(bubblewrap.sys, "platform", "darwin")
        assert "needs Linux" in bubblewrap.obstacle()
    finally:
        bubblewrap.obstacle.cache_clear()


@needs_sandbox
def test_an_environment_that_the_sandbox_does_not_show_is_named(monkeypatch):
    monkeypatch.setattr(bubblewrap.sys, "executable", "/nowhere/bin/python")
    bubblewrap.obstacle.cache_clear()
    try:
        assert f"does not show the Python environment {sys.prefix}" in bubblewrap.obstacle()
    finally:
        bubblewrap.obstacle.cache_clear()


AS_NOBODY = """
import sys
from nbformat.v4 import new_code_cell, new_notebook
from tp_cnn.grading.sandbox.execution import Executor, Limits
bomb = '''
import os
pids = []
while len(pids) < 2000:
    pids.append(os.fork())
    if not pids[-1]: os.execv('/bin/sleep', ['sleep', '60'])
'''
cells = [new_code_cell(text) for text in ("print(6 * 7)", bomb, "print(len(pids) < 64)")]
done = Executor(limits=Limits(processes=64)).execute(new_notebook(cells=cells))
first, second, third = done.notebook.cells
print(first.outputs[0].text, second.outputs[0].ename, third.outputs[0].text, done.stops)
"""


@pytest.mark.slow
@needs_sandbox
@pytest.mark.skipif(
    os.name != "posix" or os.getuid() != 0 or not shutil.which("setpriv"),
    reason="only root can become another user",
)
def test_an_ordinary_user_can_grade(tmp_path):
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-ec", _as_nobody()],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/"},
    )
    assert done.stdout.split() == ["42", "BlockingIOError", "True", "[]"], done.stderr


def _as_nobody() -> str:
    """A shell script that runs ``AS_NOBODY`` as the user nobody.

    Folders closed to others are covered, in a mount namespace, by ones that show what is needed.
    """
    package = Path(tp_cnn.__file__).parents[1]
    needed = {Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve(), package}
    lines = ["aside=$(mktemp -d)"]
    closed = {
        parent
        for path in needed
        for parent in [path, *path.parents]
        if not parent.stat().st_mode & 0o001
    }
    for folder in closed:
        if any(folder.is_relative_to(other) for other in closed - {folder}):
            continue
        lines += [f"mount --bind '{folder}' $aside", f"mount -t tmpfs -o mode=755 x '{folder}'"]
        for path in needed:
            if path.is_relative_to(folder):
                lines.append(f"mkdir -p '{path}'")
                lines.append(f"mount --bind $aside/'{path.relative_to(folder)}' '{path}'")
    setpriv = "setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all"
    return "\n".join([*lines, f"{setpriv} '{sys.executable}' - <<'END'\n{AS_NOBODY}\nEND"])
