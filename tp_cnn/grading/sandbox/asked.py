"""A check in the sandbox: its name, and a way to ask for its verdict."""

from collections.abc import Callable

import numpy as np

from tp_cnn.checks.engine.framework import Check, Verdict


class Asked(Check):
    """Prints and remembers verdicts as any check does, and finds none itself."""

    def __init__(self, name: str, ask: Callable[[str, int, object], dict]):
        super().__init__(f"Vérification {name}.", answer=None, mistakes=())
        self.name, self.ask = name, ask
        self.seed = 0

    def __call__(self, student: object = ..., *, seed: int = 0, **options) -> Verdict:
        self.seed = seed
        return super().__call__(student, limit=0)

    def judge(self, student: object, rng: np.random.Generator) -> Verdict:
        return Verdict(**self.ask(self.name, self.seed, student))
