"""For each module of checks, the answers that students could give: right ones and wrong ones."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Answers:
    """``right``: two answers or more, written differently; ``wrong``: by name of the mistake."""

    right: Sequence[object]
    wrong: dict[str, object]


def wrong_of(check) -> dict[str, object]:
    """The mistakes of a check, whose answers students can write as they stand."""
    return {mistake.name: mistake.answer for mistake in check.mistakes}
