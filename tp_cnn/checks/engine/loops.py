"""The checks of a training step and of an evaluation, by what they do to a small network.

What a function does is a list of effects: the weights it leaves, the number it returns, the mode it
puts the network in. The right function and each known mistake are run on the same images; a mistake
is named when its first difference from the right function is also the student's.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from tp_cnn.checks.engine.calls import Refused, Trial, attempt, name_arguments, told
from tp_cnn.checks.engine.compare import Difference, blanks, difference, show
from tp_cnn.checks.engine.framework import Check, Mistake, Verdict

CLASSES = 5
RANKS = ["le premier pas", "le deuxième pas", "le troisième pas"]


@dataclass(frozen=True)
class Effect:
    """Something that a function did, and what to say if it should not have done so."""

    value: object  # an array, or what the function returned
    sentence: str = ""  # in French; empty for a value returned: `difference` finds one
    when: str = ""  # what to write before that sentence


@dataclass
class Observation:
    """The effects of a function, in the order in which they are judged.

    ``clues`` are not judged: they tell apart mistakes that have the same effects.
    """

    effects: list[Effect]
    trials: list[Trial]
    ran: bool  # the function ran the network
    refusal: Refused | None = None  # the function failed after these effects
    clues: tuple = ()


class LoopCheck(Check):
    """Base of both checks: ``answer`` and the mistakes' answers are functions."""

    names: Sequence[str]

    def observe(self, function: Callable) -> Observation:
        """Run ``function`` on a network and images drawn by PyTorch."""
        raise NotImplementedError

    def judge(self, student: object, rng: np.random.Generator) -> Verdict:
        if not callable(student):
            raise Refused(f"il faut une fonction ; vous donnez {show(student)}.", "type")
        name_arguments(student, (None,) * len(self.names), list(self.names))
        seed = int(rng.integers(2**31))
        seen, wanted = self._observe(student, seed), self._observe(self.answer, seed)
        if not seen.ran and not seen.refusal and all(blanks(one.result) for one in seen.trials):
            raise Refused("la fonction ne fait rien et ne renvoie rien.", status="todo")
        first = self._first_difference(seen, wanted)
        if first is None:
            if seen.refusal:
                raise seen.refusal
            return Verdict("right", f"valeurs comparées à {self.tolerance:g} près.")
        effect, printed = seen.effects[first], told(seen.trials[0].printed if seen.trials else "")
        sentence = effect.sentence or effect.when + self._gap(seen, wanted, first).sentence
        for mistake in self.mistakes:
            if self._same_difference(mistake, seen, wanted, first, seed):
                return Verdict("wrong", f"{sentence}\n  → {mistake.message}{printed}", mistake.name)
        return Verdict("wrong", sentence + printed)

    def _observe(self, function: Callable, seed: int) -> Observation:
        # What the check draws must not change what the notebook draws next: not torch.manual_seed,
        # which sets the GPU's generator too.
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.default_generator.manual_seed(seed)
            return self.observe(function)

    def _gap(self, seen: Observation, other: Observation, index: int) -> Difference | None:
        obtained, wanted = seen.effects[index].value, other.effects[index].value
        return difference(obtained, wanted, self.tolerance)

    def _first_difference(self, seen: Observation, wanted: Observation) -> int | None:
        indices = range(min(len(seen.effects), len(wanted.effects)))
        return next((index for index in indices if self._gap(seen, wanted, index)), None)

    def _same_difference(
        self, mistake: Mistake, seen: Observation, wanted: Observation, first: int, seed: int
    ) -> bool:
        wrong = self._observe(mistake.answer, seed)
        return (
            self._first_difference(wrong, wanted) == first
            and not self._gap(seen, wrong, first)
            and seen.clues == wrong.clues
        )


def try_all(function: Callable, tries: Iterable[tuple]) -> tuple[list[Trial], Refused | None]:
    """Call ``function`` on the arguments of each try, themselves and not copies, until it fails."""
    trials: list[Trial] = []
    for arguments in tries:
        try:
            trials.append(attempt(partial(function, *arguments), (), []))
        except Refused as refusal:
            return trials, refusal
    return trials, None


