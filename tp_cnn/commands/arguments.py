"""What the commands share: the arguments that were given."""

from collections.abc import Iterable


def given(options, names: Iterable[str]) -> dict:
    """The arguments among ``names`` that have a value: name -> value."""
    values = {name: getattr(options, name, None) for name in names}
    return {name: value for name, value in values.items() if value is not None}
