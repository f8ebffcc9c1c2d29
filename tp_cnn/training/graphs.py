"""Forward and backward passes, replayed from a recording (a CUDA graph) where a GPU allows it.

On a GPU a small network waits for the processor, which launches its kernels one by one. A recording
launches all those of a batch at once: see docs/performance.md.
"""

import inspect
from collections.abc import Callable
from contextlib import suppress

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tp_cnn.training import distributed, precision

WARM_UP = 3  # batches: what libraries prepare at first must not be in a recording
KNOWN = ("torch.nn.", "tp_cnn.models.")  # whose passes leave nothing behind in Python


class Replays:
    """Outputs, loss and gradients of batches of one shape, from the fourth of them on.

    Nothing is replayed where that could change a result: see `can_record`.
    """

    def __init__(self, model: nn.Module, criterion: nn.Module, optimizer: Optimizer):
        self.model, self.criterion, self.optimizer = model, criterion, optimizer
        self.count = 0  # of the batches so far
        self.inputs: tuple[Tensor, Tensor] | None = None  # of the recording
        self.results: tuple[Tensor, Tensor] | None = None
        self.replay: Callable[[], None] | None = None

    def __call__(
        self, images: Tensor, labels: Tensor, computes_in: str
    ) -> tuple[Tensor, Tensor] | None:
        """Outputs (batch, classes) and loss, the gradients being set; None: compute them yourself.

        No result of an earlier batch may hold the graph of its gradients any more.
        """
        self.count += 1
        if self.count == WARM_UP + 1 and can_record(self.model, self.criterion):
            self._record(images, labels, computes_in)
        elif self.replay and images.shape != self.inputs[0].shape:
            self.replay = None  # for good: the gradients are no longer those of the recording
        if not self.replay:
            return None
        for kept, given in zip(self.inputs, (images, labels), strict=True):
            kept.copy_(given)
        self.replay()
        return self.results

    def _record(self, images: Tensor, labels: Tensor, computes_in: str) -> None:
        self.inputs = images.clone(), labels.clone()
        self.optimizer.zero_grad()  # each replay writes them anew

        def passes() -> tuple[Tensor, Tensor]:
            with precision.autocast(images.device, computes_in):
                outputs = self.model(self.inputs[0])
                loss = self.criterion(outputs, self.inputs[1])
            loss.backward()
            return outputs.detach(), loss.detach()

        with suppress(RuntimeError):  # an operation that cannot be recorded
            self.replay, self.results = recording(passes)


def can_record(model: nn.Module, criterion: nn.Module) -> bool:
    """Whether a recording does all that a pass does.

    It holds the GPU's work alone: what Python does besides, in a class or a function of a
    student's own or in a hook, would not be done again.
    """
    if not _on_gpu(model) or not isinstance(criterion, nn.Module) or distributed.size() > 1:
        return False
    modules = [*model.modules(), *criterion.modules()]
    attributes = [one for module in modules for one in vars(module).items()]
    hooks = any(value for name, value in attributes if name.endswith("_hooks"))
    functions = [value for _, value in attributes if inspect.isfunction(value)]
    return not hooks and all(map(_known, [*map(type, modules), *functions]))


def _known(definition: type | Callable) -> bool:
    return f"{definition.__module__}.".startswith(KNOWN)


def _on_gpu(model: nn.Module) -> bool:
    return next(model.parameters()).device.type == "cuda"


def recording(function: Callable[[], tuple]) -> tuple[Callable[[], None], tuple]:
    """Record what a function has a GPU do, without doing it: the way to do it, and its results."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        results = function()
    return graph.replay, results
