"""Every check of every notebook against its table of right and wrong answers."""

import dataclasses
import functools
import importlib
import math
import pkgutil
import re

import numpy as np
import pytest
import torch
from torch import nn

import tp_cnn.checks
from tp_cnn.checks.engine.blocks import BlockCheck
from tp_cnn.checks.engine.classes import ClassCheck
from tp_cnn.checks.engine.compare import to_array
from tp_cnn.checks.engine.framework import Check, FunctionCheck, ValueCheck
from tp_cnn.checks.engine.loops import LoopCheck
from tp_cnn.checks.engine.networks import NetworkCheck
from tp_cnn.checks.engine.random_functions import RandomCheck
from tp_cnn.checks.engine.tables import TableCheck

MODULES = [module.name for module in pkgutil.iter_modules(tp_cnn.checks.__path__)]
CHECKS = {
    f"{module}.{name}": check
    for module in MODULES
    for name, check in vars(importlib.import_module(f"tp_cnn.checks.{module}")).items()
    if isinstance(check, Check)
}
SEEDS = [0, 1, 20260]
CHANGING = np.ndarray | torch.Tensor | list
FAR = 7919.5  # added to an answer, gives numbers that can come from nowhere else
# The fast tests take the first seed alone.
every_seed = pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=[pytest.mark.slow] * (seed > 0)) for seed in SEEDS]
)
every_check = pytest.mark.parametrize("name", CHECKS)


def answers_of(name):
    module, check = name.split(".")
    return importlib.import_module(f"tests.checks.wrong_answers.{module}").ANSWERS[check]


def cases(kind):
    """One case for each answer of one kind ("right" or "wrong") of each table."""
    found = []
    for name in CHECKS:
        answers = getattr(answers_of(name), kind)
        labelled = answers.items() if kind == "wrong" else enumerate(answers)
        for label, answer in labelled:
            found.append(pytest.param(name, label, answer, id=f"{name}-{label}"))
    return found


@every_check
def test_has_a_table_of_wrong_answers(name):
    answers, mistakes = answers_of(name), CHECKS[name].mistakes
    assert len(answers.right) >= 2
    assert len(answers.wrong) >= 3
    assert list(answers.wrong) == [mistake.name for mistake in mistakes]


@pytest.mark.parametrize("module", MODULES)
def test_table_has_no_answers_to_a_missing_check(module):
    names = {name.split(".")[1] for name in CHECKS if name.startswith(f"{module}.")}
    if names:
        assert set(importlib.import_module(f"tests.checks.wrong_answers.{module}").ANSWERS) == names


@every_seed
@pytest.mark.parametrize(("name", "label", "answer"), cases("right"))
def test_right_answer_is_accepted(name, label, answer, seed):
    verdict = CHECKS[name](answer, seed=seed, limit=0)
    assert verdict.ok, verdict


@pytest.mark.parametrize(("name", "label", "answer"), cases("wrong"))
def test_wrong_answer_is_named(name, label, answer, capsys):
    check = CHECKS[name]
    seed = SEEDS[list(answers_of(name).wrong).index(label) % len(SEEDS)]  # each seed in its turn
    verdict = check(answer, seed=seed, limit=0)
    printed = capsys.readouterr().out
    assert (verdict.status, verdict.mistake) == ("wrong", label)
    own = next(mistake.message for mistake in check.mistakes if mistake.name == label)
    assert own in printed
    unnamed = dataclasses.replace(check, mistakes=[])(answer, seed=seed, limit=0)
    assert (unnamed.status, unnamed.message) != ("wrong", verdict.message)
    assert own not in unnamed.message


@every_check
def test_mistakes_are_told_apart_by_their_message(name):
    mistakes = CHECKS[name].mistakes
    assert all(len(mistake.message) >= 15 and mistake.message[-1] in ".?" for mistake in mistakes)


def own(check):
    """The methods that a student writes."""
    written = vars(check.answer)
    return [name for name, one in written.items() if callable(one) and name != "__init__"]


