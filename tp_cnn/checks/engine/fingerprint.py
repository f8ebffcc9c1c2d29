"""A digest of the checks of a notebook: it changes when a student's code has changed them."""

import hashlib
import importlib
import inspect
import pkgutil
import re
from dataclasses import fields, is_dataclass
from types import FunctionType, ModuleType

import numpy as np

from tp_cnn.checks import engine

OURS = "tp_cnn.checks"
DEPTH = 12  # of what holds what


def fingerprint(module: ModuleType) -> str:
    """Digest of every check, function, class and constant of ``module`` and of its parts, and of
    the whole engine. The same for all clean processes of one version of the package.
    """
    parts = [(one.__name__, _members(one)) for one in [*_parts(engine), *_parts(module)]]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def _parts(module: ModuleType) -> list[ModuleType]:
    """A module, and those inside of it if it is a package."""
    inside = pkgutil.iter_modules(getattr(module, "__path__", []), f"{module.__name__}.")
    return [module, *(importlib.import_module(one.name) for one in inside)]


def _members(holder: object) -> list:
    found = sorted((name, value) for name, value in vars(holder).items() if _belongs(name, value))
    return [(name, _content(value, DEPTH)) for name, value in found]


def _belongs(name: str, value: object) -> bool:
    """All but what Python adds, and modules and classes from elsewhere."""
    if isinstance(value, type):
        return value.__module__.startswith(OURS)
    special = name.startswith("__") and not isinstance(value, FunctionType)
    return not special and not isinstance(value, ModuleType)


def _content(value: object, depth: int) -> object:
    """What tells a value from another one, without addresses in memory."""
    if depth == 0:
        return type(value).__name__
    if isinstance(value, FunctionType):
        held = [value.__defaults__, value.__kwdefaults__, *map(_held, value.__closure__ or ())]
        return _bytecode(value.__code__), [_content(one, depth - 1) for one in held]
    if isinstance(value, type) and depth < DEPTH:  # told whole where its module holds it
        return value.__module__, value.__qualname__
    if isinstance(value, type):
        return value.__name__, [base.__name__ for base in value.__mro__], _methods(value, depth - 1)
    if isinstance(value, list | tuple):
        return [_content(item, depth - 1) for item in value]
    if isinstance(value, dict):
        return [(str(key), _content(item, depth - 1)) for key, item in value.items()]
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.shape, value.tolist()
    if is_dataclass(value):  # a check, a mistake; a check may have been given a method of its own
        names = sorted(
            {field.name for field in fields(value)} | set(vars(value)) - {"_right"}
        )  # not what it has judged
        return [(name, _content(getattr(value, name), depth - 1)) for name in names]
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def _methods(holder: type, depth: int) -> list:
    found = [(name, inspect.unwrap(_function(value))) for name, value in vars(holder).items()]
    return sorted(
        (name, repr(_content(one, depth))) for name, one in found if isinstance(one, FunctionType)
    )


def _function(value: object) -> object:
    """That of a property or of a static method."""
    return getattr(value, "fget", None) or getattr(value, "__func__", value)


def _held(cell: object) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # still empty
        return None


def _bytecode(code) -> list:
    constants = [_bytecode(one) if hasattr(one, "co_code") else one for one in code.co_consts]
    # The order of a frozenset of strings changes from one process to the next.
    constants = [sorted(one, key=repr) if isinstance(one, frozenset) else one for one in constants]
    return [code.co_code, code.co_names, repr(constants)]
