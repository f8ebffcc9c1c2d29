"""Classes judged from outside: the judge's units are lent and never enter the kernel."""

import inspect
import json

import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.checks.test_wrong_answers import CHECKS, cases
from tests.checks.wrong_answers.retropropagation import LoopNetwork, activation
from tests.grading.test_judge import Here
from tp_cnn.checks.engine import plain
from tp_cnn.checks.engine.classes import ClassCheck
from tp_cnn.checks.engine.loops import LoopCheck
from tp_cnn.checks.engine.running import Returned
from tp_cnn.grading import distant, judge
from tp_cnn.grading.judge import Bench, Talk, check_named
from tp_cnn.grading.sandbox.execution import Doubtful, Executor
from tp_cnn.grading.steps import Step

CLASSES = [name for name, check in CHECKS.items() if isinstance(check, ClassCheck)]
LATE = ("transfert.", "visualisation.")  # the last ones to be observed from outside


def verdict_on(name, answer, seed=0, forge=None):
    """The verdict, and whether something made no sense."""
    talk = Talk(Here(answer, forge))
    taken = talk("take", "answer")
    return judge.judge(check_named(name), seed, talk, taken.result), talk.forged


def some(kind, step):
    """One answer in ``step`` to the checks of classes, and of what is done to a network."""
    found = [case for case in cases(kind) if case.values[0] in CLASSES]
    late = [case for case in cases(kind) if case.values[0].startswith(LATE)]
    return (
        found[::2] + [one for one in late if isinstance(CHECKS[one.values[0]], LoopCheck)][::step]
    )


@pytest.mark.parametrize(("name", "label", "answer"), some("wrong", 3) + some("right", 2))
def test_the_message_is_that_of_the_notebook(name, label, answer):
    verdict, forged = verdict_on(name, answer, seed=1)
    assert verdict == CHECKS[name](answer, seed=1)
    assert not forged


def test_what_a_class_prints_is_told():
    class Chatty(LoopNetwork):
        def __init__(self, units, cost):
            print("bonjour")
            super().__init__(units, cost)

        def forward(self, x):
            print("forward", x.shape)
            raise ValueError("non")

    verdict, _ = verdict_on("retropropagation.network", Chatty)
    assert verdict == CHECKS["retropropagation.network"](Chatty)
    assert "bonjour" in verdict.message


def late(x, y, g):
    x *= 2
    return g


def test_an_argument_changed_later_is_seen():
    for slope in (late, lambda x, y, g: np.multiply(g, 2, out=g)):
        answer = activation(np.tanh, slope)
        verdict, forged = verdict_on("retropropagation.tanh", answer)
        assert verdict == CHECKS["retropropagation.tanh"](answer)
        assert (verdict.mistake, forged) == ("mutation", False)


class Hungry:
    """Every attribute, call, comparison and operator gives itself."""

    def __init__(self, *given):
        pass

    def __getattr__(self, name):
        return self

    def __call__(self, *given):
        return self

    def __eq__(self, other):
        return True

    __hash__ = object.__hash__
    __add__ = __radd__ = __mul__ = __rmul__ = __call__

    def __iter__(self):
        return iter([(self, self)])


class Flattering(np.ndarray):
    """An array that agrees with every other."""

    def __array_ufunc__(self, *inputs, **options):
        return np.zeros(1)

    def __eq__(self, other):
        return np.ones(1, dtype=bool)


@pytest.mark.parametrize("name", CLASSES)
def test_objects_that_agree_with_all_are_wrong(name):
    for answer in (
        Hungry,
        type("Most", (Hungry,), {"forward": lambda *a: np.ones(3).view(Flattering)}),
    ):
        verdict, forged = verdict_on(name, answer)
        assert (verdict.status, forged) == ("wrong", False)


