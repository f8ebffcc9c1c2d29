"""One training on several processes, which ``torchrun`` starts: each computes a part of a batch.

Every process draws the same batches and takes its own part of each; gradients and measures are
then means over the whole batch. So the loss is that of one process, but for what a layer draws
(dropout) or measures (batch norm, on a CPU) on the part that it sees.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from tp_cnn import runtime


@contextmanager
def group(device: str | None = None) -> Iterator[str | None]:
    """Join the processes that torchrun started, if it did; give the device of this one."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield device
        return
    where = runtime.device(device)
    if where.type == "cuda":
        where = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(where)
    backend = "nccl" if where.type == "cuda" else "gloo"
    store, rank, size = next(distributed.rendezvous("env://"))
    distributed.init_process_group(backend, store=_fresh(store), rank=rank, world_size=size)
    try:
        yield str(where)
    finally:
        distributed.destroy_process_group()


def _fresh(store: distributed.Store) -> distributed.Store:
    """The part of torchrun's store for this start of the workers.

    One store serves all their starts (torch 2.14), so that those started again after a death
    would read the addresses of the dead. On several machines the starts have no common number.
    """
    if os.environ["GROUP_WORLD_SIZE"] != "1":
        return store
    return distributed.PrefixStore(f"start {os.environ['TORCHELASTIC_RESTART_COUNT']}", store)


def size() -> int:
    """How many processes train together; 1 without torchrun."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def is_first() -> bool:
    """Whether this process is the one that writes and prints."""
    return size() == 1 or distributed.get_rank() == 0


def wrap(model: nn.Module) -> nn.Module:
    """A model whose gradients are means over the processes; the model itself if there is one."""
    if size() == 1:
        return model
    device = next(model.parameters()).device
    if device.type != "cuda":
        return DistributedDataParallel(model)
    model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    return DistributedDataParallel(model, device_ids=[device.index])


def inner(model: nn.Module) -> nn.Module:
    """The model that `wrap` was given."""
    return model.module if isinstance(model, DistributedDataParallel) else model


def part(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, float]:
    """This process's images and labels of a batch, and the weight of their mean loss.

    With this weight, the mean over the processes is the mean over the batch, whose parts may
    differ by an image. A process without any takes one that weighs nothing.
    """
    count = size()
    if count == 1:
        return images, labels, 1.0
    rank = distributed.get_rank()
    mine = torch.arange(len(labels), device=labels.device).tensor_split(count)[rank]
    weight = len(mine) * count / len(labels)
    chosen = slice(mine[0].item(), mine[-1].item() + 1) if len(mine) else slice(0, 1)
    return images[chosen], labels[chosen], weight


def total(loss: float, correct: int, count: int, where: torch.device) -> tuple[float, int, int]:
    """The sums over the processes."""
    if size() == 1:
        return loss, correct, count
    sums = torch.tensor([loss, correct, count], dtype=torch.float64, device=where)
    distributed.all_reduce(sums)
    loss, correct, count = sums.tolist()
    return loss, int(correct), int(count)


def agreed(value):
    """The first process's value, in all of them."""
    values = [value]
    if size() > 1:
        distributed.broadcast_object_list(values)
    return values[0]
