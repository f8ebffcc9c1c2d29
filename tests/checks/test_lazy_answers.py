"""What costs nothing to write is never right, for every check that exists or will.

Checks are found by walking `tp_cnn.checks`, and lazy answers are made from the inputs and the right
answer of each: nothing is written here by hand for one of them.
"""

import copy
import dataclasses
import importlib
import math
import pkgutil

import numpy as np
import pytest
import torch
from torch import nn

import tp_cnn.checks
from tp_cnn.checks.engine.blocks import BlockCheck
from tp_cnn.checks.engine.classes import ClassCheck
from tp_cnn.checks.engine.compare import Unreadable, difference, to_array
from tp_cnn.checks.engine.framework import Check, FunctionCheck, ValueCheck
from tp_cnn.checks.engine.loops import LoopCheck
from tp_cnn.checks.engine.networks import NetworkCheck
from tp_cnn.checks.engine.tables import TableCheck

MODULES = [one.name for one in pkgutil.walk_packages(tp_cnn.checks.__path__, "tp_cnn.checks.")]
FOUND = {
    id(check): (f"{module.removeprefix('tp_cnn.checks.')}.{name}", check)
    for module in MODULES
    for name, check in vars(importlib.import_module(module)).items()
    if isinstance(check, Check)
}
CHECKS = dict(FOUND.values())
KINDS = (ValueCheck, TableCheck, FunctionCheck, NetworkCheck, BlockCheck, LoopCheck, ClassCheck)
SEEDS = [0, 1]
OTHER_SEED = 77
SCALARS = [0, 1, -1, math.nan, math.inf, True, 0.5]
OBJECTS = ["", "0", "texte", [], (), {}, np.empty(0), torch.empty(0), [[]], object(), print]


def of_kind(kind):
    names = [name for name, check in CHECKS.items() if isinstance(check, kind)]
    return pytest.mark.parametrize("name", names)


def every_seed(function):
    """The fast tests take the first seed alone."""
    seeds = [pytest.param(seed, marks=[pytest.mark.slow] * (seed > 0)) for seed in SEEDS]
    return pytest.mark.parametrize("seed", seeds)(function)


def test_every_check_is_of_a_known_kind():
    """A new kind needs its own lazy answers here."""
    assert len(CHECKS) > 60
    assert all(isinstance(check, KINDS) for check in CHECKS.values())


def refuse(check, answers, seed):
    """None of these answers, by name, must be right; which mistake each is does not matter."""
    nameless = dataclasses.replace(check, mistakes=[])
    right = [label for label, answer in answers.items() if nameless(answer, seed=seed, limit=0).ok]
    assert right == []


def shape_of(value):
    try:
        return to_array(value).shape
    except Unreadable:
        return ()


def constants(shapes):
    """Values of these shapes that do not depend on anything."""
    found = {f"{value!r}": value for value in SCALARS}
    found |= {f"object {rank}": value for rank, value in enumerate(OBJECTS)}
    rng = np.random.default_rng(3)
    for shape in {*shapes, (), (1,), (1, 1)}:
        for number in (0.0, 1.0, 0.5, -1.0, math.nan):
            found[f"{number} {shape}"] = np.full(shape, number)
            found[f"tensor {number} {shape}"] = torch.full(shape, number)
        found[f"whole {shape}"] = np.zeros(shape, int).tolist()
        found[f"random {shape}"] = rng.normal(size=shape)
        found[f"draws {shape}"] = torch.tensor(rng.integers(10, size=shape))
    return found


# Values and tables


@every_seed
@of_kind(ValueCheck)
def test_lazy_values(name, seed):
    check = CHECKS[name]
    answers = constants([shape_of(check.answer)])
    right = to_array(check.answer)
    # Where the question's answer is 0 or 1, or that everywhere, it is no laziness.
    excused = [label for label, value in answers.items() if is_same(value, right, check.tolerance)]
    assert all(np.unique(right).size == 1 for label in excused)
    refuse(check, {label: answers[label] for label in answers if label not in excused}, seed)
    functions = {label: lambda kept=value: kept for label, value in answers.items()}
    refuse(check, functions, seed)