def unwritten(check, body, name=""):
    """The right class, one of its methods or all of them still to write."""
    return type("Unwritten", (check.answer,), {one: body for one in own(check) if name in one})


@every_check
def test_placeholder_is_to_do(name):
    check = CHECKS[name]
    placeholders = [..., None]
    if isinstance(check, FunctionCheck | LoopCheck | NetworkCheck | BlockCheck):
        placeholders += [lambda *inputs: ..., lambda *inputs: None, lambda *inputs: [..., None]]
        placeholders += [lambda *inputs: 1 + ..., lambda *inputs: np.ones(3) * ...]
        placeholders += [lambda *inputs: (...).zero_grad()]
        placeholders += [lambda *inputs: nn.Sequential(..., nn.ReLU())]
        placeholders += [lambda *inputs: nn.Sequential(nn.Flatten(), nn.Linear(..., 10))]
    elif isinstance(check, ClassCheck):
        placeholders += [unwritten(check, lambda *inputs: ...)]
        placeholders += [unwritten(check, lambda *inputs: 1 + ...)]
        placeholders += [unwritten(check, lambda *inputs: 1 + ..., name) for name in own(check)]
    elif isinstance(check, TableCheck):
        full = [tuple(cells) for cells in check.answer.values()]
        empty = [tuple(... for _ in cells) for cells in full]
        placeholders += [[...] * len(full), dict.fromkeys(check.answer), empty]
        placeholders += [{**check.answer, next(iter(check.answer)): ...}]
    else:
        blank = np.full(to_array(check.answer).shape, ..., dtype=object)
        placeholders += [blank, blank.tolist()]
    assert {check(placeholder).status for placeholder in placeholders} == {"todo"}


@pytest.mark.parametrize(
    "name", [n for n, c in CHECKS.items() if isinstance(c, ValueCheck) and np.ndim(c.answer)]
)
def test_started_table_is_to_do(name):
    started = to_array(CHECKS[name].answer).astype(object)
    started.flat[-1] = ...
    verdict = CHECKS[name](started.tolist())
    assert (verdict.status, "1 case" in verdict.message) == ("todo", True)


class Hostile:
    """Raises whatever one does with it."""

    def refuse(self, *arguments, **named):
        raise RuntimeError("no")

    __repr__ = __str__ = __array__ = __len__ = __iter__ = __getitem__ = __float__ = __eq__ = refuse
    __hash__ = object.__hash__


def strange_values(wanted):
    """Answers of all kinds, most of them of the shape wanted."""
    shape = wanted.shape
    endless = []
    endless.append(endless)
    rng = np.random.default_rng(7)
    yield from (np.zeros(shape), np.ones(shape), np.full(shape, 1e300), rng.normal(size=shape))
    yield from (np.full(shape, np.nan), np.full(shape, -np.inf), 1j * wanted, wanted.astype(str))
    yield from (wanted > 0, torch.zeros(shape, dtype=torch.bfloat16), wanted + 0.7, -wanted - 1)
    yield from (wanted[None], torch.tensor(wanted)[..., None], [wanted.tolist(), []], [])
    yield from ("", "12", b"1", True, {}, {"a": 1}, {1}, object(), Hostile(), [Hostile()], endless)
    yield from (10**400, [10**400], print, len, nn.Linear(2, 2), nn.ReLU, range(3), iter([1]))
    yield from (torch.empty(shape, device="meta"), [[1, 2], [3]], NotImplemented, Exception("x"))


def strange_functions():
    def endless(*inputs):
        return endless(*inputs)

    def stop(*inputs):
        raise SystemExit

    def generator(*inputs):
        yield from inputs

    def fails(*inputs):
        raise ValueError("é" * 1000)

    class Surprise(BaseException):
        pass

    def surprises(*inputs):
        raise Surprise

    return [
        endless,
        stop,
        generator,
        fails,
        surprises,
        lambda: 1,
        lambda **named: 1,
        nn.ReLU(),
        int,
    ]


