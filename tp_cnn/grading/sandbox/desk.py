"""What a kernel does for the judge, who stands outside: it runs the student's code on what arrives.

Everything that comes in and goes out is plain (see `checks.engine.plain`). Nothing here knows a
right answer: what is told may be forged, and is then only another answer of the student's, which
the judge compares with the right one.
"""

import copy
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode

from tp_cnn.checks.engine import loops, plain, readings, schedules, transfers
from tp_cnn.checks.engine.calls import Refused, restart_draws
from tp_cnn.checks.engine.functional import ARGUMENTS, own_weights
from tp_cnn.checks.engine.limits import time_limit
from tp_cnn.checks.engine.running import Failure, Returned, plain_call
from tp_cnn.checks.engine.traces import has_weights
from tp_cnn.grading.sandbox.objects import Objects

OBSERVED = (
    loops.TrainingStepCheck,
    loops.EvaluationCheck,
    schedules.TrainingLoopCheck,
    transfers.FreezeCheck,
    transfers.LastLayerCheck,
    transfers.FineTuneCheck,
    transfers.ExtractCheck,
    readings.MapsCheck,
    readings.AscentCheck,
    readings.LabelCheck,
    readings.OcclusionCheck,
    readings.AdversarialCheck,
)


class Desk:
    """Holds the answer that is being judged, and what it built: networks, or objects."""

    def __init__(self, names: dict, ask_back: Callable[[dict], str]):
        """``ask_back`` asks the judge for something, while a work is done for it."""
        self.names, self.ask_back = names, ask_back  # names of the notebook
        self.answer: object = None
        self.objects = Objects(None, ask_back)
        self.networks: list[nn.Module] = []
        self.originals: list = []  # kept alive, so that identities stay theirs
        self.draws: Tensor | None = None  # PyTorch's random state, for the answer only

    def work(self, request: dict) -> dict:
        """The reply to a request ``{"ask": number, "work": name, "arguments": text, "limit": s}``.

        The time that a work takes is limited, and told as a check tells it.
        """
        on_objects = {
            "read": self.objects.read,
            "apply": self.objects.apply,
            "operate": self.objects.operate,
        }
        works = {
            "take": self.take,
            "call": self.call,
            "build": self.build,
            "forward": self.forward,
            "observe": self.observe,
            **on_objects,
        }
        refer = self.objects.refer if request["work"] in on_objects else None
        reply = {"type": "reply", "ask": request["ask"]}
        precision = torch.get_default_dtype()
        torch.set_default_dtype(torch.float32)  # in which the judge draws, whatever a notebook sets
        try:
            with time_limit(request["limit"]):
                arguments = plain.read(request["arguments"], self.objects.find)
                outcome = works[request["work"]](*arguments)
            return {**reply, "outcome": plain.write_outcome(outcome, refer)}
        except BaseException as error:  # late: the time was up, or the result cannot be written
            kind = "exception" if isinstance(error, Exception) else "time"
            failure = Failure(kind, str(error)[:200], (type(error).__name__,))
            return {**reply, "outcome": plain.write_outcome(Returned(failure=failure))}
        finally:
            torch.set_default_dtype(precision)

    def take(self, expression: str) -> Returned:
        """The value of a test's argument, and what it is: a function and a network stay here."""
        found = plain_call(lambda: eval(expression, self.names), ())
        self.hold(found.result)
        return self._told(found)

    def hold(self, answer: object) -> str:
        """Take an answer to be judged; returns what `take` tells of it, as text."""
        self.answer, self.networks, self.originals = answer, [], []
        self.objects = Objects(answer, self.ask_back)
        with torch.random.fork_rng(devices=[]):
            restart_draws(0)
            self.draws = torch.get_rng_state()
        return plain.write_outcome(self._told(Returned(answer)))

    def _told(self, found: Returned) -> Returned:
        kind = "value"
        if isinstance(found.result, nn.Module):
            kind = "network"
        elif isinstance(found.result, type):
            kind = "class"
        elif callable(found.result):
            kind = "function"
        return Returned({"kind": kind, "value": found.result}, found.failure)

    def call(self, arguments: tuple) -> Returned:
        """Call the answer, a function, on copies of ``arguments``."""
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self.draws)
            outcome = plain_call(self.answer, arguments)
            self.draws = torch.get_rng_state()
        return outcome

    # A network: what it is made of, then what goes through it with weights that the judge drew

    def build(self, arguments: tuple) -> Returned:
        """Keep a copy of the network that the answer is, or builds; tell what it is made of."""
        answer = self.answer
        built = isinstance(answer, nn.Module)
        outcome = Returned(answer) if built else plain_call(answer, arguments)
        network = outcome.result
        if outcome.failure or not isinstance(network, nn.Module):
            return outcome
        self.originals.append(network)
        if network is answer or not any(map(is_lazy, network.buffers())):
            copied = plain_call(lambda: _copy(network), ())
            if copied.failure:
                return copied
            self.networks.append(copied.result)
        else:  # PyTorch cannot copy a lazy normalisation
            self.networks.append(network)
        return plain_call(lambda: _description(len(self.networks) - 1, network), ())

    def forward(self, rank: int, training: bool, state: list, images: Tensor, draws: Tensor, graph):
        """Run a network on images.

        Args:
            state: its weights and what else it keeps, in the order of `_state`; None for those
                that get their size from the first images.
            graph: whether gradients are asked for.
        """
        network, events, kept = self.networks[rank], [], []
        told = {"events": events, "result": None, "state": [], "reached": []}

        def run() -> object:
            network.train(training)
            _load(network, state)
            hooks = list(_hooks(network, events, kept))
            try:
                with Calls(network, events, kept):
                    result = network(images)
            finally:
                for hook in hooks:
                    hook.remove()
            told["reached"] = _reached(network, result) if graph else []
            return result

        with torch.random.fork_rng(devices=[]), torch.set_grad_enabled(graph):
            torch.set_rng_state(draws)
            outcome = plain_call(run, ())
        told |= {"result": outcome.result, "state": _state(network)}
        return Returned(told, outcome.failure, printed=outcome.printed)

    def observe(self, kind: str, seed: int) -> Returned:
        """What the answer, a training step or a loop, does to a small network drawn here."""
        check = next(one for one in OBSERVED if one.__name__ == kind)("", answer=None, mistakes=())
        try:
            found = check.seen_of(self.answer, seed)
        except Refused as refusal:
            return Returned({"refused": _refusal(refusal)})
        facts = [(one.value, one.sentence, one.when, one.vague) for one in found.seen.facts]
        trials = [(one.result, one.call, one.printed) for one in found.trials]
        end = found.refusal and _refusal(found.refusal)
        told = {"facts": facts, "clues": found.seen.clues, "trials": trials, "ran": found.ran}
        return Returned({**told, "refusal": end})


