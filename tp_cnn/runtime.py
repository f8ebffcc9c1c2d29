"""Settings from the environment, device, seeds, notebook parameters, many tasks at once."""

import difflib
import os
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from types import SimpleNamespace

import numpy as np
import torch

from tp_cnn.errors import CourseError

PREFIX = "TP_CNN_"
PARAMETER_PREFIX = "TP_CNN_PARAM_"
CHOICES = {
    "profile": ("quick", "full"),
    "precision": ("auto", "float32", "bfloat16"),
}
LARGEST = {"seed": 2**32 - 1, "threads": 1024}


@dataclass(frozen=True)
class Settings:
    """What the variables ``TP_CNN_*`` say: the field ``seed`` is read from ``TP_CNN_SEED``."""

    data: str = ""  # folder where data sets are looked for first
    download: bool = True  # whether a data set that is not on the disk may be downloaded
    mirror: str = ""  # "official", or the address of a folder that serves the data files
    device: str = "auto"  # "auto", "cpu", "cuda", "cuda:1", "mps"
    precision: str = "auto"  # "auto": bfloat16 where it pays, see tp_cnn.training.precision
    profile: str = "quick"  # "quick": minutes on two cores; "full": the whole data and budget
    seed: int = 0  # to 2³² - 1
    deterministic: bool = False
    threads: int = 0  # 0: PyTorch decides
    progress: bool = True  # show progress bars


def settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from ``environment`` (by default ``os.environ``).

    Raises:
        CourseError: a variable ``TP_CNN_*`` is unknown, or its value has the wrong type.
    """
    environment = os.environ if environment is None else environment
    known = {field.name: field for field in fields(Settings)}
    values = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or variable.startswith(PARAMETER_PREFIX):
            continue
        name = variable[len(PREFIX) :].lower()
        if name not in known:
            raise CourseError(
                _unknown(variable, [PREFIX + known_name.upper() for known_name in known])
            )
        value = parse(variable, text, known[name].type)
        if name in CHOICES and value not in CHOICES[name]:
            raise CourseError(f"{variable}={text!r}: expected one of {', '.join(CHOICES[name])}")
        if name in LARGEST and not 0 <= value <= LARGEST[name]:
            raise CourseError(f"{variable}={text!r}: expected 0 to {LARGEST[name]}")
        values[name] = value
    return Settings(**values)


def _unknown(variable: str, known: list[str]) -> str:
    close = difflib.get_close_matches(variable, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(known))}"
    return f"unknown environment variable {variable}: {hint}"


def parse(name: str, text: str, kind: type) -> bool | int | float | str:
    """Turn the text of a setting called ``name`` into ``kind`` (bool, int, float or str).

    Raises:
        CourseError: the text cannot be read as ``kind``.
    """
    if kind is bool:
        words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
        if text.lower() not in words:
            raise CourseError(f"{name}={text!r}: expected 1 or 0 (or true, false, yes, no)")
        return words[text.lower()]
    try:
        return kind(text)
    except ValueError:
        article = "an integer" if kind is int else "a number"
        raise CourseError(f"{name}={text!r}: expected {article}") from None


class Parameters(SimpleNamespace):
    """A notebook's parameters, one attribute each; prints as a small table with their origin."""

    def __init__(self, values: Mapping = {}, origins: Mapping[str, str] = {}):
        super().__init__(**values)  # pickle, which other processes need, gives neither
        self._origins = origins

    def __repr__(self) -> str:
        names = list(self._origins)
        width = max((len(name) for name in names), default=0)
        return "\n".join(
            f"{name:<{width}} = {getattr(self, name)!r:<10} ({self._origins[name]})"
            for name in names
        )


def parameters(
    quick: dict, full: dict | None = None, environment: Mapping[str, str] | None = None
) -> Parameters:
    """Choose a notebook's parameters: those of the profile, overridden by the environment.

    ``quick`` names every parameter; ``full`` only those that differ in the full profile. The
    variable ``TP_CNN_PARAM_EPOCHS=3`` overrides ``epochs``, read with the type of its quick value.

    >>> parameters(quick={"epochs": 2, "images": 6000}, full={"epochs": 20, "images": 60000})

    Raises:
        CourseError: ``full`` has a name that ``quick`` lacks, or an override has the wrong type.
    """
    environment = os.environ if environment is None else environment
    full = full or {}
    if not full.keys() <= quick.keys():
        raise CourseError(f"full profile: unknown parameters {sorted(full.keys() - quick.keys())}")
    profile = settings(environment).profile
    values = {**quick, **full} if profile == "full" else dict(quick)
    origins = dict.fromkeys(values, profile)
    for name, default in quick.items():
        variable = PARAMETER_PREFIX + name.upper()
        if variable in environment:
            values[name] = parse(variable, environment[variable], type(default))
            origins[name] = variable
    return Parameters(values, origins)


