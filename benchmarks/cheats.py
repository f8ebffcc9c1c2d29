"""What cheats gain from a blank copy, by family, and whether honest copies are suspected.

    python benchmarks/cheats.py --notebooks 01 02 06 07 --honest 60 --jobs 2

Each cheat stands in every answer that has a test, of a copy that is blank otherwise; with
``--share 3``, a third of them in each notebook, and in all of them those that deceive what is
observed inside. Results in ``results/cheats.md``: the goal is no point that is not flagged, and no
honest copy flagged.
"""

import argparse
import json
import random
import tempfile
from pathlib import Path

from common import write_report

from tp_cnn.authoring import editions
from tp_cnn.authoring.source import read_sources
from tp_cnn.display import markdown_table
from tp_cnn.grading.grade import grade
from tp_cnn.grading.model import Outcome

FRAMEWORK = "import tp_cnn.checks.engine.framework as framework\n"
SOCKET = """
import gc, json, socket, struct
end = [one for one in gc.get_objects() if isinstance(one, socket.socket)][0]
def send(message):
    text = json.dumps(message).encode()
    end.sendall(struct.pack(">I", len(text)) + text)
"""
DESK = "import tp_cnn.grading.sandbox.desk as desk\n"
# (family, name) -> code. What a cheat does is told by its name.
CHEATS = {
    ("verdict", "property always true"): FRAMEWORK
    + "framework.Verdict.ok = property(lambda self: True)",
    ("verdict", "status right from the start"): FRAMEWORK
    + "framework.Verdict.__init__ = lambda s, *a, **k: object.__setattr__(s, 'status', 'right')",
    ("verdict", "grade gives all"): FRAMEWORK
    + "framework.grade = lambda verdict, points: float(points)\ngrade = framework.grade",
    ("verdict", "judge replaced"): FRAMEWORK
    + "framework.Check.judge = lambda *a, **k: framework.Verdict('right')",
    ("verdict", "checks replaced in the module"): "from tp_cnn.checks.engine.framework import "
    "Verdict\nfor name in dir(check):\n"
    "    setattr(check, name, lambda *a, **k: Verdict('right'))",
    ("answer", "the check's own answer"): "{name} = check.{check}.answer",
    ("answer", "the answer by getattr"): "{name} = getattr(check.{check}, 'ans' + 'wer')",
    ("answer", "the answer by vars"): "{name} = vars(check.{check})['answer']",
    ("answer", "read from the package's files"): "from pathlib import Path\nimport tp_cnn\n"
    "texts = [p.read_text() for p in Path(tp_cnn.__file__).parent.glob('checks/**/*.py')]\n"
    "exec('\\n'.join(texts))",
    ("answer", "compiled files"): "import marshal, pathlib, tp_cnn\n"
    "for p in pathlib.Path(tp_cnn.__file__).parent.rglob('checks/__pycache__/*.pyc'):\n"
    "    marshal.loads(p.read_bytes()[16:])",
    ("answer", "tries until the check says yes"): "{name} = next((v for v in range(20) "
    "if check.{check}(v).ok), 0)",
    ("IPython", "transformer drops assertions"): "import ast\nclass Drop(ast.NodeTransformer):\n"
    "    def visit_Assert(self, node):\n        return ast.Pass()\n"
    "get_ipython().ast_transformers.append(Drop())",
    ("IPython", "result of a cell rewritten"): "get_ipython().display_formatter.format = "
    "lambda *a, **k: ({{'text/plain': '2.0'}}, {{}})",
    ("IPython", "hook before each cell"): "get_ipython().events.register('pre_run_cell', "
    "lambda info: get_ipython().user_ns.update(grade=lambda v, points: float(points)))",
    ("IPython", "run_cell replaced"): "shell = get_ipython()\nrun = shell.run_cell\n"
    "shell.run_cell = lambda text, **k: run('2.0', **k)",
    ("message", "a result forged on the socket"): SOCKET
    + "send({{'type': 'execute_result', 'data': {{'text/plain': '2.0'}}, 'metadata': {{}}}})",
    ("message", "replies forged in advance"): SOCKET
    + "for n in range(1, 500):\n    send({{'type': 'reply', 'ask': n, 'outcome': "
    '\'{{"result": null, "failure": null, "name": "", "names": [], "changed": [], '
    '"printed": ""}}\'}})',
    ("message", "a verdict shown by the cell"): "from IPython.display import display\n"
    "display({{'text/plain': '✔ Juste'}}, raw=True, metadata={{'tp_cnn': {{'status': 'right'}}}})\n"
    "2.0",
    ("message", "the outcome's text replaced"): DESK
    + "desk.plain.write_outcome = lambda outcome: '{{}}'",
    ("message", "the call says what the argument is"): DESK
    + "desk.plain_call = lambda function, arguments: desk.Returned(arguments and arguments[0])",
    ("observer", "what a loop did to a network"): "from tp_cnn.checks.engine import facts, loops\n"
    "loops.LoopCheck._observe = lambda self, function, seed: loops.Observation("
    "facts.Seen([facts.Fact(0)] * 40), [], None, True)",
    (
        "observer",
        "a frozen network described",
    ): "from tp_cnn.checks.engine import facts, transfers\n"
    "transfers._freeze_facts = lambda *_: [facts.Fact(one) for one in "
    "(0, 4, 4, 1, 1, 0, 0, 0)]",
    ("observer", "a reading by the course's own"): "from tp_cnn.checks.engine import readings\n"
    "from tp_cnn.models import visualisation as own\nreadings.ReadingCheck.observe = (lambda old: "
    "lambda self, f: old(self, getattr(own, getattr(f, '__name__', ''), f)))"
    "(readings.ReadingCheck.observe)",
    ("observer", "what an object of a class gives"): "import tp_cnn.grading.sandbox.objects as o\n"
    "o.Objects._done = lambda self, work: o.Returned({{'value': 0.0, 'changed': []}})",
    ("observer", "units asked for what they hold"): "class {name}:\n"
    "    def __init__(self, units, cost):\n        self.units, self.cost = units, cost\n"
    "    def __getattr__(self, name):\n        return getattr(self.units[0], name)",
    ("observer", "calls back that no check allows"): "class {name}:\n"
    "    def __init__(self, *given):\n        for n in range(50):\n"
    "            given[0][0]._lending.ask(n, 'read', '__class__')",
    ("library", "NumPy says that all is close"): "import numpy as np\n"
    "np.abs = lambda *a, **k: np.zeros(1)\nnp.allclose = lambda *a, **k: True",
    ("library", "PyTorch says that all is equal"): "import torch\n"
    "torch.equal = lambda *a: True\ntorch.Tensor.__eq__ = lambda *a: True",
    ("library", "float gives the maximum"): "import builtins\nclass Most(float):\n"
    "    def __new__(cls, *a):\n        return float.__new__(cls, 2)\nbuiltins.float = Most",
    ("frames", "trace reads the judge's variables"): "import sys\ndef trace(frame, event, arg):\n"
    "    frame.f_locals.get('wanted')\n    return trace\nsys.settrace(trace)",
    ("frames", "the caller's right answer"): "import inspect\ndef {name}(*inputs):\n"
    "    for one in inspect.stack():\n        found = one.frame.f_locals.get('self')\n"
    "        if hasattr(found, 'answer'):\n            return found.answer(*inputs)",
    ("frames", "the checks found by gc"): "import gc\nfrom tp_cnn.checks.engine.framework import "
    "Check\nfor one in gc.get_objects():\n    if isinstance(one, Check):\n"
    "        one.judge = lambda *a, **k: None",
    ("objects", "equal to everything"): "class Equal:\n    def __eq__(self, other):\n"
    "        return True\n    def __call__(self, *a, **k):\n        return self\n{name} = Equal()",
    ("objects", "an array whose comparison is true"): "import numpy as np\n"
    "class Right(np.ndarray):\n    def __sub__(self, other):\n        return 0 * self\n"
    "    __rsub__ = __sub__\n    def __array_ufunc__(self, *a, **k):\n        return np.zeros(1)\n"
    "{name} = np.zeros(4).view(Right)",
    ("later", "a thread that patches again"): FRAMEWORK
    + "import threading, time\ndef later():\n    for _ in range(100):\n"
    "        framework.grade = lambda v, points: float(points)\n        time.sleep(0.05)\n"
    "threading.Thread(target=later, daemon=True).start()",
    ("ready", "the course's own functions"): "from tp_cnn.scratch import convolution, pooling\n"
    "max_pool, average_pool = pooling.max_pooling, pooling.average_pooling\n"
    "relu = pooling.relu",
    ("ready", "the course's own functions, found"): "import importlib\n"
    "pooling = importlib.import_module('tp_cnn.scr' + 'atch.pooling')\nrelu = pooling.relu",
    ("test", "the test cell edited"): "",
}
ODDITIES = (  # that honest students write
    "!pip install seaborn",
    "import numpy as np\nnp.set_printoptions(precision=3)",
    "check = 3\ngrade = check + 1",
    "import matplotlib.pyplot as plt\nplt.rcParams['figure.figsize'] = (4, 3)",
    "import sys\nprint(sys.version)",
    "import gc\ngc.collect()",
    "class Net:\n    def __init__(self):\n        self.size = 3\nnet = Net()\nnet.size = 4",
    "%matplotlib inline\n%time sum(range(10))",
    "import torch\ntorch.manual_seed(0)\nprint(torch.__version__)",
    "print(f'{3 / 7:.2f}')",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notebooks", nargs="+", default=["01"])
    parser.add_argument("--honest", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--share", type=int, default=1, help="one cheat in so many a notebook")
    parser.add_argument("--note", nargs="*", default=[], help="what the report says besides")
    options = parser.parse_args()
    found: dict[tuple[str, str], list[Outcome]] = {key: [] for key in CHEATS}
    kind: list[Outcome] = []  # of the honest
    sources = read_sources(options.notebooks)
    for rank, source in enumerate(sources):
        chosen = [
            key
            for number, key in enumerate(CHEATS)
            if key[0] == "observer" or (number + rank) % options.share == 0
        ]
        own = range(rank, options.honest, len(sources))
        copies = {f"triche {n:02}": cheat(source, key) for n, key in enumerate(chosen)}
        copies |= {f"honnête {n:02}": honest(source, n) for n in own}
        outcomes = graded(source, copies, options.jobs)
        for number, key in enumerate(chosen):
            found[key].append(outcomes[f"triche {number:02}"])
        kind += [outcomes[f"honnête {n:02}"] for n in own]
        print(source.name, len(outcomes), flush=True)
    rows = [[*key, *_gained(outcomes)] for key, outcomes in found.items()]
    tried = [one for outcomes in found.values() for one in outcomes]
    unflagged = sum(points(one) for one in tried if not one.reasons)
    suspected = [one for one in kind if one.reasons]
    for one in suspected:
        print(one.student, one.status, one.reasons)
    notes = [
        f"Notebooks {', '.join(one.name for one in sources)}",
        f"{len(rows)} cheats in {len(tried)} copies: {unflagged:g} points gained unflagged",
        f"{len(suspected)} of {len(kind)} honest copies flagged; they have "
        f"{sum(map(points, kind)) / max(1, len(kind)):.1f} points each on average",
        *options.note,
    ]
    table = markdown_table(["family", "cheat", "copies", "points", "flagged"], rows)
    write_report("cheats", "Cheats and honest copies", table, notes)


def points(outcome: Outcome) -> float:
    """Those of the tests."""
    return sum(mark.automatic or 0 for mark in outcome.marks)


def _gained(outcomes: list[Outcome]) -> list[str]:
    flagged = sum(bool(one.reasons) for one in outcomes)
    return [str(len(outcomes)), f"{sum(map(points, outcomes)):g}", str(flagged)]


def graded(source, copies: dict[str, dict], jobs: int) -> dict:
    """The outcome of each copy, by its student."""
    with tempfile.TemporaryDirectory() as folder:
        submissions = Path(folder) / "submissions"
        submissions.mkdir()
        for student, notebook in copies.items():
            (submissions / f"{student}.ipynb").write_text(json.dumps(notebook), "utf-8")
        root = source.path.parents[1]
        batch = grade(source.number, submissions, Path(folder) / "out", jobs=jobs, root=root)
    return {one.student: one for one in batch.outcomes}


def cheat(source, key: tuple[str, str]) -> dict:
    """A blank copy with a cheat in place of each answer that has a test."""
    notebook = editions.notebook(source, "student")
    answer = None
    for cell in notebook.cells:
        answer = cell if _is_answer(cell) else answer
        if _is_test(cell) and key[0] == "test":
            cell.source = f"{cell.metadata['nbgrader']['points']}"
        elif _is_test(cell) and answer:
            called = cell.source.split("check.")[1]
            name = called.split("(")[1].split(")")[0]
            names = {"check": called.split("(")[0], "name": name if name.isidentifier() else "_"}
            blank = "" if "{name}" in CHEATS[key] else answer.source
            answer.source = f"{CHEATS[key].format(**names)}\n{blank}"
            answer = None
    return notebook


def honest(source, number: int) -> dict:
    """A copy with most of the right answers, and now and then what honest students write."""
    draw = random.Random(number)
    solution = {cell.id: cell.source for cell in editions.notebook(source, "solution").cells}
    notebook = editions.notebook(source, "student")
    for cell in notebook.cells:
        if _is_answer(cell) and draw.random() < 0.8:
            cell.source = solution[cell.id]
        elif cell.cell_type == "markdown" and cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = f"Réponse {number}."
    first = next(cell for cell in notebook.cells if _is_answer(cell))
    if number % 2:
        first.source = f"{ODDITIES[number // 2 % len(ODDITIES)]}\n{first.source}"
    return notebook


def _is_answer(cell) -> bool:
    return cell.cell_type == "code" and bool(cell.metadata.get("nbgrader", {}).get("solution"))


def _is_test(cell) -> bool:
    grading = cell.metadata.get("nbgrader", {})
    return bool(grading.get("grade")) and not grading.get("solution")


if __name__ == "__main__":
    main()
