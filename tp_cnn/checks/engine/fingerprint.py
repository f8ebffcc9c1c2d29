"""A digest of the checks of a notebook: it changes when a student's code has changed them."""

import hashlib
import re
from types import ModuleType

from tp_cnn.checks.engine import calls, compare, framework
from tp_cnn.checks.engine.framework import Check


def fingerprint(module: ModuleType) -> str:
    """Digest of the answers, mistakes and methods of every check of ``module``, and of what they
    are judged with. The same for all clean processes of one version of the package.
    """
    checks = sorted((name, one) for name, one in vars(module).items() if isinstance(one, Check))
    parts = [_functions(judge) for judge in (calls, compare, framework)]
    for name, check in checks:
        parts += [name, _attributes(check), *map(_functions, type(check).__mro__)]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def _attributes(check: Check) -> list:
    return [(name, _content(value)) for name, value in sorted(vars(check).items())]


def _functions(holder: object) -> list:
    return [
        (name, _content(value)) for name, value in sorted(vars(holder).items()) if _is_code(value)
    ]


def _is_code(value: object) -> bool:
    return hasattr(value, "__code__")


def _content(value: object) -> object:
    """What tells a value from another one, without addresses in memory."""
    if _is_code(value):
        return _bytecode(value.__code__)
    if isinstance(value, list | tuple):
        return [_content(item) for item in value]
    if isinstance(value, dict):
        return [(str(key), _content(item)) for key, item in value.items()]
    if isinstance(value, framework.Mistake):
        return value.name, _content(value.answer), value.message
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def _bytecode(code) -> list:
    constants = [_bytecode(one) if hasattr(one, "co_code") else one for one in code.co_consts]
    # The order of a frozenset of strings changes from one process to the next.
    constants = [sorted(one, key=repr) if isinstance(one, frozenset) else one for one in constants]
    return [code.co_code, code.co_names, repr(constants)]