def device(name: str | None = None) -> torch.device:
    """The device to compute on: ``name`` if given, else ``TP_CNN_DEVICE``, else CUDA, MPS or CPU.

    Raises:
        CourseError: the device asked for is unknown or absent.
    """
    name = name or settings().device
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        wanted = torch.device(name)
    except RuntimeError:
        raise CourseError(f"device {name!r}: expected auto, cpu, cuda, cuda:N or mps") from None
    absent = (
        (wanted.type == "cuda" and (wanted.index or 0) >= torch.cuda.device_count())
        or (wanted.type == "mps" and not torch.backends.mps.is_available())
        or wanted.type not in ("cpu", "cuda", "mps")
    )
    if absent:
        raise CourseError(f"device {name!r}: this machine has none; use --device auto or cpu")
    return wanted


def describe_device(where: torch.device) -> str:
    """A short name for a device: ``"cpu, 2 fils de calcul"``, ``"cuda: NVIDIA A100"``."""
    if where.type == "cuda":
        return f"cuda: {torch.cuda.get_device_name(where)}"
    threads = torch.get_num_threads()
    if where.type != "cpu":
        return where.type
    return f"cpu, {threads} fil{'s' * (threads > 1)} de calcul"


def seed_everything(seed: int | None = None, deterministic: bool | None = None) -> int:
    """Seed Python, NumPy and PyTorch (every device); return the seed used.

    Args:
        seed: by default ``TP_CNN_SEED``, or 0.
        deterministic: also refuse operations whose result may change from run to run; by default
            ``TP_CNN_DETERMINISTIC``.
    """
    chosen = settings()
    seed = chosen.seed if seed is None else seed
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - students' own code may call np.random
    torch.manual_seed(seed)
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    deterministic = chosen.deterministic if deterministic is None else deterministic
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks for it
    torch.use_deterministic_algorithms(deterministic)
    torch.backends.cudnn.benchmark = not deterministic
    return seed


def in_parallel(
    function: Callable,
    arguments: Iterable[tuple],
    jobs: int = 1,
    scheduler: str | None = None,
    threads: bool = False,
) -> Iterator:
    """Call ``function`` with each tuple of arguments; give the results as they are done.

    Args:
        jobs: calls at once on this machine; 1: one after the other, in this process.
        scheduler: address of a Dask cluster, whose workers make the calls instead. A call that a
            worker was making when it died is made again by another.
        threads: this machine's calls are made by threads rather than by processes.

    Raises:
        CourseError: fewer than one job, or no such cluster.
    """
    import joblib

    if jobs < 1:
        raise CourseError(f"{jobs} jobs: expected 1 or more")
    calls = [joblib.delayed(function)(*given) for given in arguments]
    options = {"n_jobs": jobs, **({"prefer": "threads"} if threads else {})}
    with _cluster(scheduler):
        if scheduler:
            options = {"n_jobs": -1}
        yield from joblib.Parallel(**options, return_as="generator_unordered")(calls)


@contextmanager
def _cluster(scheduler: str | None) -> Iterator[None]:
    """Have joblib's calls made by the workers of a Dask cluster, if there is a scheduler."""
    if not scheduler:
        yield
        return
    import joblib

    try:
        from distributed import Client
    except ImportError:
        raise CourseError(
            "--scheduler needs the extra `cluster`: pip install 'tp-cnn[cluster]'"
        ) from None
    try:
        client = Client(scheduler, timeout=20)
    except (OSError, ValueError) as error:
        raise CourseError(
            f"no Dask scheduler answers at {scheduler} ({error}): start one with `dask scheduler`, "
            f"then `dask worker {scheduler}` on each machine"
        ) from None
    with client, joblib.parallel_config("dask"):
        yield