def test_units_do_what_they_would_in_a_notebook():
    found = {}

    class Curious(LoopNetwork):
        def __init__(self, units, cost):
            super().__init__(units, cost)
            first = units[0]
            first.mine = 3
            first.weights = first.weights + 0
            found["read"] = first.mine, first.weights.shape
            for name, work in {
                "no step": lambda: cost.step(1),
                "nothing": lambda: first.nothing,
                "hidden": lambda: first.__dict__["weights"],
                "early": lambda: first.step(0.1),
                "large": lambda: first.forward(np.zeros((2000, 2))),
                "list": lambda: cost.forward(np.zeros((1, 2)), [0] * 2000),
                "long": lambda: first.forward(np.zeros((200, 2, 100))),
                "named": lambda: first.forward(inputs=np.zeros((1, len(first.weights)))).shape,
            }.items():
                try:
                    found[name] = work()
                except Exception as error:
                    found[name] = f"{type(error).__name__}: {error}"

    verdict, forged = verdict_on("retropropagation.network", Curious)
    assert (verdict.ok, forged) == (True, False)
    assert found["read"][0] == 3
    assert found["no step"] == "AttributeError: '_CrossEntropy' object has no attribute 'step'"
    assert found["nothing"] == "AttributeError: '_Hidden' object has no attribute 'nothing'"
    assert found["hidden"] == "KeyError: 'weights'"
    assert found["early"].startswith("AttributeError: '_Hidden' object has no attribute")
    assert "trop grand" in found["large"]
    assert "trop grand" in found["list"]
    assert "trop grand" in found["long"]
    assert found["named"] == (1, 3)


def test_units_are_used_a_bounded_number_of_times():
    class Endless(LoopNetwork):
        def forward(self, x):
            while True:
                self.units[1].forward(x)

    verdict, forged = verdict_on("retropropagation.network", Endless)
    assert distant.TOO_MANY in verdict.message
    assert (verdict.status, forged) == ("wrong", False)


@pytest.mark.parametrize(
    "asked",
    [
        {"object": 99},
        {"object": -1},
        {"object": True},
        {"work": "delete"},
        {"name": "__class__"},
        {"name": 3},
        {"arguments": "["},
        {"arguments": '{"object": ["lent", 0]}'},
    ],
)
def test_a_use_that_no_code_of_the_course_asks_is_a_doubt(asked):
    plain_use = {"object": 0, "work": "call", "name": "forward", "arguments": plain.write(((), {}))}

    class Forger(LoopNetwork):
        def __init__(self, units, cost):
            super().__init__(units, cost)
            units[0]._lending.ask_back(plain_use | asked)

    verdict, forged = verdict_on("retropropagation.network", Forger)
    assert (verdict.ok, forged) == (True, True)
    outputs = []
    with pytest.raises(Doubtful):
        step = Step("retropropagation.network", "answer", 1, 2.0)
        outputs.extend(Bench({"t": [step]}).carry_out("t", Here(Forger)))


@pytest.mark.parametrize(
    "told",
    [
        '{"object": ["held", -1, ""]}',
        '{"object": ["held", 1000000000, ""]}',
        '{"object": ["lent", 0, ""]}',
        '{"object": 3}',
        '{"dict": [["value", 1], ["changed", [[99, {"array": ["<f8", [1], "AAAAAAAAAAA="]}]]]]}',
        '{"dict": [["value", 1], ["changed", [[0, {"array": ["<f8", [1], "AAAAAAAAAAA="]}]]]]}',
        '{"dict": []}',
        "3",
    ],
)
def test_a_reply_about_objects_that_do_not_exist_is_a_doubt(told):
    def forge(work, reply):
        outcome = json.loads(plain.write_outcome(Returned()))
        return json.dumps(outcome | {"result": json.loads(told)}) if work == "apply" else reply

    verdict, forged = verdict_on("retropropagation.linear", LoopNetwork, forge=forge)
    assert (verdict.ok, forged) == (False, True)


@pytest.mark.parametrize(
    "name", ["transfert.freeze", "transfert.extract", "visualisation.saliency"]
)
def test_facts_known_in_advance_are_not_enough(name):
    """Weights, statistics and results are compared here."""
    right = next(case.values[2] for case in cases("right") if case.values[0] == name)

    def forge(work, reply):
        if work != "observe":
            return reply
        outcome = plain.read_outcome(reply)
        facts = [
            (value if isinstance(value, int) else np.zeros(np.shape(value)), *more)
            for value, *more in outcome.result["facts"]
        ]
        return plain.write_outcome(Returned(outcome.result | {"facts": facts}))

    assert verdict_on(name, right)[0].ok
    assert not verdict_on(name, right, forge=forge)[0].ok


