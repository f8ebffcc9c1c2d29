"""The check of a whole training loop: its optimiser, and when its learning rate changes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import nn
from torch.optim import optimizer as optimizers
from torch.optim.lr_scheduler import StepLR

from tp_cnn.checks.engine.calls import Refused, Trial, try_all
from tp_cnn.checks.engine.facts import Fact, Seen
from tp_cnn.checks.engine.loops import CLASSES, LoopCheck, Observation, weights_of

BATCHES, EPOCHS = 3, 4
FEWER = 2  # epochs of a second call, on another network
STEP_FACTS, FACTS = 6, 9  # those of `_step_facts`, and all those of one call
BY_HAND = "by hand"


class TrainingLoopCheck(LoopCheck):
    """The check of ``train(model, batches, epochs)`` -> the learning rate of each epoch.

    The optimiser is the function's own: every step that any optimiser takes is watched; an update
    written by hand is right if the weights end where they should. The network has a batch
    normalisation, and comes in eval mode, as an evaluation leaves it.
    """

    names = ("model", "batches", "epochs")

    def observe(self, function: Callable) -> Observation:
        first = self._observe_once(function, EPOCHS)
        if first.refusal:
            return first
        second = self._observe_once(function, FEWER)
        facts = [*first.seen.facts, *second.seen.facts]
        return replace(second, seen=Seen(facts), trials=first.trials + second.trials)

    def _observe_once(self, function: Callable, epochs: int) -> Observation:
        layers = [nn.Linear(16, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, CLASSES)]
        model = nn.Sequential(nn.Flatten(), *layers).eval()
        batches = [
            (torch.randn(10, 1, 4, 4), torch.randint(CLASSES, (10,))) for _ in range(BATCHES)
        ]
        before = weights_of(model)
        passes: list[bool] = []
        model.register_forward_hook(lambda *_: passes.append(model[2].training))
        steps, trials, refusal = _watch(function, (model, batches, epochs))
        by_hand = not steps and not np.array_equal(weights_of(model), before)
        facts = []
        if not refusal:
            facts = [Fact(BY_HAND)] * STEP_FACTS if by_hand else _step_facts(steps, epochs)
            facts += [_mode_fact(passes), _weights_fact(model, by_hand)]
        when = "les poids sont justes ; pour les pas d'apprentissage renvoyés, "
        facts += [Fact(trial.result, when=when) for trial in trials]
        return Observation(Seen(facts), trials, model, bool(passes), refusal)

    def completed(self, observed: Observation, right: Observation) -> Observation:
        """Without an optimiser, where the weights end tells all: its steps are taken for right."""
        facts = list(observed.seen.facts)
        for place, fact in enumerate(facts[: 2 * FACTS]):
            if place % FACTS < STEP_FACTS and isinstance(fact.value, str):
                facts[place] = right.seen.facts[place]
        return replace(observed, seen=replace(observed.seen, facts=facts))


def _watch(function: Callable, arguments: tuple) -> tuple[list[dict], list[Trial], Refused | None]:
    """The settings at each step of any optimiser, then what `try_all` gives."""
    steps: list[dict] = []
    hook = optimizers.register_optimizer_step_pre_hook(
        lambda optimizer, *_: steps.append(_settings(optimizer))
    )
    plain_step = StepLR.step

    def step(scheduler, *options):
        for seen in steps:
            seen["stairs"] = scheduler.step_size
        return plain_step(scheduler, *options)

    StepLR.step = step  # its own, and no longer that of its parent
    try:
        return steps, *try_all(function, [arguments])
    finally:
        hook.remove()
        del StepLR.step


def _mode_fact(passes: list[bool]) -> Fact:
    sentence = "pendant l'apprentissage, le réseau est en mode eval()."
    return Fact(int(bool(passes) and not any(passes)), sentence)


def _settings(optimizer: torch.optim.Optimizer) -> dict:
    group = optimizer.param_groups[0]
    names = ("lr", "momentum", "weight_decay", "dampening", "nesterov")
    return {"kind": type(optimizer).__name__, **{name: group.get(name, 0) for name in names}}


def _step_facts(steps: list[dict], epochs: int) -> list[Fact]:
    expected = BATCHES * epochs
    count = f"pour {BATCHES} lots et {epochs} époques, l'optimiseur a fait {len(steps)} pas."
    facts = [Fact(len(steps), count)]
    if len(steps) != expected:
        return facts
    first = steps[0]
    kind = f"l'optimiseur est {first['kind']}."
    facts.append(Fact(int(first["kind"] == "SGD"), kind))
    settings = [float(first[name]) for name in ("momentum", "weight_decay")]
    read = "l'optimiseur a momentum={:g} et weight_decay={:g}.".format(*settings)
    facts.append(Fact(settings, read))
    others = [float(first[name]) for name in ("dampening", "nesterov")]
    facts.append(Fact(others, "l'optimiseur a un réglage que l'énoncé ne demande pas."))
    stairs = max(step.get("stairs", 1) for step in steps)
    facts.append(
        Fact(int(stairs > 1), f"le pas ne change que toutes les {stairs} époques (StepLR).")
    )
    rates = [step["lr"] for step in steps]
    written = " ; ".join(
        ", ".join(f"{rate:.6g}" for rate in rates[start : start + BATCHES])
        for start in range(0, expected, BATCHES)
    )
    seen = f"à chaque lot, époque par époque, le pas d'apprentissage vaut : {written}."
    return [*facts, Fact(rates, seen)]


def _weights_fact(model: nn.Module, by_hand: bool) -> Fact:
    sentence = "l'optimiseur et ses pas sont justes, mais pas les poids du réseau à la fin."
    if by_hand:
        sentence = "sans optimiseur de PyTorch, les poids du réseau à la fin ne sont pas les bons."
    return Fact(weights_of(model), sentence, vague=True)