def strange_networks(image_shape):
    class Raises(nn.Linear):
        def __deepcopy__(self, memo):
            raise RuntimeError("no")

    class ReturnsPair(nn.Module):
        def forward(self, images):
            return images, images

    class Stops(nn.Module):
        def forward(self, images):
            raise SystemExit

    class Recursive(nn.Linear):
        def forward(self, images):
            return self(images)

    networks = [Raises(2, 2), ReturnsPair(), Stops(), Recursive(2, 2), nn.Identity()]
    networks += [nn.Sequential()]
    networks += [nn.LSTM(3, 2), nn.Embedding(3, 2), nn.Conv2d(1, 1, 99), nn.Conv1d(1, 1, 1)]
    networks += [nn.Sequential(nn.Flatten(), nn.LazyLinear(10)), nn.LazyLinear(2), nn.PReLU()]
    networks += [nn.ModuleList([nn.Linear(2, 2)]), nn.Conv2d(image_shape[0], 3, 3, device="meta")]
    return networks


def after_all(check, change):
    return lambda *inputs: change(check.answer(*inputs))


def slow_if_it_repeats(name):
    """A check of a random function, a loop or a class tries each strange answer many times."""
    repeats = isinstance(CHECKS[name], RandomCheck | LoopCheck | ClassCheck)
    return pytest.param(name, marks=[pytest.mark.slow] if repeats else [])


@pytest.mark.parametrize("name", [slow_if_it_repeats(name) for name in CHECKS])
def test_strange_answers_are_refused_quietly(name):
    check = CHECKS[name]
    if isinstance(check, ValueCheck):
        answers = list(strange_values(to_array(check.answer).astype(float)))
    elif isinstance(check, TableCheck):
        size = len(check.answer), len(check.columns)
        values = strange_values(np.ones(size))
        answers = list(values) + [[cell] * size[0] for cell in strange_values(np.ones(size[1]))]
        answers += [[(cell,) * size[1]] * size[0] for cell in strange_values(np.array(1.0))]
        answers += [dict(enumerate(answer)) for answer in answers if type(answer) is list]
    elif isinstance(check, BlockCheck):
        values = list(strange_values(np.ones(3)))
        answers = [lambda *sizes, kept=value: kept for value in values]
        answers += [value for value in values if not callable(value)]
        answers += strange_functions()
        blocks = [*strange_networks((3, 8, 8)), nn.Upsample(scale_factor=2), nn.Flatten()]
        answers += [lambda *sizes, kept=block: kept for block in blocks]
    elif isinstance(check, NetworkCheck):
        # An empty value is an unwritten function: to do.
        values = list(strange_values(np.ones(3)))
        answers = [lambda kept=value: kept for value in values]
        answers += [value for value in values if value is not print] + strange_functions()
        answers += strange_networks(check.image_shape)
    elif isinstance(check, ClassCheck):
        answers = list(strange_values(np.ones((2, 3)))) + strange_functions()
        answers += [Hostile, object, dict, nn.Linear, nn.ReLU, int, type, ValueError]
        answers += [
            type("Strange", (check.answer,), {name: lambda *inputs, kept=value: kept})
            for name in own(check)
            for value in strange_values(np.ones((2, 3)))
        ]
    elif isinstance(check, LoopCheck):
        answers = [lambda *inputs, kept=value: kept for value in strange_values(np.ones(()))]
        answers += [*strange_functions(), 12, "12", [1, 2], Hostile(), np.zeros(3)]
        answers += [after_all(check, lambda value: value + 0.5), after_all(check, str)]
        answers += [after_all(check, lambda value: math.nan), after_all(check, lambda value: None)]
    else:
        arguments = check.tries(np.random.default_rng(0))[0]
        wanted = to_array(check.answer(*arguments)).astype(float)
        # `kept` freezes the value of the loop: the function is called later.
        answers = [lambda *inputs, kept=value: kept for value in strange_values(wanted)]
        answers += [*strange_functions(), 12, "12", [1, 2], Hostile(), np.zeros(3)]
        answers.append(lambda *inputs: 0 * to_array(check.answer(*inputs)))
        answers.append(lambda *inputs: np.full_like(to_array(check.answer(*inputs)), np.nan))
        rng = np.random.default_rng(3)
        answers.append(lambda *inputs: rng.normal(size=to_array(check.answer(*inputs)).shape))
    for answer in answers:
        verdict = check(answer)
        assert verdict.status == "wrong", verdict


