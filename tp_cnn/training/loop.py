"""The training loop of the course: `epoch`, `evaluate`, `predict`, `fit`, with checkpoints.

``batches`` is any iterable of (images, labels) that can be iterated again: a
`tp_cnn.data.batches.Batches` or a ``torch.utils.data.DataLoader``.
"""

import contextlib
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from tqdm.auto import tqdm

from tp_cnn import runtime
from tp_cnn.errors import CourseError
from tp_cnn.training import distributed, graphs, precision
from tp_cnn.training.checkpoint import Checkpoint
from tp_cnn.training.history import History, Row

NAN_CHECK_EVERY = 50  # batches; reading a loss makes a GPU wait
NO_BATCH = "no batch to go through: the set of images is empty"


class Measure(NamedTuple):
    """Means over the images of an epoch: loss, and accuracy between 0 and 1."""

    loss: float
    accuracy: float


def epoch(
    batches: Iterable[tuple[Tensor, Tensor]],
    model: nn.Module,
    criterion: nn.Module,
    optimizer: Optimizer | None = None,
    scheduler: LRScheduler | None = None,
) -> Measure:
    """Go once through ``batches``: train if there is an ``optimizer``, else only evaluate.

    Question 14 asks in what the two differ.

    Args:
        criterion: a loss whose result is a mean over the batch, as PyTorch's are by default.
        scheduler: one that steps after each batch (one-cycle, for example).

    Raises:
        CourseError: the loss is no longer a number, or there is no batch.
    """
    training = optimizer is not None
    model.train(training)
    device = next(model.parameters()).device
    total_loss = torch.zeros((), device=device)
    correct = torch.zeros((), dtype=torch.int64, device=device)
    count = 0
    computes_in = None
    replay = graphs.Replays(model, criterion, optimizer)
    with torch.set_grad_enabled(training):
        for step, (images, labels) in enumerate(batches):
            images = images.to(device, non_blocking=True)
            labels = labels.to(device, non_blocking=True)
            images, labels, weight = distributed.part(images, labels)
            computes_in = computes_in or precision.for_batch(distributed.inner(model), images)
            if training and (replayed := replay(images, labels, computes_in)):  # quick, on a GPU
                outputs, loss = replayed
            else:
                with precision.autocast(device, computes_in):
                    outputs = model(images)
                    loss = criterion(outputs, labels)
                if training:
                    optimizer.zero_grad()
                    (loss * weight).backward()
            outputs, loss = outputs.detach(), loss.detach()
            if training:
                optimizer.step()
                if scheduler:
                    scheduler.step()
            # The last batch may be smaller: a mean over images weighs each batch by its size.
            if weight:
                total_loss += loss * len(labels)
                correct += (outputs.argmax(1) == labels).sum()
                count += len(labels)
            if training and step % NAN_CHECK_EVERY == 0:
                _refuse_nan(loss.item(), optimizer)
    total_loss, correct, count = distributed.total(total_loss.item(), correct.item(), count, device)
    if count == 0:
        raise CourseError(NO_BATCH)
    measure = Measure(total_loss / count, correct / count)
    if training:
        _refuse_nan(measure.loss, optimizer)
    return measure


