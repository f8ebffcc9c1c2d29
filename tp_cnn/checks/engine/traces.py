"""Following a student's network from layer to layer, and computing a part of it again."""

import contextlib
import copy
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.parameter import is_lazy

from tp_cnn.checks.engine.calls import Refused, attempt, refuse_blanks, restart_draws
from tp_cnn.checks.engine.compare import show
from tp_cnn.checks.engine.functional import STANDARD, FunctionalLayers, own_weights

ENOUGH = 200  # values, to tell a share of them from another

Stage = list[nn.Module]  # what lies between two layers with weights, then the second of them


@dataclass
class Trace:
    """What was seen while a network ran: its layers with weights, in the order of use."""

    layers: list[nn.Module] = field(default_factory=list)
    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)  # one less if the last layer failed
    result: object = None
    refusal: Refused | None = None
    unread: list[str] = field(default_factory=list)  # weights of no layer that was recognised

    def name(self, index: int) -> str:
        """How messages call a layer: by its rank and its sizes."""
        return f"la couche à poids n° {index + 1} ({short_name(self.layers[index])})"


def build(student: object) -> nn.Module:
    """The network that the student gives or builds, copied on the CPU.

    Raises:
        Refused: it is not a network, nor a function that returns one.
    """
    network = student
    if not isinstance(student, nn.Module):
        if not callable(student):
            message = "il faut un réseau, ou une fonction qui en construit un"
            raise Refused(f"{message} ; vous donnez {show(student)}.", "type")
        network = attempt(student, (), []).result
    refuse_blanks([network])
    if not isinstance(network, nn.Module):
        message = f"la fonction renvoie {show(network)} ; il faut un réseau (nn.Module)."
        raise Refused(message, "type")
    if any(isinstance(module, torch.jit.ScriptModule) for module in network.modules()):
        raise Refused("donnez le réseau lui-même, sans torch.jit.", "type")
    if network is not student and any(map(is_lazy, network.buffers())):
        return network  # PyTorch cannot copy a lazy normalisation
    return attempt(lambda: copy.deepcopy(network).cpu().float(), (), []).result


def draw_weights(network: nn.Module) -> None:
    """Weights that keep values around 1, so that no two activations look the same."""
    for weights in network.parameters():
        if not is_lazy(weights):
            scale = (2 / weights[0].numel()) ** 0.5 if weights.ndim > 1 else 0.3
            weights.copy_(scale * torch.randn_like(weights))


def agree(values: Tensor, wanted: Tensor, tolerance: float) -> bool:
    """Whether outputs of one shape agree, image by image, relatively to its largest value."""
    gaps, sizes = (one.abs().reshape(len(one), -1).amax(1) for one in (values - wanted, wanted))
    return bool((gaps <= tolerance * (1 + sizes)).all())


def trace(network: nn.Module, images: Tensor, seed: int) -> Trace:
    """Run ``network`` and note what goes in and out of each layer with weights."""
    seen = Trace()

    def enter(layer: nn.Module, values: Tensor) -> None:
        seen.layers.append(layer)
        seen.inputs.append(values.clone())

    def leave(layer: nn.Module, output: Tensor) -> None:
        seen.outputs.append(output.clone())  # an activation "in place" may change it afterwards

    own = own_weights(network)
    read = _read_by_functions(network, images, seed, list(own.values())) if own else []
    layers = [
        module
        for module in network.modules()
        if has_weights(module) and not any(_holds(module, one) for one in read)
    ]
    seen.unread = [
        name
        for name, weights in own.items()
        if not any(weights is one for layer in read for one in layer.parameters())
        and not any(is_own_normalisation(layer) and _has(layer, weights) for layer in layers)
    ]
    hooks = [
        layer.register_forward_pre_hook(lambda one, args: enter(one, args[0])) for layer in layers
    ]
    hooks += [
        layer.register_forward_hook(lambda one, _, output: leave(one, output)) for layer in layers
    ]
    restart_draws(seed)
    weights = [one for layer in read for one in layer.parameters()]
    try:
        with FunctionalLayers(weights, enter, leave) if read else contextlib.nullcontext():
            seen.result = attempt(lambda: network(images), (), []).result
    except Refused as refusal:
        if refusal.mistake == "time":  # to run it again would be as long
            raise
        seen.refusal = refusal
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def _read_by_functions(network, images, seed, weights) -> list[nn.Module]:
    """The layers that the network writes as calls of PyTorch's functions on its own weights."""
    found: list[nn.Module] = []
    restart_draws(seed)
    try:
        with FunctionalLayers(weights, lambda layer, _: found.append(layer), lambda *_: None):
            attempt(lambda: network(images), (), [])
    except Refused as refusal:  # told when the network is followed
        if refusal.mistake == "time":
            raise
    return found


def given_away(network: nn.Module, images: Tensor, seed: int, seen: Trace) -> nn.Module | None:
    """A layer that the network never calls, of which it gives the weights to a function itself."""
    layers = [one for one in network.modules() if has_weights(one) and isinstance(one, STANDARD)]
    idle = [one for one in layers if not any(one is other for other in seen.layers)]
    weights = [one for layer in idle for one in layer.parameters()]
    read = _read_by_functions(network, images, seed, weights) if idle else []
    return next((one for one in idle if any(same_layer(one, layer) for layer in read)), None)


