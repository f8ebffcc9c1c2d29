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
from tp_cnn.checks.engine.loops import (
    CLASSES,
    LoopCheck,
    Observation,
    OnlyIterated,
    backward_clues,
    copy_fact,
    forward_of,
    small_network,
    weights_of,
)

BATCHES, EPOCHS = 3, 4
FEWER = 2  # epochs of a second call, on another network
STEP_FACTS, FACTS = 6, 10  # those of `_step_facts`, and all those of one call
BY_HAND = "by hand"


class TrainingLoopCheck(LoopCheck):
    """The check of ``train(model, batches, epochs)`` -> the learning rate of each epoch.

    The optimiser is the function's own: every step that any optimiser takes is watched; an update
    written by hand is right if the weights end where they should. The network has a batch
    normalisation, and comes in eval mode, as an evaluation leaves it.
    """

    names = ("model", "batches", "epochs")

    def observe(self, function: Callable) -> Observation:
        # All drawn before: what the function draws must not change them.
        arguments = [(small_network().eval(), _batches(), epochs) for epochs in (EPOCHS, FEWER)]
        first = self._observe_once(function, *arguments[0])
        if first.refusal:
            return first
        second = self._observe_once(function, *arguments[1])
        seen = replace(first.seen, facts=[*first.seen.facts, *second.seen.facts])
        return replace(second, seen=seen, trials=first.trials + second.trials)

    def _observe_once(
        self, function: Callable, model: nn.Sequential, batches: OnlyIterated, epochs: int
    ) -> Observation:
        before = weights_of(model)
        passes: list[bool] = []
        events: list[str] = []

        def run(network: nn.Sequential, *_) -> None:
            passes.append(network[-1].training)
            events.append(forward_of(network, model))

        model.register_forward_hook(run)
        model[-1].bias.register_hook(lambda _: events.append("backward"))
        steps, trials, refusal = _watch(function, (model, batches, epochs), events)
        still = np.array_equal(weights_of(model), before)
        by_hand = not steps and not still
        facts = []
        if not refusal:
            facts = [Fact(BY_HAND)] * STEP_FACTS if by_hand else _step_facts(steps, epochs)
            facts += [copy_fact(events, still), _mode_fact(passes), _weights_fact(model, by_hand)]
        when = "les poids sont justes ; pour les pas d'apprentissage renvoyés, "
        facts += [Fact(trial.result, when=when) for trial in trials]
        clues = backward_clues(events)
        return Observation(Seen(facts, clues), trials, model, bool(passes), refusal)

    def completed(self, observed: Observation, right: Observation) -> Observation:
        """Without an optimiser, where the weights end tells all: its steps are taken for right."""
        facts = list(observed.seen.facts)
        for place, fact in enumerate(facts[: 2 * FACTS]):
            if place % FACTS < STEP_FACTS and isinstance(fact.value, str):
                facts[place] = right.seen.facts[place]
        return replace(observed, seen=replace(observed.seen, facts=facts))


def _batches() -> OnlyIterated:
    drawn = [(torch.randn(10, 1, 4, 4), torch.randint(CLASSES, (10,))) for _ in range(BATCHES)]
    return OnlyIterated(drawn)


def _watch(
    function: Callable, arguments: tuple, events: list[str]
) -> tuple[list[dict], list[Trial], Refused | None]:
    """The settings at each step of any optimiser, then what `try_all` gives."""
    steps: list[dict] = []

    def note(optimizer: torch.optim.Optimizer, *_) -> None:
        steps.append(_settings(optimizer))
        events.append("step")

    hook = optimizers.register_optimizer_step_pre_hook(note)
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
