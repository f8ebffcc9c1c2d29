"""A device that every machine has, and that mixes with the processor no more than a GPU does.

Its tensors lie in memory and compute there, but call themselves tensors of the device ``meta``.
Run by IPython when a kernel starts (``PYTHONSTARTUP``), it has a notebook compute on it: what fails
then would fail on a GPU.
"""

import torch
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map

from tp_cnn import runtime

FAR = torch.device("meta")
ATEN = torch.ops.aten
BETWEEN_DEVICES = (ATEN._to_copy.default, ATEN.copy_.default, ATEN.index.Tensor)


class FarTensor(torch.Tensor):
    """A tensor of the far device; ``near`` holds its values."""

    @staticmethod
    def __new__(cls, near: torch.Tensor):
        return torch.Tensor._make_wrapper_subclass(
            cls,
            near.shape,
            strides=near.stride(),
            storage_offset=near.storage_offset(),
            dtype=near.dtype,
            layout=near.layout,
            device=FAR,
        )

    def __init__(self, near: torch.Tensor):
        self.near = near

    def __repr__(self) -> str:
        return f"FarTensor({self.near!r})"

    def tolist(self) -> list:
        return self.near.tolist()

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return computed(function, args, kwargs or {})


class FarDevice(TorchDispatchMode):
    """While it is on, ``meta`` is the far device."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return computed(function, args, kwargs or {})


def computed(function, args, kwargs):
    """What ``function`` gives, on the device of its tensors or on the one that it names."""
    tensors = [one for one in tree_leaves((args, kwargs)) if isinstance(one, torch.Tensor)]
    far, device = any(isinstance(one, FarTensor) for one in tensors), kwargs.get("device")
    mixed = far and any(one.ndim and not isinstance(one, FarTensor) for one in tensors)
    if mixed and function not in BETWEEN_DEVICES:
        raise RuntimeError(f"{function}: tensors of the far device and of the processor")
    near_kwargs = tree_map(near, kwargs)
    if device is not None:
        far = torch.device(device) == FAR
        near_kwargs["device"] = torch.device("cpu")
    results = function(*tree_map(near, args), **near_kwargs)
    if function is ATEN.copy_.default:
        return args[0]
    if not far:
        return results
    results = tree_map(
        lambda one: FarTensor(one) if isinstance(one, torch.Tensor) else one, results
    )
    return return_and_correct_aliasing(function, args, kwargs, results)


def near(value):
    return value.near if isinstance(value, FarTensor) else value


class Generator(torch.Generator):
    """Random numbers of the far device are drawn by the processor."""

    def __new__(cls, device: object = "cpu"):
        return super().__new__(cls, "cpu")


def switch_on() -> None:
    """Compute on the far device from now on, as if the machine had it."""
    torch.__future__.set_swap_module_params_on_conversion(True)  # weights become far tensors
    torch.Generator = Generator
    runtime.device = lambda name=None: FAR
    FarDevice().__enter__()


if __name__ == "__main__":
    switch_on()
