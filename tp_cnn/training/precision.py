"""The precision in which a network computes: float32, or bfloat16 where that is faster.

``TP_CNN_PRECISION`` decides: ``float32``, ``bfloat16``, or ``auto`` (the default), which takes
bfloat16 on GPUs that have it, and on processors that compute in it when a quick measure says that
it pays for the network at hand. Weights, their updates and the loss stay float32 in any case.
"""

import copy
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import platformdirs
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from tp_cnn import runtime
from tp_cnn.errors import CourseError
from tp_cnn.files import atomic_write

CHOICES = ("float32", "bfloat16")
PAYS = 0.9  # bfloat16 is taken when it needs at most this share of the time of float32
SECONDS = 1.0  # of measuring, about
LEAST_ROUNDS = 3  # the first one, slower, included
_ATTRIBUTE = "tp_cnn_precision"  # on a model: what it was trained in


def of(model: nn.Module) -> str | None:
    """The precision in which a model was trained; None before its first batch."""
    return getattr(model, _ATTRIBUTE, None)


def keep(model: nn.Module, precision: str) -> None:
    """Have a model compute in ``precision`` from now on, whatever ``auto`` would choose.

    Raises:
        CourseError: ``TP_CNN_PRECISION`` asks for another one.
    """
    asked = runtime.settings().precision
    if asked not in ("auto", precision):
        raise CourseError(
            f"TP_CNN_PRECISION={asked}, but this run is in {precision}: unset the variable, or "
            "begin another run"
        )
    setattr(model, _ATTRIBUTE, precision)


def for_batch(model: nn.Module, images: Tensor) -> str:
    """The precision for a batch like ``images``; training a model settles it for later.

    A model that was never trained here is evaluated in float32 on a CPU.
    """
    known = of(model)
    if known and runtime.settings().precision == "auto":
        return known
    if not model.training and images.device.type == "cpu":
        asked = runtime.settings().precision
        return "float32" if asked == "auto" else asked
    precision = choose(model, images.shape, images.device)
    if model.training:
        setattr(model, _ATTRIBUTE, precision)
    return precision


def choose(model: nn.Module, shape: tuple[int, ...], where: torch.device) -> str:
    """What ``TP_CNN_PRECISION`` gives for training ``model`` on batches of this shape.

    A deterministic setting keeps ``auto`` from measuring on a CPU: a choice that hangs on a time
    may change from run to run.
    """
    asked = runtime.settings()
    if asked.precision != "auto":
        return asked.precision
    if where.type == "cuda":
        has_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return "bfloat16" if has_bfloat16 else "float32"
    deterministic = asked.deterministic or torch.are_deterministic_algorithms_enabled()
    if where.type != "cpu" or deterministic or not computes_in_bfloat16():
        return "float32"
    with suppress(Exception):  # whatever is wrong with the model, its training will say
        seconds = _measured(model, shape)
        return "bfloat16" if seconds["bfloat16"] <= PAYS * seconds["float32"] else "float32"
    return "float32"


def computes_in_bfloat16() -> bool:
    """Whether this processor has instructions for bfloat16, rather than emulating it."""
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()  # torch 2.10 and later
    return any(there for name, there in capabilities.items() if name.endswith("bf16"))


@contextmanager
def autocast(where: torch.device, precision: str) -> Iterator[None]:
    """The context in which a forward pass runs."""
    if precision == "float32":
        yield
        return
    with torch.autocast(where.type, dtype=torch.bfloat16):
        if where.type == "cpu" and torch.get_num_threads() > 1:
            with _CalmConvolutions():
                yield
        else:
            yield


def _measured(model: nn.Module, shape: tuple[int, ...]) -> dict[str, float]:
    """Seconds of a step in each precision, from the user's cache if they were measured before."""
    facts = {
        "model": str(model),
        "batch": list(shape),
        "processor": torch.cpu.get_capabilities()["cpu_name"],
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    cache = platformdirs.user_cache_path("tp-cnn", appauthor=False) / "precision"
    path = cache / f"{digest[:16]}.json"
    with suppress(OSError, ValueError, KeyError):
        seconds = json.loads(path.read_text(encoding="utf-8"))["seconds"]
        return {name: float(seconds[name]) for name in CHOICES}
    seconds = _measure(model, shape)
    with suppress(OSError), atomic_write(path) as temporary:  # a sandbox has no cache
        temporary.write_text(json.dumps({**facts, "seconds": seconds}, indent=1), encoding="utf-8")
    return seconds


def _measure(model: nn.Module, shape: tuple[int, ...]) -> dict[str, float]:
    """The least time of a forward and backward pass, the precisions in turn, on a copy."""
    seconds = dict.fromkeys(CHOICES, float("inf"))
    with torch.random.fork_rng(devices=[]), torch.enable_grad():  # the run's own draws stay
        twin, images = copy.deepcopy(model).train(), torch.rand(shape)
        if images.ndim == 4:
            images = images.contiguous(memory_format=torch.channels_last)  # as our batches are
        end = time.perf_counter() + SECONDS
        rounds = 0
        while rounds < LEAST_ROUNDS or time.perf_counter() < end:
            for name in CHOICES:
                start = time.perf_counter()
                with autocast(images.device, name):
                    outputs = twin(images)
                outputs.float().square().mean().backward()
                if rounds:
                    seconds[name] = min(seconds[name], time.perf_counter() - start)
            rounds += 1
    return seconds


class _CalmConvolutions(TorchFunctionMode):
    """Convolutions whose gradients do not wait for one another in a loop.

    On several threads, oneDNN computes the gradient of bfloat16 filters with barriers where threads
    spin: beside any other program one of them waits for a core, and a step takes 20 times longer.
    On one thread there is no barrier, and that part alone is short.
    """

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function is torch.conv2d:
            return _conv2d(*args, **(kwargs or {}))
        return function(*args, **(kwargs or {}))


def _conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if isinstance(padding, str):  # "same" may pad one side more
        return torch.conv2d(input, weight, bias, stride, padding, dilation, groups)
    geometry = [
        [value, value] if isinstance(value, int) else list(value)
        for value in (stride, padding, dilation)
    ]
    bias = bias if bias is None else bias.bfloat16()
    return _CalmConvolution.apply(input.bfloat16(), weight.bfloat16(), bias, geometry, groups)


class _CalmConvolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx, images, weight, bias, geometry, groups):
        ctx.save_for_backward(images, weight)
        ctx.geometry = (*geometry, False, [0, 0], groups)  # not transposed, no output padding
        ctx.bias = None if bias is None else list(bias.shape)
        return torch.ops.aten.convolution(images, weight, bias, *ctx.geometry)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        def gradients(*wanted: bool):
            return torch.ops.aten.convolution_backward(
                gradient, *ctx.saved_tensors, ctx.bias, *ctx.geometry, wanted
            )

        images = gradients(True, False, False)[0] if ctx.needs_input_grad[0] else None
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            _, weight, bias = gradients(False, True, ctx.bias is not None)
        finally:
            torch.set_num_threads(threads)
        return images, weight, bias, None, None