def is_same(value, right, tolerance):
    return difference(value, right, tolerance) is None


@every_seed
@of_kind(TableCheck)
def test_lazy_tables(name, seed):
    check = CHECKS[name]
    size = len(check.answer), len(check.columns)
    cells = [*SCALARS, *OBJECTS[:3], *(cell for row in check.answer.values() for cell in row)]
    answers = constants([size, size[:1]])
    for rank, cell in enumerate(cells):
        row = [cell] * size[1] if size[1] > 1 else cell
        answers[f"everywhere {rank}"] = [row] * size[0]
        answers[f"by name {rank}"] = dict.fromkeys(check.answer, row)
    rows = [list(row) if size[1] > 1 else row[0] for row in check.answer.values()]
    answers |= {f"row {rank} everywhere": [row] * size[0] for rank, row in enumerate(rows)}
    answers["rows backwards"] = rows[::-1]
    refuse(check, answers, seed)


# Functions


@every_seed
@of_kind(FunctionCheck)
def test_lazy_constant_functions(name, seed):
    check = CHECKS[name]
    tries = check.tries(np.random.default_rng(seed))
    shapes = [shape_of(check.answer(*arguments)) for arguments in tries]
    shapes += [shape_of(one) for arguments in tries for one in arguments]
    functions = {
        label: lambda *arguments, kept=value: kept for label, value in constants(shapes).items()
    }
    refuse(check, functions, seed)


@every_seed
@of_kind(FunctionCheck)
def test_functions_of_nothing_but_their_arguments_or_the_right_shape(name, seed):
    check = CHECKS[name]
    rng = np.random.default_rng(3)

    def like(change):
        return lambda *arguments: change(to_array(check.answer(*arguments)).astype(float))

    functions = {
        "zeros": like(np.zeros_like),
        "ones": like(np.ones_like),
        "half": like(lambda right: np.full_like(right, 0.5)),
        "NaN": like(lambda right: np.full_like(right, np.nan)),
        "random": like(lambda right: rng.normal(size=right.shape)),
        "mean": like(mean_of),
        "one more axis": like(lambda right: right[None, None]),
        "text": like(str),
        "all the arguments": lambda *arguments: arguments,
    }
    count = len(check.tries(np.random.default_rng(seed))[0])
    for rank in range(count):
        for label, change in ARGUMENT.items():
            functions[f"{label} {rank}"] = lambda *arguments, rank=rank, change=change: change(
                arguments[rank]
            )
    refuse(check, functions, seed)


def mean_of(right):
    constant = np.unique(right).size == 1
    return np.full_like(right, np.nan if constant else right.mean())


ARGUMENT = {
    "argument": lambda one: one,
    "negated": lambda one: -one,
    "mean": lambda one: np.mean(to_array(one)),
    "sum": lambda one: np.sum(to_array(one)),
    "largest": lambda one: np.max(to_array(one)),
    "shape": lambda one: tuple(one.shape),
    "size": lambda one: to_array(one).size,
    "length": len,
    "zeros": lambda one: one * 0,
    "first": lambda one: one[0],
}


@every_seed
@of_kind(FunctionCheck)
def test_no_argument_may_be_ignored(name, seed):
    check = CHECKS[name]
    tries = check.tries(np.random.default_rng(seed))
    others = check.tries(np.random.default_rng(OTHER_SEED))
    functions = {}
    for rank in range(len(tries[0])):
        for label, source in {"first": tries[0], "last": tries[-1], "other": others[-1]}.items():
            frozen = source[rank]
            if not all(equal(arguments[rank], frozen) for arguments in tries):
                functions[f"{label} {rank}"] = frozen_argument(check, rank, frozen)
        assert any(label.endswith(f" {rank}") for label in functions), f"argument {rank} is fixed"
    refuse(check, functions, seed)


def frozen_argument(check, rank, frozen):
    return lambda *arguments: check.answer(*arguments[:rank], frozen, *arguments[rank + 1 :])


