"""Cells that attack the grading, by name. Each is bounded: even without limits, it ends.

``TRAP``, ``PORT`` and ``SOURCE`` stand for a folder outside the sandbox, a port on which a test
listens, and the path of the notebook's source.
"""

# Told as suspicious whatever they achieve, by what they use.
TOLD = {
    "os-exit": "import os\nos._exit(0)",
    "kills-its-parents": """
import os, signal
for pid in {os.getppid(), 1} - {0}:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass
""",
    "stops-itself": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
    "crash": "import ctypes\nctypes.string_at(0)",
    "removes-assertions": """
import ast
class Remover(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)
get_ipython().ast_transformers.append(Remover())
""",
    "replaces-grade": """
import tp_cnn.checks.engine.framework as framework
framework.grade = lambda verdict, points: float(points)
grade = framework.grade
""",
    "replaces-checks": """
import sys
import tp_cnn.checks.engine.framework as framework
right = framework.Verdict("right")
framework.Verdict.ok = property(lambda self: True)
for name, module in list(sys.modules.items()):
    if name.startswith("tp_cnn.checks."):
        for key, value in list(vars(module).items()):
            if isinstance(value, framework.Check):
                setattr(module, key, lambda *arguments, **options: right)
""",
    "replaces-float": """
import builtins
class Always(float):
    def __new__(cls, *arguments):
        return float.__new__(cls, 1000)
builtins.float = Always
""",
    "traces": """
import sys
def trace(frame, event, argument):
    if "verdict" in frame.f_locals:
        frame.f_locals["verdict"] = None
    return trace
sys.settrace(trace)
""",
    "at-exit": """
import atexit
atexit.register(lambda: open("TRAP/at-exit", "w").close())
""",
    "shell": "!touch TRAP/shell\n!cat SOURCE",
    "bash": "%%bash\ntouch TRAP/bash",
    "daemon": """
import subprocess
subprocess.Popen(["sh", "-c", "sleep 3; touch TRAP/daemon"], start_new_session=True)
""",
    "fork-bomb": """
import os, time
for _ in range(400):
    if os.fork() == 0:
        time.sleep(20)
        os._exit(0)
""",
    "edits-later": """
import threading, time
import tp_cnn.checks.engine.framework as framework
def later():
    for _ in range(200):
        framework.grade = lambda verdict, points: float(points)
        globals()["grade"] = framework.grade
        time.sleep(0.02)
threading.Thread(target=later, daemon=True).start()
""",
    "edits-what-is-shown": """
import sys
shell = get_ipython()
shell.display_formatter.format = lambda *a, **k: ({"text/plain": "1000.0"}, {})
""",
}

# Graded, or suspicious: they must only fail to hurt.
LOST = {
    "infinite-loop": "while True:\n    pass",
    "swallows-interruptions": """
import time
while True:
    try:
        time.sleep(0.1)
    except BaseException:
        pass
""",
    "holds-the-lock": "sum(range(10**11))",
    "sleeps": "import time\ntime.sleep(10**5)",
    "memory": "blocks = [bytearray(50_000_000) for _ in range(400)]",
    "disk": """
with open("full", "wb") as file:
    for _ in range(4000):
        file.write(bytes(1_000_000))
""",
    "output-flood": "for _ in range(10**7):\n    print('x' * 1000)",
    "error-flood": "raise ValueError('x' * 50_000_000)",
    "huge-picture": """
from IPython.display import Image, display
display(Image(data=b"\\x89PNG\\r\\n\\x1a\\n" + bytes(30_000_000), format="png"))
""",
    "input": "answer = input('Votre note ?')",
    "recursion": "def deeper():\n    deeper()\ndeeper()",
    "quits": "exit()",
    "raises-exit": "raise SystemExit(0)",
    "closes-its-outputs": "import sys\nsys.stdout.close()\nsys.stderr.close()\nsys.stdout = None",
    "threads": """
import threading, time
for _ in range(500):
    threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
""",
    "network": """
import socket
with socket.create_connection(("127.0.0.1", PORT), timeout=2) as connection:
    connection.sendall(b"bonjour")
""",
    "writes-outside": """
from pathlib import Path
for folder in ("TRAP", str(Path("SOURCE").parent)):
    try:
        Path(folder, "written-outside").write_text("x")
    except OSError:
        pass
""",
    "not-python": "def (:\n  ???",
}

# What they find, they print from within the answers, so that a careless grading repeats it.
SPIES = {
    "reads-solutions": """
from pathlib import Path
def spied():
    for path in Path("SOURCE").parent.glob("*"):
        yield path.read_text(errors="replace")
""",
    "reads-the-database": """
from pathlib import Path
def spied():
    for path in Path("TRAP").rglob("*"):
        if path.is_file():
            yield path.read_text(errors="replace")
""",
    "reads-the-environment": """
import os
from pathlib import Path
def spied():
    yield str(dict(os.environ))
    for path in Path("/proc").glob("*/environ"):
        yield path.read_text(errors="replace")
""",
    "reads-other-students": """
from pathlib import Path
def spied():
    for place in (Path.cwd().parent, Path("SUBMISSIONS"), Path("/tmp")):
        for path in list(place.glob("*/*.ipynb")) + list(place.glob("*/*/*.ipynb")):
            yield path.read_text(errors="replace")
""",
}
