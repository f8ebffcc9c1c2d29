"""What a cell shows: tables, numbers written in French, what was used (device, data)."""

from collections.abc import Iterable, Sequence

KEY = "tp_cnn"  # of the metadata that carries the facts
LABELS = {"device": "Calcul sur", "data": "données", "seed": "graine"}


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table: the first column to the left, the others to the right."""
    rules = [":---", *["---:"] * (len(header) - 1)]
    lines = [header, rules, *[[str(value) for value in row] for row in rows]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


class Table:
    """A table that a notebook shows when a cell ends with it; prints as Markdown elsewhere."""

    def __init__(self, header: Sequence[str], rows: Iterable[Sequence[object]]):
        self.text = markdown_table(header, rows)

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return self.text


def decimal(value: float, form: str = ".2f") -> str:
    """A number written in French: ``decimal(0.95)`` is « 0,95 », ``decimal(-0.001)`` « 0,00 »."""
    text = f"{value:{form}}"
    return (text if float(text) else text.lstrip("-")).replace(".", ",")


def percent(share: float, decimals: int = 2) -> str:
    """A share between 0 and 1, written in French: ``percent(0.0095)`` is « 0,95 % »."""
    return f"{decimal(100 * share, f'.{decimals}f')} %"


def thousands(count: int) -> str:
    """A whole number, written in French: ``thousands(61706)`` is « 61 706 »."""
    return f"{count:,}".replace(",", " ")


def announce(**facts: object) -> None:
    """Show one line: « Calcul sur : cpu, 2 fils de calcul · données : mnist ».

    The results page of ``tp-cnn run`` finds ``device`` and ``data`` with the output.

    >>> announce(device=describe_device(device), data=train.origin)
    """
    texts = {name: str(value) for name, value in facts.items()}
    show(" · ".join(f"{LABELS.get(name, name)} : {text}" for name, text in texts.items()), **texts)


def show(text: str, **facts: str | None) -> None:
    """Print a text; in a notebook, as an output whose metadata carry facts for other programs."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        print(text)
        return
    if get_ipython() is None:
        print(text)
    else:
        display({"text/plain": text}, raw=True, metadata={KEY: facts})


def facts(output: dict) -> dict:
    """The facts that `show` put into an output of a saved notebook; {} without any."""
    metadata = output.get("metadata")
    found = metadata.get(KEY) if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}