def equal(one, other):
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return np.shape(one) == np.shape(other) and np.array_equal(np.asarray(one), np.asarray(other))


@every_seed
@of_kind(FunctionCheck)
def test_the_first_right_answer_for_ever(name, seed):
    check = CHECKS[name]
    kept = []

    def first(*arguments):
        kept.append(check.answer(*arguments) if not kept else kept[0])
        return kept[0]

    refuse(check, {"first": first}, seed)


@of_kind(FunctionCheck)
def test_what_is_right_on_the_visible_inputs_alone_fails_on_the_hidden_ones(name):
    check = CHECKS[name]
    visible = check.tries(np.random.default_rng(0))

    def written(*arguments):
        known = any(all(map(equal, arguments, one)) for one in visible)
        right = check.answer(*arguments)
        return right if known else to_array(right) * 0 + 12345

    assert check(written, seed=0).ok
    assert not check(written, seed=1).ok


# Classes


def methods(check):
    return [one for one, value in vars(check.answer).items() if callable(value)]


def with_method(check, name, body):
    return type("Lazy", (check.answer,), {name: body})


def like_the_right_one(check, name, change):
    """The right class, but for what one of its methods returns."""
    right = getattr(check.answer, name)

    def method(self, *arguments):
        result = right(self, *arguments)
        return result if result is None or np.size(result) == 0 else change(np.array(result))

    return with_method(check, name, method)


@every_seed
@of_kind(ClassCheck)
def test_lazy_classes(name, seed):
    check = CHECKS[name]
    answers = {f"object {rank}": value for rank, value in enumerate([*OBJECTS, *SCALARS])}
    answers |= {"object": object, "empty": type("Empty", (), {}), "function": lambda *inputs: 0}
    for method in methods(check):
        for label, value in constants([(2, 3)]).items():
            if method != "__init__" and not label.startswith(("tensor", "draws", "whole")):
                answers[f"{method} {label}"] = with_method(
                    check, method, lambda *inputs, kept=value: kept
                )
        for rank in (1, 2):
            answers[f"{method} argument {rank}"] = with_method(
                check, method, lambda *inputs, rank=rank: inputs[rank]
            )
    returning = {"forward", "backward", "learn"} if "forward" in methods(check) else set()
    for method in returning & set(methods(check)):
        for label, change in {"zeros": np.zeros_like, "half": lambda one: one / 2}.items():
            answers[f"{method} {label}"] = like_the_right_one(check, method, change)
    refuse(check, answers, seed)


@of_kind(ClassCheck)
def test_no_method_of_a_class_may_be_missing(name):
    """Nor do nothing, if it is one that returns nothing."""
    check = CHECKS[name]
    for method in methods(check):
        answer = with_method(check, method, property(lambda self: self.nothing))
        assert not check(answer).ok or method == "step", method
    if "step" in methods(check) and "network" not in name:
        assert not check(with_method(check, "step", lambda *inputs: None)).ok


@of_kind(ClassCheck)
def test_a_class_that_is_right_on_the_visible_inputs_alone_fails_on_the_hidden_ones(name):
    check = CHECKS[name]
    facts = [fact.value for fact in check.observe(check.answer, visible(check, 0)).facts]
    hidden = [fact.value for fact in check.observe(check.answer, visible(check, 1)).facts]
    same = [equal(one, other) for one, other in zip(facts, hidden, strict=True)]
    assert not all(same)
    assert len(visible(check, 0)) >= 2


def visible(check, seed):
    return check.tries(np.random.default_rng(seed))


# Networks


def right_network(check):
    network = copy.deepcopy(check.answer[0]).to_empty(device="cpu")
    for layer in network.modules():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    return network


class Detach(nn.Module):
    def forward(self, values):
        return values.detach()


