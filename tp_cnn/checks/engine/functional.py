"""Layers written with nn.Parameter and F.conv2d, F.linear or F.batch_norm, seen as layers.

A network may hold its weights itself and give them to PyTorch's functions. While it runs, each such
call is seen as the layer of nn that would have done the same, around the very same weights.
"""

from collections.abc import Callable

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

ARGUMENTS = {  # of the functions that are recognised, in order
    "conv2d": ("input", "weight", "bias", "stride", "padding", "dilation", "groups"),
    "linear": ("input", "weight", "bias"),
    "batch_norm": (
        "input",
        "running_mean",
        "running_var",
        "weight",
        "bias",
        "training",
        "momentum",
        "eps",
    ),
}
STANDARD = (nn.Conv2d, nn.Linear, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def own_weights(network: nn.Module) -> dict[str, nn.Parameter]:
    """The weights that are in no layer of PyTorch, by their name."""
    owners = {
        name: module
        for name, module in network.named_modules()
        if not isinstance(module, STANDARD) and not type(module).__module__.startswith("torch.")
    }
    return {
        f"{owner}.{name}".lstrip("."): weights
        for owner, module in owners.items()
        for name, weights in module.named_parameters(recurse=False)
    }


class FunctionalLayers(TorchFunctionMode):
    """Tells each call on ``weights`` as a layer that begins, then ends.

    Args:
        enter: called with the layer and its input.
        leave: called with the layer and its output.
    """

    def __init__(
        self,
        weights: list[nn.Parameter],
        enter: Callable[[nn.Module, Tensor], None],
        leave: Callable[[nn.Module, Tensor], None],
    ):
        super().__init__()
        self.weights, self.enter, self.leave = weights, enter, leave

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        names = ARGUMENTS.get(getattr(function, "__name__", ""), ())
        given = dict(zip(names, args, strict=False)) | kwargs
        layer = self._layer(names, given)
        if layer is None:
            return function(*args, **kwargs)
        self.enter(layer, given["input"])
        output = function(*args, **kwargs)
        self.leave(layer, output)
        return output

    def _layer(self, names: tuple, given: dict) -> nn.Module | None:
        weight, bias = given.get("weight"), given.get("bias")
        if not names or not any(weight is one for one in self.weights):
            return None
        if not isinstance(bias, nn.Parameter | None):
            return None
        if names is ARGUMENTS["conv2d"]:
            return _convolution(weight, bias, given)
        if names is ARGUMENTS["linear"]:
            layer = nn.Linear(weight.shape[1], weight.shape[0], bias is not None, device="meta")
            layer.weight, layer.bias = weight, bias
            return layer
        return _normalisation(weight, bias, given)


def _convolution(weight: nn.Parameter, bias: nn.Parameter | None, given: dict) -> nn.Module:
    groups = given.get("groups", 1)
    layer = nn.Conv2d(
        weight.shape[1] * groups,
        weight.shape[0],
        tuple(weight.shape[2:]),
        given.get("stride", 1),
        given.get("padding", 0),
        given.get("dilation", 1),
        groups,
        bias is not None,
        device="meta",
    )
    layer.weight, layer.bias = weight, bias
    return layer


def _normalisation(weight: nn.Parameter, bias: nn.Parameter | None, given: dict) -> nn.Module:
    kind = nn.BatchNorm2d if given["input"].ndim == 4 else nn.BatchNorm1d
    layer = kind(len(weight), given.get("eps", 1e-5), given.get("momentum", 0.1), device="meta")
    layer.weight, layer.bias = weight, bias
    layer.running_mean, layer.running_var = given.get("running_mean"), given.get("running_var")
    return layer