def takes_something_that_changes(check):
    if not isinstance(check, FunctionCheck):
        return False
    arguments = check.tries(np.random.default_rng(0))[0]
    return any(isinstance(argument, CHANGING) for argument in arguments)


@pytest.mark.parametrize(
    "name", [name for name, check in CHECKS.items() if takes_something_that_changes(check)]
)
def test_input_may_not_be_modified(name):
    check = CHECKS[name]

    def careless(*inputs):
        result = check.answer(*inputs)
        for value in inputs:
            if isinstance(value, np.ndarray | torch.Tensor):
                value += 1
            elif isinstance(value, list):
                value.pop()
        return result

    assert check(careless).mistake == "mutation"


@pytest.mark.parametrize("name", [n for n, c in CHECKS.items() if isinstance(c, ClassCheck)])
def test_a_class_may_not_modify_what_it_is_given(name):
    check = CHECKS[name]

    class Careless(check.answer):
        def forward(self, inputs, *more):
            result = super().forward(inputs, *more)
            inputs += 1
            return result

    if not hasattr(check.answer, "forward"):
        pytest.skip("it is given numbers only")
    assert check(Careless).mistake == "mutation"


WITH_VALUES = [n for n, c in CHECKS.items() if not isinstance(c, NetworkCheck | BlockCheck)]


def numbers(text):
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", text)]


@pytest.mark.parametrize("name", WITH_VALUES)
def test_right_answer_is_never_printed(name, capsys):
    """Move the right answer far away: none of its values may be in what is printed."""
    check, answers = CHECKS[name], answers_of(name)
    secrets = set()

    def far(value):
        secrets.update((to_array(value) + FAR).flatten().tolist())
        return to_array(value) + FAR

    def far_facts(found):
        moved = [dataclasses.replace(fact, value=far(fact.value)) for fact in found.facts]
        return dataclasses.replace(found, facts=moved)

    if isinstance(check, ValueCheck):
        moved = dataclasses.replace(check, answer=far(check.answer))
    elif isinstance(check, TableCheck):
        table = {row: [far(cell) for cell in cells] for row, cells in check.answer.items()}
        moved = dataclasses.replace(check, answer=table)
    elif isinstance(check, ClassCheck):
        moved = dataclasses.replace(check)
        moved.observe = lambda kind, tries: (
            far_facts(check.observe(kind, tries))
            if kind is check.answer
            else check.observe(kind, tries)
        )
    else:
        wrapped = functools.wraps(check.answer)(lambda *inputs: far(check.answer(*inputs)))
        moved = dataclasses.replace(check, answer=wrapped)
    for answer in [*answers.right, *answers.wrong.values()]:
        assert moved(answer).status == "wrong"
    printed = numbers(capsys.readouterr().out)
    assert secrets
    assert not [number for number in printed for secret in secrets if abs(number - secret) < 0.01]


@every_check
def test_messages_of_mistakes_do_not_hold_the_answer(name):
    check = CHECKS[name]
    if isinstance(check, ValueCheck):
        right = to_array(check.answer).flatten().tolist()
        for mistake in check.mistakes:
            found = numbers(mistake.message)
            windows = [found[i : i + len(right)] for i in range(len(found))]
            assert not any(np.array_equal(window, right) for window in windows)