class TrainingStepCheck(LoopCheck):
    """The check of ``step(model, images, labels, criterion, optimizer)`` -> loss of the batch.

    The network is in training mode, with a batch normalisation; three batches follow each other.
    """

    names = ("model", "images", "labels", "criterion", "optimizer")

    def observe(self, function: Callable) -> Observation:
        layers = [nn.Linear(16, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, CLASSES)]
        model = nn.Sequential(nn.Flatten(), *layers)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
        events: list[str] = []
        model.register_forward_hook(lambda *_: events.append("forward"))
        model[-1].bias.register_hook(lambda _: events.append("backward"))
        optimizer.register_step_pre_hook(lambda *_: events.append("step"))
        weights = [weights_of(model)]
        # All drawn before: what the function draws must not change them.
        batches = [(torch.randn(10, 1, 4, 4), torch.randint(CLASSES, (10,))) for _ in RANKS]

        def tries() -> Iterator[tuple]:
            for images, labels in batches:
                yield model, images, labels, nn.CrossEntropyLoss(), optimizer
                weights.append(weights_of(model))  # reached only if the function did not fail

        trials, refusal = try_all(function, tries())
        effects = [_weights_effect(weights, step) for step in range(1, len(weights))]
        if not refusal:
            effects += _loss_effects([trial.result for trial in trials])
        first = [events.index(name) for name in ("backward", "step") if name in events]
        clues = ("backward" in events, "step" in events, first == sorted(first))
        return Observation(effects, trials, "forward" in events, refusal, clues)


def weights_of(model: nn.Module) -> np.ndarray:
    return torch.cat([weights.detach().flatten() for weights in model.parameters()]).numpy()


def _weights_effect(weights: list[np.ndarray], step: int) -> Effect:
    if np.array_equal(weights[step], weights[step - 1]):
        sentence = f"après {RANKS[step - 1]}, les poids du réseau n'ont pas bougé."
    elif step == 1:
        sentence = "dès le premier pas, les poids du réseau ne vont pas là où il faut."
    else:
        sentence = f"le premier pas est juste, mais {RANKS[step - 1]} va dans une autre direction."
    return Effect(weights[step], sentence)


def _loss_effects(losses: list) -> list[Effect]:
    graph = [int(isinstance(loss, Tensor) and loss.requires_grad) for loss in losses]
    return [
        Effect(graph, "les poids sont justes, mais le coût renvoyé garde le graphe de calcul."),
        *[Effect(loss, when="les poids sont justes ; pour le coût renvoyé, ") for loss in losses],
    ]


class EvaluationCheck(LoopCheck):
    """The check of ``evaluate(model, batches)`` -> accuracy between 0 and 1.

    The network comes in training mode, with a dropout. The first try has one batch of as many
    images as classes; the second has three batches, the last one smaller.
    """

    names = ("model", "batches")

    def observe(self, function: Callable) -> Observation:
        dropout = nn.Dropout()
        model = nn.Sequential(
            *[nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), dropout, nn.Linear(8, CLASSES)]
        )
        one = [_batch(model, CLASSES, correct=3)]
        three = [
            _batch(model, 5, correct=4),
            _batch(model, 5, correct=2),
            _batch(model, 2, correct=2),
        ]
        modes: list[bool] = []
        graphs: list[bool] = []
        dropout.register_forward_hook(lambda *_: modes.append(dropout.training))
        model.register_forward_hook(lambda *_: graphs.append(torch.is_grad_enabled()))

        def tries() -> Iterator[tuple]:
            for batches in (one, three):
                yield model.train(), batches

        trials, refusal = try_all(function, tries())
        sizes = ["pour un lot de 5 images, ", "pour trois lots de 5, 5 et 2 images, "]
        effects = [
            Effect(int(any(modes)), "pendant l'évaluation, le réseau est encore en mode train()."),
            *[Effect(trial.result, when=size) for trial, size in zip(trials, sizes, strict=False)],
        ]
        if not refusal:
            kept = "le résultat est juste, mais PyTorch a gardé le graphe de calcul."
            effects.append(Effect(int(any(graphs)), kept))
        return Observation(effects, trials, bool(modes), refusal)


def _batch(model: nn.Module, size: int, correct: int) -> tuple[Tensor, Tensor]:
    """Images of which ``model`` classifies ``correct`` well, and labels that show a wrong axis."""
    while True:
        images = 3 * torch.randn(size, 1, 4, 4)
        with torch.no_grad():
            scores = model.eval()(images)
        labels = scores.argmax(1)
        labels[correct:] = (labels[correct:] + 1) % CLASSES
        # As many as the images well classified, or badly, would hide the mistake.
        if size != CLASSES or (scores.argmax(0) == labels).sum() not in (correct, size - correct):
            return images, labels
