"""Sizes, weights and receptive fields of convolutional networks (questions 1, 7, 8 to 10)."""

import copy
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tp_cnn.errors import CourseError

# Modules that treat each pixel alone: they change neither the size nor the receptive field.
POINTWISE = (
    nn.Identity,
    nn.ReLU,
    nn.LeakyReLU,
    nn.ELU,
    nn.GELU,
    nn.SiLU,
    nn.Tanh,
    nn.Sigmoid,
    nn.Dropout,
    nn.Dropout2d,
    nn.BatchNorm2d,
)


class Layer(NamedTuple):
    """What the geometry of a convolution or of a pooling depends on, the same on both axes."""

    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    ceil_mode: bool = False


class ReceptiveField(NamedTuple):
    """Which pixels of the image a neuron sees, along one axis.

    The neuron of index 0 sees the pixels ``start`` to ``start + size - 1``; the next neuron sees
    ``jump`` pixels further. ``start`` is negative where padding is seen.
    """

    size: int
    jump: int
    start: int

    def window(self, index: int) -> tuple[int, int]:
        """First and last pixel that the neuron ``index`` sees, border of the image ignored."""
        first = self.start + index * self.jump
        return first, first + self.size - 1


def output_size(
    size: int,
    kernel: int,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> int:
    """Size of the output of a convolution or of a pooling, along one axis (question 1).

    ``floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1``, as in PyTorch
    (Dumoulin and Visin, 2016). With ``ceil_mode`` the division rounds up, but the last window
    must start inside the image or its left padding.

    Raises:
        CourseError: a value is out of range, or the window is larger than the padded image.
    """
    if min(size, kernel, stride, dilation) < 1 or padding < 0:
        raise CourseError(
            f"size={size}, kernel={kernel}, stride={stride}, padding={padding}, "
            f"dilation={dilation}: padding must be 0 or more, the others 1 or more"
        )
    window = dilation * (kernel - 1) + 1
    room = size + 2 * padding - window
    steps = -(-room // stride) if ceil_mode else room // stride
    if ceil_mode and steps * stride >= size + padding:
        steps -= 1
    if steps < 0:
        raise CourseError(
            f"a window of {window} does not fit in {size} + 2 × {padding} pixels: "
            "take a larger image, a smaller kernel or more padding"
        )
    return steps + 1


def conv_weights(in_channels: int, out_channels: int, kernel: int, bias: bool = True) -> int:
    """Number of weights of a convolution with square kernels (questions 1 and 10)."""
    return out_channels * (in_channels * kernel**2 + bias)


def dense_weights(inputs: int, outputs: int, bias: bool = True) -> int:
    """Number of weights of a fully-connected layer (questions 1 and 10)."""
    return outputs * (inputs + bias)


def stacked_weights(channels: int, kernel: int, layers: int) -> int:
    """Weights of convolutions one after the other that all keep ``channels`` (notebook 08)."""
    return layers * conv_weights(channels, channels, kernel)


def stacked_field(kernel: int, layers: int) -> int:
    """Side of the receptive field of convolutions of stride 1 one after the other (notebook 08)."""
    return receptive_field([Layer(kernel)] * layers).size


def branch_products(size: int, inputs: int, reduced: int, filters: int, kernel: int) -> int:
    """Multiply-adds of a branch of Inception on maps of ``size`` × ``size`` (notebook 08).

    A 1×1 convolution from ``inputs`` to ``reduced`` maps, then one of ``kernel`` to ``filters``.
    """
    return size**2 * (inputs * reduced + kernel**2 * reduced * filters)


def receptive_field(layers: list[Layer]) -> ReceptiveField:
    """Receptive field of the neurons after the last of ``layers``, by formula (question 7).

    ``receptive_field(layers[:n])`` is that of the n-th layer. With a dilation, or a stride larger
    than a kernel, the field has holes: the size is its extent (Araujo, Norris and Sim, 2019).

    >>> receptive_field([Layer(3), Layer(3)])
    ReceptiveField(size=5, jump=1, start=0)
    """
    size, jump, start = 1, 1, 0
    for layer in layers:
        size += layer.dilation * (layer.kernel - 1) * jump
        start -= layer.padding * jump
        jump *= layer.stride
    return ReceptiveField(size, jump, start)


def layers_of(module: nn.Module) -> list[Layer]:
    """The convolutions and poolings that ``module`` runs one after the other.

    ``module`` is one layer, a (nested) ``Sequential``, or a model, whose ``features`` are read.
    Activations, dropout and batch normalisation treat each pixel alone and are skipped.

    Raises:
        CourseError: a module that is not one of those, or a kernel that is not square.
    """
    if isinstance(module, nn.Sequential):
        return [layer for child in module for layer in layers_of(child)]
    if isinstance(module, POINTWISE):
        return []
    if isinstance(module, (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)):
        return [_layer(module)]
    if isinstance(getattr(module, "features", None), nn.Module):
        return layers_of(module.features)
    raise CourseError(
        f"{type(module).__name__}: expected Conv2d, MaxPool2d, AvgPool2d, an activation, dropout "
        "or batch normalisation in a Sequential, or a model with features; "
        "give the part of the network that is made of those"
    )


def _layer(module: nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d) -> Layer:
    dilation = _side(module, "dilation", getattr(module, "dilation", 1))
    kernel = _side(module, "kernel_size", module.kernel_size)
    padding = {"valid": 0}.get(module.padding, module.padding)
    if padding == "same":
        if dilation * (kernel - 1) % 2:
            raise CourseError(f"{module}: 'same' pads one side more than the other; give a number")
        padding = dilation * (kernel - 1) // 2
    return Layer(
        kernel,
        stride=_side(module, "stride", module.stride),
        padding=_side(module, "padding", padding),
        dilation=dilation,
        ceil_mode=getattr(module, "ceil_mode", False),
    )


def _side(module: nn.Module, name: str, value: int | tuple[int, int]) -> int:
    sides = {value} if isinstance(value, int) else set(value)
    if len(sides) > 1:
        raise CourseError(f"{module}: {name}={value}; expected the same value on both axes")
    return sides.pop()


def measured_receptive_field(module: nn.Module, shape: tuple[int, int, int]) -> ReceptiveField:
    """The receptive field of ``module`` along the rows, found by its gradient (question 7).

    The gradient is that of a copy in which nothing can hide a pixel: every weight is positive,
    activations are left out and max-pooling is an average. It works for any module made of
    layers, in sequence or not (residual blocks); functions called in ``forward``, such as
    ``F.max_pool2d``, stay as they are.

    Args:
        module: in (batch, channels, height, width), out (batch, channels, rows, columns).
        shape: (channels, height, width) of an image larger than the receptive field.

    Raises:
        CourseError: the field of a central output reaches the border of the image.
    """
    image, maps = _transparent_pass(module, shape)
    rows, columns = maps.shape[2:]
    row = (rows - 1) // 2
    seen = [
        _seen(image, maps, neuron, columns // 2).any(dim=1).nonzero().flatten().tolist()
        for neuron in range(row, min(row + 2, rows))
    ]
    if len(seen) < 2 or not all(seen) or seen[0][0] == 0 or seen[1][-1] == shape[1] - 1:
        raise CourseError(
            f"image of {shape[1]} rows: the receptive field reaches its border; take a larger one"
        )
    first, last, jump = seen[0][0], seen[0][-1], seen[1][0] - seen[0][0]
    return ReceptiveField(last - first + 1, jump, start=first - row * jump)


def _transparent_pass(module: nn.Module, shape: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
    image = torch.ones(1, *shape, dtype=torch.float64, requires_grad=True)
    maps = _transparent(copy.deepcopy(module).cpu().double().eval())(image)
    if maps.dim() != 4:
        raise CourseError(
            f"{type(module).__name__} gives {tuple(maps.shape)}: expected (batch, channels, rows, "
            "columns); give the convolutional part of the network, such as model.features"
        )
    return image, maps


def _seen(image: Tensor, maps: Tensor, row: int, column: int) -> Tensor:
    output = maps[0, :, row, column].sum()
    (gradient,) = torch.autograd.grad(output, image, retain_graph=True)
    return (gradient[0] != 0).any(dim=0)  # (height, width)


def _transparent(module: nn.Module) -> nn.Module:
    """Change ``module`` so that every output grows with every pixel it sees; return it."""
    if isinstance(module, nn.MaxPool2d):
        if _layer(module).dilation > 1:
            raise CourseError(f"{module}: the dilation of a pooling cannot be measured; remove it")
        return nn.AvgPool2d(module.kernel_size, module.stride, module.padding, module.ceil_mode)
    if isinstance(module, POINTWISE):
        return nn.Identity()
    for name, child in list(module._modules.items()):  # named_children skips a repeated module
        setattr(module, name, _transparent(child))
    for name, weights in module.named_parameters(recurse=False):
        # Averages, not sums: a hundred layers of sums would overflow.
        weights.data.fill_(0 if name == "bias" else weights.shape[0] / weights.numel())
        weights.requires_grad_(False)
    return module
