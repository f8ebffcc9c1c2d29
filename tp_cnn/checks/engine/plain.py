"""Arguments, results and outcomes of calls as JSON, for a call into another process; never pickle.

What has no place there (an object, a generator) becomes its description, which a check refuses as
it would have refused the object; or, where both ends keep objects for each other, a reference.
"""

import base64
import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import torch

from tp_cnn.checks.engine.compare import Described, describe
from tp_cnn.checks.engine.running import Failure, Returned

LONGEST = 1_000_000  # numbers of a range
DEPTH = 12  # nested lists deeper than this are described
KINDS = "biufc"  # of NumPy's types: all those of numbers

Refer = Callable[[object], list]  # from an object to the numbers and texts that stand for it
Find = Callable[..., object]  # from these to what they stand for, at the other end


def write(value: object, refer: Refer | None = None) -> str:
    """JSON of numbers, texts, arrays, tensors, ``None``, ``...``, and lists, tuples and
    dictionaries of them.
    """
    return json.dumps(_pack(value, DEPTH, refer))


def read(text: str, find: Find | None = None) -> object:
    """What `write` was given.

    Raises:
        ValueError: ``text`` comes from something else.
    """
    with _readable(text):
        return _unpack(json.loads(text), find)


def write_outcome(outcome: Returned, refer: Refer | None = None) -> str:
    plain = asdict(replace(outcome, result=None))
    return json.dumps({**plain, "result": _pack(outcome.result, DEPTH, refer)})


def read_outcome(text: str, find: Find | None = None) -> Returned:
    """The outcome that `write_outcome` was given.

    Raises:
        ValueError: ``text`` comes from something else.
    """
    with _readable(text):
        found = json.loads(text)
        failure = found["failure"] and Failure(
            kind=str(found["failure"]["kind"]),
            text=str(found["failure"]["text"]),
            errors=tuple(map(str, found["failure"]["errors"])),
            place=str(found["failure"]["place"]),
        )
        return Returned(
            result=_unpack(found["result"], find),
            failure=failure,
            name=str(found["name"]),
            names=tuple(map(str, found["names"])),
            changed=tuple(map(int, found["changed"])),
            printed=str(found["printed"]),
        )


@contextlib.contextmanager
def _readable(text: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        message = f"texte illisible : {text[:80]!r} ; il faut celui que ce module a écrit."
        raise ValueError(message) from error


def _pack(value: object, depth: int, refer: Refer | None) -> object:
    """Lists stand for themselves; all else that JSON has not is {its kind: its content}."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if value is ...:
        return {"blank": None}
    if isinstance(value, range) and len(value) <= LONGEST:
        value = list(value)
    elif isinstance(value, Fraction | Decimal):
        return float(value)
    if isinstance(value, list | tuple) and depth > 0:
        cells = [_pack(cell, depth - 1, refer) for cell in value]
        return cells if isinstance(value, list) else {"tuple": cells}
    if isinstance(value, dict) and depth > 0:
        pairs = value.items()
        return {"dict": [[_pack(part, depth - 1, refer) for part in pair] for pair in pairs]}
    if isinstance(value, torch.Tensor) and value.device.type != "meta":
        value = value.detach().cpu()
        value = value.float() if value.dtype == torch.bfloat16 else value  # NumPy has none
        return {"tensor": _pack_array(value.numpy())}
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in KINDS:
        return {"array": _pack_array(np.asarray(value))}
    if isinstance(value, np.ndarray) and value.dtype == object and depth > 0:
        return _pack(value.tolist(), depth - 1, refer)
    return {"object": refer(value)} if refer else {"described": describe(value)}


def _pack_array(array: np.ndarray) -> list:
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return [array.dtype.str, list(array.shape), data]


def _unpack(value: object, find: Find | None) -> object:
    if isinstance(value, list):
        return [_unpack(cell, find) for cell in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tuple":
        return tuple(_unpack(cell, find) for cell in content)
    if kind == "dict":
        return {_key(name): _unpack(cell, find) for name, cell in content}
    if kind == "blank":
        return ...
    if kind in ("array", "tensor"):
        array = _unpack_array(*content)
        return torch.from_numpy(array) if kind == "tensor" else array
    if kind == "object" and find:
        return find(*content)
    return Described(str(content))


def _key(packed: object) -> object:
    """A key that is no number nor text may not even be one: its description will do."""
    key = _unpack(packed, None)
    return key if isinstance(key, str | int | float | None) else str(key)


def _unpack_array(name: str, shape: list[int], data: str) -> np.ndarray:
    kind = np.dtype(name)
    if kind.kind not in KINDS:
        raise ValueError(f"tableau de type {name} ; il faut des nombres.")
    return np.frombuffer(base64.b64decode(data), kind).reshape(shape).copy()