class NoGradient(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    @torch.no_grad()
    def forward(self, images):
        return self.network(images)


def filled(network, value):
    for weights in network.parameters():
        nn.init.constant_(weights, value)
    return network


def one_layer(network, change):
    """The network, after ``change`` on its first layer with weights."""
    change(next(layer for layer in network if list(layer.parameters())))
    return network


def cut(network):
    """Nothing but the layers after the first one with weights gets a gradient."""
    layers = list(network)
    first = next(rank for rank, layer in enumerate(layers) if list(layer.parameters()))
    return nn.Sequential(*layers[: first + 1], Detach(), *layers[first + 1 :])


def lazy_networks(check):
    frozen = right_network(check).requires_grad_(False)
    return {
        "empty": nn.Sequential(),
        "identity": nn.Identity(),
        "flatten": nn.Flatten(),
        "relu": nn.ReLU(),
        "frozen": frozen,
        "one frozen": one_layer(right_network(check), lambda layer: layer.requires_grad_(False)),
        "zero": filled(right_network(check), 0.0),
        "ones": filled(right_network(check), 1.0),
        "one zero": one_layer(right_network(check), lambda layer: filled(layer, 0.0)),
        "detached": nn.Sequential(*right_network(check), Detach()),
        "cut": cut(right_network(check)),
        "no gradient": NoGradient(right_network(check)),
        "meta": copy.deepcopy(check.answer[0]).to_empty(device="meta"),
    }


@every_seed
@of_kind(NetworkCheck)
def test_lazy_networks(name, seed):
    check = CHECKS[name]
    networks = lazy_networks(check)
    refuse(check, networks, seed)
    refuse(check, {label: lambda one=one: one for label, one in networks.items()}, seed)
    values = constants([check.image_shape])
    refuse(check, values, seed)
    refuse(check, {label: lambda kept=value: kept for label, value in values.items()}, seed)


@every_seed
@of_kind(NetworkCheck)
def test_a_network_must_be_new_at_each_call(name, seed):
    check = CHECKS[name]
    network = right_network(check)
    shared = next(layer for layer in network if list(layer.parameters()))

    def around():
        """Another object, around one layer that is always the same."""
        layers = [shared if list(layer.parameters()) else layer for layer in network]
        first = layers.index(shared)
        return nn.Sequential(*network[:first], shared, *list(right_network(check))[first + 1 :])

    assert check(network, seed=seed, limit=0).ok is not check.built
    assert check(lambda: right_network(check), seed=seed).ok
    answers = {"same": lambda: network, "same layer": around}
    refuse(check, answers, seed)
    assert check(lambda: network, seed=seed).mistake == "same-object"


# Blocks


def right_block(check, change):
    """Builds the right block, then does something to it."""

    def build(*sizes):
        block = check.answer(*sizes)
        return change(block) or block

    return build


def lazy_blocks(check):
    def one_frozen(block):
        next(block.parameters()).requires_grad_(False)

    builders = {
        "identity": lambda *sizes: nn.Identity(),
        "empty": lambda *sizes: nn.Sequential(),
        "relu": lambda *sizes: nn.ReLU(),
        "frozen": right_block(check, lambda block: block.requires_grad_(False)),
        "one frozen": right_block(check, one_frozen),
        "zero": right_block(check, lambda block: filled(block, 0.0)),
        "ones": right_block(check, lambda block: filled(block, 1.0)),
        "detached": right_block(check, lambda block: nn.Sequential(block, Detach())),
        "no gradient": right_block(check, NoGradient),
        "unused layer": right_block(
            check, lambda block: block.add_module("more", nn.Linear(2, 2)) or block
        ),
    }
    for rank, (sizes, _) in enumerate(check.tries):
        builders[f"sizes {rank} for ever"] = lambda *_, kept=sizes: check.answer(*kept)
    for rank in range(len(check.names)):
        kept = check.tries[0][0][rank]
        builders[f"argument {rank}"] = lambda *sizes, rank=rank, kept=kept: check.answer(
            *sizes[:rank], kept, *sizes[rank + 1 :]
        )
    return builders


@every_seed
@of_kind(BlockCheck)
def test_lazy_blocks(name, seed):
    check = CHECKS[name]
    refuse(check, lazy_blocks(check), seed)
    values = constants([shape for _, shape in check.tries])
    refuse(check, values, seed)
    refuse(check, {label: lambda *sizes, kept=value: kept for label, value in values.items()}, seed)


@every_seed
@of_kind(BlockCheck)
def test_a_block_must_be_new_at_each_call(name, seed):
    check, blocks = CHECKS[name], {}

    def kept(*sizes):
        return blocks.setdefault(sizes, check.answer(*sizes))

    assert check(check.answer, seed=seed).ok
    assert check(kept, seed=seed).mistake == "same-object"


# Loops


def first_model(arguments):
    return next(one for one in arguments if isinstance(one, nn.Module))


def right_then(check, change):
    """The right function, then something done to the network."""

    def function(*arguments):
        result = check.answer(*arguments)
        change(first_model(arguments))
        return result

    return function


def lazy_loops(check):
    def eval_within(*arguments):
        model = first_model(arguments).eval()
        own, model.train = model.train, lambda mode=True: model
        try:
            return check.answer(*arguments)
        finally:
            model.train = own

    def gradients_off(*arguments):
        result = check.answer(*arguments)
        torch.set_grad_enabled(False)
        return result

    def moved(model):
        with torch.no_grad():
            next(model.parameters()).add_(0.1)

    def one_weight(model):
        with torch.no_grad():
            list(model.parameters())[-1][-1] += 0.1

    return {
        "right, then weights moved": right_then(check, moved),
        "right, then one weight moved": right_then(check, one_weight),
        "right, then gradients off": gradients_off,
        "right, then frozen": right_then(check, lambda model: model.requires_grad_(False)),
        **(
            {
                "right, then eval": right_then(check, lambda model: model.eval()),
                "eval all along": eval_within,
            }
            if check.trains
            else {}
        ),
    }


@every_seed
@of_kind(LoopCheck)
def test_lazy_loops(name, seed):
    check = CHECKS[name]
    functions = {"nothing": lambda *arguments: None}
    for label, value in constants([(3,), (4,), (12,)]).items():
        functions[label] = lambda *arguments, kept=value: kept
    for rank in range(len(check.names)):
        functions[f"argument {rank}"] = lambda *arguments, rank=rank: arguments[rank]
    refuse(check, functions, seed)
    refuse(check, lazy_loops(check), seed)
    assert torch.is_grad_enabled()


@every_seed
@of_kind(LoopCheck)
def test_no_argument_of_a_loop_may_be_ignored(name, seed):
    check = CHECKS[name]
    seen = []

    def spy(*arguments):
        seen.append(copy.deepcopy(arguments))
        return check.answer(*arguments)

    assert check(spy, seed=OTHER_SEED).ok
    functions = {
        f"argument {rank}": frozen_argument(check, rank, seen[-1][rank])
        for rank in range(len(check.names))
    }
    refuse(check, functions, seed)


@of_kind(LoopCheck)
def test_a_loop_that_is_right_on_the_visible_inputs_alone_fails_on_the_hidden_ones(name):
    """And one that gives the visible results without a look at the inputs."""
    check = CHECKS[name]
    results, inputs = [], set()

    def key(arguments):
        return round(float(sum(one.double().sum() for one in tensors(arguments))), 6)

    def spy(*arguments):
        inputs.add(key(arguments))
        results.append(check.answer(*arguments))
        return results[-1]

    assert check(spy, seed=0).ok
    again = iter([*results])

    def replayed(*arguments):
        """The visible results, after what the right function does."""
        check.answer(*arguments)
        return next(again)

    def written(*arguments):
        return check.answer(*arguments) if key(arguments) in inputs else 0.5

    assert check(written, seed=0).ok
    assert not check(written, seed=1).ok
    visible = [*results]
    results.clear()
    assert check(spy, seed=1).ok
    same = all(map(equal, visible, results))  # a schedule depends on no image
    assert check(replayed, seed=1).ok == same


def tensors(values):
    """All the tensors of floating point in nested lists, the weights of networks among them."""
    if isinstance(values, nn.Module):
        return list(values.parameters())
    if isinstance(values, torch.Tensor):
        return [values] if values.is_floating_point() else []
    if isinstance(values, list | tuple):
        return [one for value in values for one in tensors(value)]
    return []