def same_layer(one: nn.Module, other: nn.Module) -> bool:
    """Whether they have the same weights: what is seen in a function is each time a new object."""
    return next(one.parameters()) is next(other.parameters())


def _has(layer: nn.Module, weights: Tensor) -> bool:
    return any(one is weights for one in layer.parameters())


def _holds(module: nn.Module, layer: nn.Module) -> bool:
    return any(_has(module, weights) for weights in layer.parameters())


def run_stage(stage: Stage, values: Tensor, layer: nn.Module | None, seed: int) -> Tensor | None:
    """What ``stage`` gives with the weights of the student's ``layer``; None if sizes do not fit.

    With the ``seed`` of the trace, a dropout switches off the same neurons as there, provided that
    it is the only one of the network.
    """
    restart_draws(seed)
    try:
        for module in stage:
            values = module(values) if not has_weights(module) else _borrow(module, layer, values)
    except (RuntimeError, IndexError, ValueError):
        return None
    return values


def own_dropout(stage: Stage, start: Tensor, entered: Tensor | None) -> str:
    """How a dropout of the student's own, in training, did what ``stage`` asks: "right",
    "same-for-batch", "no-scale", or "" where it is no such dropout.

    It draws in another way than nn.Dropout: each value must be 0 or what it would be without
    dropout, divided by 1 - p; a share p of them is 0, not the same ones for all images.
    """
    rates = [layer.p for layer in stage if isinstance(layer, nn.Dropout) and layer.training]
    if len(rates) != 1 or entered is None or not has_weights(stage[-1]):
        return ""
    others = [layer for layer in stage[:-1] if not isinstance(layer, nn.Dropout)]
    full = run_stage(others, start, None, 0)
    if full is None or full.shape != entered.shape:
        return ""
    alive = full != 0
    off = alive & (entered == 0)
    count = int(alive.sum())
    if count < ENOUGH:
        return ""
    share = float(off.sum()) / count
    margin = 5 * (rates[0] * (1 - rates[0]) / count) ** 0.5
    together = (alive[0] & alive[1]).bool()
    same = torch.equal(off[0][together], off[1][together])
    if same:  # drawn once, for fewer values
        margin *= len(full) ** 0.5
    if abs(share - rates[0]) >= margin:
        return ""
    for scale, name in ((1 - rates[0], "right"), (1.0, "no-scale")):
        kept = (entered - full / scale).abs() <= 1e-4 * (1 + entered.abs())
        if (kept | off).all():
            return "same-for-batch" if same else name
    return ""


def _borrow(module: nn.Module, layer: nn.Module, values: Tensor) -> Tensor:
    """Run ``module`` with the weights of ``layer``, of any size."""
    state = {**dict(layer.named_parameters()), **dict(layer.named_buffers())}
    if is_own_normalisation(layer) and isinstance(module, nn.BatchNorm2d):
        state = {_standard_name(name): value for name, value in state.items()}
    if module.bias is not None and "bias" not in state:  # left out before a normalisation
        state["bias"] = torch.zeros(outputs(layer))
    if isinstance(module, nn.Linear):
        state["weight"] = state["weight"].flatten(1)  # those of a convolution may be given
    return functional_call(module, {name: value.clone() for name, value in state.items()}, values)


def is_own_normalisation(layer: nn.Module) -> bool:
    """Whether a class of the student's holds what a batch normalisation does: two vectors to learn,
    two to keep, of one value a channel, under names that tell them apart.
    """
    if type(layer).__module__.startswith("torch."):
        return False
    vectors = {_standard_name(name): one for name, one in layer.named_parameters()}
    kept = {_standard_name(name): one for name, one in layer.named_buffers()}
    names = {"running_mean", "running_var"} <= set(kept)
    one_shape = len({one.numel() for one in vectors.values()}) == 1
    return set(vectors) == {"weight", "bias"} and names and one_shape


def _standard_name(name: str) -> str:
    """PyTorch's name for a part of a batch normalisation, from the student's."""
    words = {
        "weight": ("gamma", "weight", "scale"),
        "bias": ("beta", "bias", "shift"),
        "running_mean": ("mean", "moyenne"),
        "running_var": ("var",),
    }
    for standard, known in words.items():
        if any(word in name.lower() for word in known):
            return standard
    return name


def stages(network: nn.Sequential) -> list[Stage]:
    """Cut after each layer with weights; the last stage, maybe empty, has none."""
    found: list[Stage] = [[]]
    for module in network:
        found[-1].append(module)
        if has_weights(module):
            found.append([])
    return found


def has_weights(module: nn.Module) -> bool:
    """Say whether it is a layer, and one that learns."""
    return not list(module.children()) and bool(list(module.parameters()))


def outputs(layer: nn.Module) -> int:
    """Filters of a convolution, neurons of a dense layer."""
    return len(next(layer.parameters()))


def short_name(layer: nn.Module) -> str:
    """A layer as one writes it, with its three main settings at most."""
    if isinstance(layer, nn.Conv2d):
        return f"Conv2d({layer.in_channels}, {layer.out_channels}, {layer.kernel_size[0]})"
    if isinstance(layer, nn.Linear):
        return f"Linear({layer.in_features}, {layer.out_features})"
    return type(layer).__name__