def _refusal(refusal: Refused) -> tuple:
    return str(refusal), refusal.mistake, refusal.status, refusal.error, refusal.clue


def _copy(network: nn.Module) -> nn.Module:
    return copy.deepcopy(network).cpu().float()


def _state(network: nn.Module) -> list:
    found = (*network.parameters(), *network.buffers())
    return [None if is_lazy(one) else one.detach() for one in found]


def _load(network: nn.Module, state: list) -> None:
    with torch.no_grad():
        for mine, given in zip((*network.parameters(), *network.buffers()), state, strict=True):
            if given is not None and not is_lazy(mine):
                mine.copy_(given)


def _hooks(network: nn.Module, events: list, kept: list) -> Iterator:
    """Note what goes in and out of each layer with weights, by its name."""
    for name, layer in network.named_modules():
        if not name or not has_weights(layer):
            continue

        def enter(layer, inputs, name=name):
            events.append(("enter", name, _identified(inputs[0], kept)))

        def leave(layer, inputs, output, name=name):
            events.append(("leave", name, _identified(output, kept)))

        yield layer.register_forward_pre_hook(enter)
        yield layer.register_forward_hook(leave)


def _identified(one: Tensor, kept: list) -> tuple[int, Tensor]:
    """A tensor as it is now, and its identity, which no other takes as long as it is kept."""
    kept.append(one)
    return id(one), one.detach().clone()


class Calls(TorchFunctionMode):
    """Notes the calls of PyTorch's functions on weights of the network (see `functional`)."""

    def __init__(self, network: nn.Module, events: list, kept: list):
        super().__init__()
        self.own = {id(one): (0, rank) for rank, one in enumerate(network.parameters())}
        self.own |= {id(one): (1, rank) for rank, one in enumerate(network.buffers())}
        self.weights = {id(one) for one in own_weights(network).values()}
        self.events = events

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = getattr(function, "__name__", "")
        given = dict(zip(ARGUMENTS.get(name, ()), args, strict=False)) | kwargs
        if name in ARGUMENTS and id(given.get("weight")) in self.weights:
            told = {key: self._value(one) for key, one in given.items()}
            self.events.append(("function", name, told))
        return function(*args, **kwargs)

    def _value(self, one: object) -> object:
        if id(one) in self.own:
            kept, rank = self.own[id(one)]
            return {"kept": kept, "rank": rank}
        return one.detach().clone() if isinstance(one, Tensor) else one


def _reached(network: nn.Module, result: object) -> list[int]:
    """The ranks of the weights that a gradient reaches."""
    weights = list(network.parameters())
    if not isinstance(result, Tensor) or not result.requires_grad:
        return []
    wanted = [one for one in weights if one.requires_grad]
    found = torch.autograd.grad(result.square().sum(), wanted, allow_unused=True)
    reached = {id(one) for one, gradient in zip(wanted, found, strict=True) if gradient is not None}
    return [rank for rank, one in enumerate(weights) if id(one) in reached]


def _description(rank: int, network: nn.Module) -> dict:
    """What a network is made of: its modules, their settings, and which of them share weights."""
    weights, kept = list(network.parameters()), list(network.buffers())
    return {
        "rank": rank,
        "modules": [_module(name, one, weights, kept) for name, one in network.named_modules()],
        "weights": [(id(one), one.requires_grad, _values(one)) for one in weights],
        "kept": [_values(one) for one in kept],
    }


def _values(one: Tensor) -> Tensor | None:
    return None if is_lazy(one) else one.detach()


def _module(name: str, module: nn.Module, weights: list, kept: list) -> dict:
    own = type(module)
    of_torch = [kind.__name__ for kind in own.__mro__ if kind.__module__.startswith("torch.nn.")]
    settings = {
        key: value
        for key, value in vars(module).items()
        if not key.startswith("_") and isinstance(value, int | float | str | tuple | None)
    }
    return {
        "name": name,
        "class": own.__name__,
        "torch": of_torch,
        "own": not own.__module__.startswith("torch."),
        "settings": settings,
        "weights": _ranks(module.named_parameters(recurse=False), weights),
        "kept": _ranks(module.named_buffers(recurse=False), kept),
        "absent": [key for key, one in module._parameters.items() if one is None],
    }


def _ranks(named, all_of_them: list) -> list[tuple[str, int]]:
    places = {id(one): rank for rank, one in enumerate(all_of_them)}
    return [(name, places[id(one)]) for name, one in named]
