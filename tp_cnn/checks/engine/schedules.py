"""The check of a whole training loop: its optimiser, and when its learning rate changes."""

from collections.abc import Callable

import torch
from torch import nn
from torch.optim import optimizer as optimizers

from tp_cnn.checks.engine.calls import try_all
from tp_cnn.checks.engine.facts import Fact, Seen
from tp_cnn.checks.engine.loops import CLASSES, LoopCheck, Observation, weights_of

BATCHES, EPOCHS = 3, 4


class TrainingLoopCheck(LoopCheck):
    """The check of ``train(model, batches, epochs)`` -> the learning rate of each epoch.

    The optimiser is the function's own: every step that any optimiser takes is watched.
    """

    names = ("model", "batches", "epochs")

    def observe(self, function: Callable) -> Observation:
        model = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, CLASSES))
        batches = [(torch.randn(10, 1, 4, 4), torch.randint(CLASSES, (10,))) for _ in range(3)]
        passes: list[bool] = []
        model.register_forward_hook(lambda *_: passes.append(True))
        steps: list[dict] = []
        hook = optimizers.register_optimizer_step_pre_hook(
            lambda optimizer, *_: steps.append(_settings(optimizer))
        )
        try:
            trials, refusal = try_all(function, [(model, batches, EPOCHS)])
        finally:
            hook.remove()
        facts = [] if refusal else [*_step_facts(steps), _weights_fact(model)]
        for trial in trials:
            when = "les poids sont justes ; pour les pas d'apprentissage renvoyés, "
            facts.append(Fact(trial.result, when=when))
        return Observation(Seen(facts), trials, bool(passes), refusal)


def _settings(optimizer: torch.optim.Optimizer) -> dict:
    group = optimizer.param_groups[0]
    names = ("lr", "momentum", "weight_decay", "dampening", "nesterov")
    return {"kind": type(optimizer).__name__, **{name: group.get(name, 0) for name in names}}


def _step_facts(steps: list[dict]) -> list[Fact]:
    expected = BATCHES * EPOCHS
    count = f"pour {BATCHES} lots et {EPOCHS} époques, l'optimiseur a fait {len(steps)} pas."
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
    rates = [step["lr"] for step in steps]
    written = " ; ".join(
        ", ".join(f"{rate:.6g}" for rate in rates[start : start + BATCHES])
        for start in range(0, expected, BATCHES)
    )
    seen = f"à chaque lot, époque par époque, le pas d'apprentissage vaut : {written}."
    return [*facts, Fact(rates, seen)]


def _weights_fact(model: nn.Module) -> Fact:
    sentence = "l'optimiseur et ses pas sont justes, mais pas les poids du réseau à la fin."
    return Fact(weights_of(model), sentence)
