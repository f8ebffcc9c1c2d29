"""A network that stands in the grader's process for a student's, which stays in the sandbox.

It has the same layers, settings and weights. When images go through it they go through the
student's, with the weights of this one, and what each layer received and gave comes back: a check
of a network follows it as it would follow the student's (see `checks.engine.networks`). A student
who forges what comes back has to compute what the right network gives with weights drawn here.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy

from tp_cnn.checks.engine.functional import ARGUMENTS
from tp_cnn.checks.engine.running import Elsewhere, Returned

Ask = Callable[..., Returned]  # ask("build"): what the student's kernel replies (see `desk`)
MOST = 2000  # modules


class Forged(ValueError):
    """What came from the kernel does not hold together."""


class Mirrors:
    """Builds mirrors of the network of one answer; weights shared there are shared here."""

    def __init__(self, ask: Ask):
        self.ask = ask
        self.shared: dict[int, nn.Parameter] = {}  # by their identity in the kernel

    def build(self, *arguments: object) -> object:
        """A mirror, or what the student's function gives in place of a network."""
        outcome = self.ask("build", arguments)
        print(outcome.printed, end="")
        if outcome.failure:
            raise Elsewhere(outcome)
        told = outcome.result
        if not isinstance(told, dict) or "modules" not in told:
            return told
        weights = [self._weights(*one) for one in told["weights"]]
        return _assemble(told, weights, _Forward(self.ask, int(told["rank"])))

    def _weights(self, identity: int, learns: bool, values: Tensor | None) -> nn.Parameter:
        if identity not in self.shared:
            learns = bool(learns)
            self.shared[identity] = (
                UninitializedParameter(learns)
                if values is None
                else nn.Parameter(values.float(), learns)
            )
        return self.shared[identity]


def _assemble(told: dict, weights: list[nn.Parameter], forward: "_Forward") -> nn.Module:
    modules: dict[str, nn.Module] = {}
    if not 0 < len(told["modules"]) <= MOST:
        raise Forged("un réseau d'un nombre de modules impossible")
    for one in told["modules"]:
        module, name = _module(one), str(one["name"])
        for local, rank in one["weights"]:
            module.register_parameter(str(local), weights[rank])
        for local, rank in one["kept"]:
            kept = told["kept"][rank]
            module.register_buffer(str(local), UninitializedBuffer() if kept is None else kept)
        for local in one["absent"]:
            module.register_parameter(str(local), None)
        parent, _, last = name.rpartition(".")
        if modules:
            modules[parent].add_module(last, module)
        modules[name] = module
    network = modules[""]
    for name, module in modules.items():
        module.__dict__["forward"] = forward if not name else _Replay()
    forward.network = network
    return network


def _module(told: dict) -> nn.Module:
    """A module of PyTorch's own class, or of a class that derives from it as the student's does."""
    kinds = [getattr(nn, str(name), None) for name in told["torch"]]
    kinds = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, nn.Module)]
    base = kinds[0] if kinds else nn.Module
    own = type(str(told["class"]), (base,), {"__module__": "student"}) if told["own"] else base
    module = own.__new__(own)
    nn.Module.__init__(module)
    for name, value in told["settings"].items():
        if not hasattr(nn.Module, name) and name != "training":
            module.__dict__[str(name)] = value
    return module


class _Replay:
    """The forward of a layer: it gives what the student's layer gave."""

    def __init__(self):
        self.player: _Player | None = None

    def __call__(self, images: Tensor) -> Tensor:
        return self.player.inside()


class _Player:
    """Lets each layer say its part, in the order in which the student's were called.

    A tensor that was one object there is one object here: a check may follow it.
    """

    def __init__(self, network: nn.Module, events: list, outcome: Returned):
        self.layers = dict(network.named_modules())
        self.own = [list(network.parameters()), list(network.buffers())]
        self.events, self.outcome = iter(events), outcome
        self.tensors: dict[int, Tensor] = {}

    def run(self) -> None:
        for event in self.events:
            self._play(*event)

    def inside(self) -> Tensor:
        """Play what happens in a layer, and give what it gave."""
        for kind, *event in self.events:
            if kind == "leave":
                return self._tensor(event[-1])
            self._play(kind, *event)
        raise Elsewhere(self.outcome)  # it failed there

    def _play(self, kind: str, name: str, given: object) -> None:
        if kind == "enter":
            layer = self.layers[name]
            layer.forward.player = self
            layer(self._tensor(given))
        elif kind == "function" and name in ARGUMENTS:
            values = {str(key): self._value(one) for key, one in given.items()}
            try:
                getattr(functional, name)(**values)
            except (RuntimeError, TypeError, ValueError):
                raise Elsewhere(self.outcome) from None

    def _tensor(self, given: tuple[int, Tensor]) -> Tensor:
        identity, values = given
        known = self.tensors.setdefault(identity, values)
        if known.shape == values.shape:  # it may have changed in place
            known.copy_(values)
            return known
        return values

    def _value(self, given: object) -> object:
        """An argument of a function; weights and what the network keeps are told by their rank."""
        if not isinstance(given, dict):
            return given
        return self.own[given["kept"]][given["rank"]]


class _Forward:
    """The forward of a whole network: it asks the kernel, then lets each layer say its part."""

    def __init__(self, ask: Ask, rank: int):
        self.ask, self.rank = ask, rank

    def __deepcopy__(self, memo: dict) -> "_Forward":
        copied = _Forward(self.ask, self.rank)
        memo[id(self)] = copied
        copied.network = memo.get(id(self.network), self.network)
        return copied

    def __call__(self, images: Tensor) -> object:
        network, graph = self.network, torch.is_grad_enabled()
        weights = list(network.parameters())
        state = [None if is_lazy(one) else one.detach() for one in (*weights, *network.buffers())]
        draws = torch.get_rng_state()
        outcome = self.ask("forward", self.rank, network.training, state, images, draws, graph)
        print(outcome.printed, end="")
        told = outcome.result
        if not isinstance(told, dict):
            raise Elsewhere(outcome)
        self._size(told["state"])
        _Player(network, told["events"], outcome).run()
        self._keep(told["state"])
        if outcome.failure:
            raise Elsewhere(outcome)
        result = told["result"]
        if graph and isinstance(result, Tensor):
            for rank in told["reached"]:
                result = result + 0 * list(network.parameters())[rank].sum()
        return result

    def _size(self, state: list) -> None:
        """Make the weights that got their size just now."""
        mine = [*self.network.parameters(), *self.network.buffers()]
        if len(state) != len(mine):
            raise Forged("un réseau dont l'état a changé de taille")
        for one, given in zip(mine, state, strict=True):
            if is_lazy(one) and isinstance(given, Tensor):
                one.materialize(given.shape)
                one.data.copy_(given)
        for layer in self.network.modules():
            if isinstance(layer, LazyModuleMixin) and not layer.has_uninitialized_params():
                _settle(layer)

    def _keep(self, state: list) -> None:
        """Take over what the network keeps: its statistics."""
        mine = list(self.network.buffers())
        for one, given in zip(mine, state[len(state) - len(mine) :], strict=True):
            if isinstance(given, Tensor):
                one.copy_(given)


def _settle(layer: nn.Module) -> None:
    """What PyTorch makes of a lazy layer once its weights have a size."""
    layer.__class__ = layer.cls_to_become
    if isinstance(layer, nn.Linear):
        layer.in_features = layer.weight.shape[1]
    elif hasattr(layer, "in_channels"):
        layer.in_channels = layer.weight.shape[1] * layer.groups
