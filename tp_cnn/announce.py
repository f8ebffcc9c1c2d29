"""What a notebook says of its run: the device, the data. ``tp-cnn run`` reads it back."""

KEY = "tp_cnn"  # of the metadata that carries the facts
LABELS = {"device": "Calcul sur", "data": "données", "seed": "graine"}


def announce(**facts: object) -> None:
    """Show one line such as « Calcul sur : cpu, 2 threads · données : mnist », for the reader.

    In a notebook, the facts also go into the metadata of the cell's output, where the results
    page of ``tp-cnn run`` finds ``device`` and ``data``.

    >>> announce(device=describe_device(device), data=train.origin)
    """
    texts = {name: str(value) for name, value in facts.items()}
    line = " · ".join(f"{LABELS.get(name, name)} : {text}" for name, text in texts.items())
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        print(line)
        return
    if get_ipython() is None:
        print(line)
    else:
        display({"text/plain": line}, raw=True, metadata={KEY: texts})