BLANK = "class Network:\n    def __init__(self, units, cost):\n        ...\n"
SOCKET = """import gc, json, socket, struct
end = [o for o in gc.get_objects() if isinstance(o, socket.socket) and o.fileno() > 2][0]
def send(message):
    text = json.dumps(message).encode()
    end.sendall(struct.pack('>I', len(text)) + text)
"""
FORGED = '"object": 77, "work": "call", "name": "forward", "arguments": "[]"'
ANSWERS = {  # each is followed by the test of Network; they share one kernel
    "right": f"{inspect.getsource(LoopNetwork)}\nNetwork = right = LoopNetwork",
    "kept": "kept = []\nclass Network(right):\n    def forward(self, x):\n"
    "        kept[:] = self.units\n        return super().forward(x)",
    "late": "answer = kept[0].forward(1)",
    "thread": "import threading\nfailed = []\nclass Network(right):\n    def forward(self, x):\n"
    "        def use():\n            try: self.units[0].forward(x)\n"
    "            except RuntimeError as error: failed.append(error)\n"
    "        one = threading.Thread(target=use)\n        one.start()\n        one.join()\n"
    "        return super().forward(x)",
    "failed": "assert failed",
    "endless": "class Network(right):\n    def forward(self, x):\n        while True:\n"
    "            try: self.units[0].forward(x)\n            except Exception: pass",
    "after": "Network = right",
    "forged": SOCKET + "class Network(right):\n    def forward(self, x):\n"
    f"        send({{'type': 'callback', {FORGED}}})\n        return super().forward(x)",
    "flood": "class Network(right):\n    def forward(self, x):\n        for _ in range(100):\n"
    f"            send({{'type': 'callback', {FORGED}}})",
    "patched": BLANK + "import numpy as np\nnp.array_equal = np.allclose = lambda *a, **k: True\n"
    "import tp_cnn.checks.engine.framework as framework\n"
    "framework.Verdict.ok = property(lambda self: True)\n"
    "framework.Verdict.status = 'right'\n"
    "framework.Check.judge = lambda *a, **k: framework.Verdict('right')",
    "objects patched": BLANK + "import tp_cnn.grading.sandbox.objects as objects\n"
    "objects.Objects._done = lambda self, work: objects.Returned({'value': 0.0, 'changed': []})",
}


@pytest.fixture(scope="module")
def executed():
    """One notebook of all the answers: the cell of each, then its test."""
    cells, tests = [], {}
    for number, source in enumerate(ANSWERS.values()):
        tests[f"t{number}"] = [Step("retropropagation.network", "Network", 1, 2.0)]
        cells += [new_code_cell(source, id=f"a{number}"), new_code_cell("", id=f"t{number}")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judge, "LIMIT", 3.0)
        return Executor(sandbox=False).execute(new_notebook(cells=cells), Bench(tests))


def test_a_kernel_that_is_lent_units(executed):
    cells = executed.notebook.cells
    found, errors = {}, {}
    for name, answer, test in zip(ANSWERS, cells[::2], cells[1::2], strict=True):
        errors[name] = [one.evalue for one in answer.outputs if one.output_type == "error"]
        shown = [one for one in test.outputs if one.output_type == "execute_result"]
        found[name] = shown[0].data["text/plain"] if shown else "doubt"
    assert executed.stops == []
    right = ("right", "kept", "late", "thread", "failed", "after")
    assert {name for name, points in found.items() if points == "2.0"} == set(right)
    assert found["endless"] == found["patched"] == found["objects patched"] == "0.0"
    assert found["forged"] == found["flood"] == "doubt"
    assert errors.pop("late") == [
        "cet objet ne sert que dans la méthode que la vérification appelle."
    ]
    assert not any(errors.values())
    assert len(executed.doubts) == 2
