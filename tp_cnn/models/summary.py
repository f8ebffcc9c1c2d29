"""A table of a network's layers: output shape, weights, share."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tp_cnn.display import percent, thousands
from tp_cnn.errors import CourseError


@dataclass(frozen=True)
class LayerRow:
    """One layer: its name in the model, its kind, the shape of its output for one image."""

    name: str
    kind: str
    output_shape: tuple[int, ...]
    weights: int
    share: float  # of the model's weights, between 0 and 1


class NetworkSummary(list):
    """The rows of a model; prints as a table with its total."""

    @property
    def weights(self) -> int:
        return sum(row.weights for row in self)

    def __repr__(self) -> str:
        lines = [("couche", "nature", "sortie", "poids", "part")]
        for row in self:
            shape = "×".join(map(str, row.output_shape))
            counted = thousands(row.weights), percent(row.share, 1)
            lines.append((row.name, row.kind, shape, *counted))
        lines.append(("total", "", "", thousands(self.weights), percent(1, 1)))
        return "\n".join(
            f"{name:<16}{kind:<14}{shape:>12}{weights:>14}{share:>10}"
            for name, kind, shape, weights, share in lines
        )


def count_weights(model: nn.Module) -> int:
    """Number of trainable values of a model, biases included."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def multiply_adds(model: nn.Module, image_shape: tuple[int, int, int]) -> int:
    """Multiplications, each with its addition, that one image of (channels, height, width) costs.

    Those of convolutions, dense layers and attention, as papers count; a model on the device
    "meta" is counted too, without any computation.
    """
    parameter = next(model.parameters(), torch.zeros(()))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, *image_shape, device=parameter.device))
    return counter.get_total_flops() // 2  # it counts the two apart


def summary(model: nn.Module, image_shape: tuple[int, int, int]) -> NetworkSummary:
    """Run one black image of shape (channels, height, width) and note what each layer gives.

    Raises:
        CourseError: the model does not accept this shape; the message names the layer.
    """
    layers = {module: name for name, module in model.named_modules() if not list(module.children())}
    total = count_weights(model) or 1
    rows, current = NetworkSummary(), []

    def note(module, inputs, output):
        weights = count_weights(module)
        shape = tuple(output.shape[1:])
        kind = type(module).__name__
        rows.append(LayerRow(layers[module], kind, shape, weights, weights / total))

    hooks = [m.register_forward_pre_hook(lambda m, _: current.append(layers[m])) for m in layers]
    hooks += [m.register_forward_hook(note) for m in layers]
    was_training = model.training
    try:
        parameter = next(model.parameters(), torch.zeros(()))
        with torch.no_grad():
            model.eval()(torch.zeros(1, *image_shape, device=parameter.device))
    except RuntimeError as error:
        where = current[-1] if current else "the model"
        raise CourseError(f"image of shape {image_shape} refused by {where}: {error}") from None
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return rows
