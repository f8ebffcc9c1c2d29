"""Following a student's network from layer to layer, and computing a part of it again."""

import copy
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.parameter import is_lazy

from tp_cnn.checks.engine.calls import Refused, attempt, refuse_blanks, restart_draws
from tp_cnn.checks.engine.compare import show

Stage = list[nn.Module]  # what lies between two layers with weights, then the second of them


@dataclass
class Trace:
    """What was seen while a network ran: its layers with weights, in the order of use."""

    layers: list[nn.Module] = field(default_factory=list)
    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)  # one less if the last layer failed
    result: object = None
    refusal: Refused | None = None

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
    if network is not student and any(map(is_lazy, network.buffers())):
        return network  # PyTorch cannot copy a lazy normalisation
    return attempt(lambda: copy.deepcopy(network).cpu().float(), (), []).result


def draw_weights(network: nn.Module) -> None:
    """Weights that keep values around 1, so that no two activations look the same."""
    for weights in network.parameters():
        if not is_lazy(weights):
            scale = (2 / weights[0].numel()) ** 0.5 if weights.ndim > 1 else 0.3
            weights.copy_(scale * torch.randn_like(weights))


def trace(network: nn.Module, images: Tensor, seed: int) -> Trace:
    """Run ``network`` and note what goes in and out of each layer with weights."""
    seen = Trace()

    def enter(layer, inputs):
        seen.layers.append(layer)
        seen.inputs.append(inputs[0].clone())

    def leave(layer, inputs, output):
        seen.outputs.append(output.clone())  # an activation "in place" may change it afterwards

    layers = [module for module in network.modules() if has_weights(module)]
    hooks = [layer.register_forward_pre_hook(enter) for layer in layers]
    hooks += [layer.register_forward_hook(leave) for layer in layers]
    restart_draws(seed)
    try:
        seen.result = attempt(lambda: network(images), (), []).result
    except Refused as refusal:
        if refusal.mistake == "time":  # to run it again would be as long
            raise
        seen.refusal = refusal
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def run(stage: Stage, values: Tensor, layer: nn.Module | None, seed: int) -> Tensor | None:
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


def _borrow(module: nn.Module, layer: nn.Module, values: Tensor) -> Tensor:
    """Run ``module`` with the weights of ``layer``, of any size."""
    state = {**dict(layer.named_parameters()), **dict(layer.named_buffers())}
    if module.bias is not None and "bias" not in state:  # left out before a normalisation
        state["bias"] = torch.zeros(outputs(layer))
    if isinstance(module, nn.Linear):
        state["weight"] = state["weight"].flatten(1)  # those of a convolution may be given
    return functional_call(module, {name: value.clone() for name, value in state.items()}, values)


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