def step(
    model: nn.Module, images: Tensor, labels: Tensor, criterion: nn.Module, optimizer: Optimizer
) -> float:
    """Correct the model's weights once, on one batch; the loss of that batch (question 15)."""
    loss = criterion(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def epoch_of_steps(
    batches: Iterable[tuple[Tensor, Tensor]],
    model: nn.Module,
    criterion: nn.Module,
    optimizer: Optimizer,
    step: Callable = step,
) -> Measure:
    """Train for an epoch, as `epoch` does, by a function of one batch like `step`.

    Raises:
        CourseError: the loss is no longer a number, or there is no batch.
    """
    model.train()
    device = next(model.parameters()).device
    computes_in = None
    scores: list[Tensor] = []
    hook = model.register_forward_hook(lambda _, __, outputs: scores.append(outputs.detach()))
    total_loss, correct, count = 0.0, 0, 0
    try:
        for images, labels in batches:
            scores.clear()
            computes_in = computes_in or precision.for_batch(model, images)
            with precision.autocast(device, computes_in):
                loss = float(step(model, images, labels, criterion, optimizer))
            _refuse_nan(loss, optimizer)
            total_loss += loss * len(labels)
            correct += (scores[0].argmax(1) == labels).sum().item()
            count += len(labels)
    finally:
        hook.remove()
    if count == 0:
        raise CourseError(NO_BATCH)
    return Measure(total_loss / count, correct / count)


def _refuse_nan(loss: float, optimizer: Optimizer) -> None:
    if not math.isfinite(loss):
        rate = optimizer.param_groups[0]["lr"]
        raise CourseError(
            f"the loss is {loss}: training diverged with a learning rate of {rate:g}. Make the "
            f"model anew and try {rate / 10:g}; check too that the images are normalised"
        )


def evaluate(
    batches: Iterable[tuple[Tensor, Tensor]],
    model: nn.Module,
    criterion: nn.Module | None = None,
) -> Measure:
    """Mean loss (cross entropy by default) and accuracy over ``batches``, with nothing changed.

    The model computes in eval mode; afterwards each of its layers is in the mode it was in.
    """
    with _modes_restored(model):
        return epoch(batches, model, criterion or nn.CrossEntropyLoss())


@torch.no_grad()
def predict(batches: Iterable[tuple[Tensor, Tensor]], model: nn.Module) -> tuple[Tensor, Tensor]:
    """The model's logits, float32 (N, classes), and the labels, int64 (N,), on the CPU.

    As `evaluate` does: in the same precision, and with nothing changed.

    Raises:
        CourseError: there is no batch.
    """
    device = next(model.parameters()).device
    results = []
    with _modes_restored(model):
        model.eval()
        for images, labels in batches:
            images = images.to(device)
            with precision.autocast(device, precision.for_batch(model, images)):
                outputs = model(images)
            results.append((outputs.float().cpu(), labels.cpu()))
    if not results:
        raise CourseError(NO_BATCH)
    logits, labels = zip(*results, strict=True)
    return torch.cat(logits), torch.cat(labels)


@contextlib.contextmanager
def _modes_restored(model: nn.Module) -> Iterator[None]:
    """Put each layer back in the mode, train or eval, in which it was found."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def fit(
    model: nn.Module,
    train: Iterable[tuple[Tensor, Tensor]],
    validation: Iterable[tuple[Tensor, Tensor]] | None = None,
    *,
    epochs: int,
    optimizer: Optimizer,
    criterion: nn.Module | None = None,
    scheduler: LRScheduler | None = None,
    step_each: str = "epoch",
    checkpoint: str | Path | None = None,
    computes_in: str | None = None,
    progress: bool | None = None,
    after_epoch: Callable[[Row], None] | None = None,
    identity: Mapping[str, object] | None = None,
    step: Callable | None = None,
) -> History:
    """Train for ``epochs`` epochs, measuring on ``validation`` after each.

    Interrupting (the stop button, Ctrl+C) returns the history so far, marked ``interrupted``.

    Args:
        scheduler: steps after each ``step_each``: ``"epoch"`` or ``"batch"``.
        checkpoint: a file written after each epoch. If it exists already, the same run goes on
            from there; on the CPU it then gives the same weights as an uninterrupted one, exactly.
        computes_in: ``"float32"`` or ``"bfloat16"``; by default the checkpoint's, or what
            `tp_cnn.training.precision` chooses.
        progress: show a bar an epoch; by default unless ``TP_CNN_PROGRESS=0``.
        after_epoch: called with each new row of the history.
        identity: what else must be the same for a run to go on from the checkpoint.
        step: trains on one batch in the place of the loop's own lines, as `step` does; it goes
            without a scheduler that steps after each batch.

    Raises:
        CourseError: the loss is no longer a number, or the checkpoint belongs to another run.
    """
    if step_each not in ("epoch", "batch"):
        raise CourseError(f"step_each is {step_each!r}: expected 'epoch' or 'batch'")
    criterion = criterion or nn.CrossEntropyLoss()
    progress = runtime.settings().progress if progress is None else progress
    inner = distributed.inner(model)
    if computes_in:
        precision.keep(inner, computes_in)
    history, run = History(), None
    if checkpoint:
        run = Checkpoint(checkpoint, inner, train, validation, optimizer, scheduler, identity or {})
        history = run.load(epochs)
    try:
        for number in range(len(history) + 1, epochs + 1):
            start, rate = time.perf_counter(), optimizer.param_groups[0]["lr"]
            bar = tqdm(train, f"époque {number}/{epochs}", leave=False, disable=not progress)
            by_batch = scheduler if step_each == "batch" else None
            if step:
                trained = epoch_of_steps(bar, model, criterion, optimizer, step)
            else:
                trained = epoch(bar, model, criterion, optimizer, by_batch)
            measured = evaluate(validation, model, criterion) if validation else (None, None)
            if scheduler and step_each == "epoch":
                scheduler.step()
            seconds = time.perf_counter() - start
            history.append(Row(number, *trained, *measured, rate, seconds))
            if run and distributed.is_first():
                run.save(history)
            if after_epoch:
                after_epoch(history[-1])
    except KeyboardInterrupt:
        history.interrupted = True
        print(f"Interrompu après {len(history)} époque(s) sur {epochs}.")
    return history
