"""What `tp-cnn doctor` looks at: one line a fact, right or wrong."""

import importlib.metadata
import importlib.util
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from tp_cnn import runtime
from tp_cnn.data.sources import status
from tp_cnn.errors import CourseError
from tp_cnn.grading.sandbox import bubblewrap
from tp_cnn.training import precision

LEAST_DISK = 2e9  # bytes; CIFAR-10 needs 170 MB to download, 180 MB unpacked, 180 MB of cache


@dataclass(frozen=True)
class Finding:
    """One line of the report; ``detail`` says what to do when it is not ``ok``."""

    ok: bool
    subject: str
    detail: str

    def __str__(self) -> str:
        return f"[{'OK' if self.ok else 'FAIL'}] {self.subject}: {self.detail}"


def examine() -> Iterator[Finding]:
    """Look at the machine, one finding at a time; a check that breaks is a finding too."""
    checks = {
        "Python": _python,
        "torch": _torch,
        "torchvision": _torchvision,
        "settings": _settings,
        "device": _device,
        "data": _data,
        "disk": _disk,
        "write access": _write_access,
        "grading": _grading,
    }
    for subject, check in checks.items():
        try:
            yield check(subject)
        except (CourseError, OSError, ImportError, RuntimeError) as error:
            yield Finding(False, subject, str(error))


def _python(subject: str) -> Finding:
    ok = sys.version_info >= (3, 10)
    advice = "" if ok else "; Python 3.10 or later is needed"
    return Finding(ok, subject, f"{platform.python_version()} on {platform.system()}{advice}")


def _torch(subject: str) -> Finding:
    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "no CUDA in this build"
    return Finding(True, subject, f"{torch.__version__} ({build})")


def _torchvision(subject: str) -> Finding:
    if not importlib.util.find_spec("torchvision"):
        return Finding(True, subject, "not installed; no notebook needs it")
    import torchvision  # may fail to load when it was built for another torch

    torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)  # its compiled part answers
    return Finding(True, subject, importlib.metadata.version("torchvision"))


def _settings(subject: str) -> Finding:
    changed = [
        f"{name}={value}"
        for name, value in vars(runtime.settings()).items()
        if value != getattr(runtime.Settings(), name)
    ]
    return Finding(True, subject, ", ".join(changed) or "defaults (no TP_CNN_* variable)")


def _device(subject: str) -> Finding:
    device = runtime.device()
    layer, ones = torch.nn.Linear(64, 64, device=device).eval(), torch.ones(64, 64, device=device)
    with precision.autocast(device, precision.for_batch(layer, ones)):
        layer(ones)
    return Finding(True, subject, runtime.describe_device(device))


def _data(subject: str) -> Finding:
    found = sorted({f"{row.name} ({row.where})" for row in status()})
    embedded = "digits and shapes need no file"
    if not found:
        return Finding(True, subject, f"none on disk; `tp-cnn data fetch` brings them; {embedded}")
    return Finding(True, subject, f"{', '.join(found)}; {embedded}")


def _disk(subject: str) -> Finding:
    free = shutil.disk_usage(Path.cwd()).free
    ok = free >= LEAST_DISK
    advice = "" if ok else f"; {LEAST_DISK / 1e9:.0f} GB are wanted"
    return Finding(ok, subject, f"{free / 1e9:.1f} GB free in {Path.cwd()}{advice}")


def _write_access(subject: str) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=Path.cwd()):
            return Finding(True, subject, f"{Path.cwd()}")
    except OSError as error:
        return Finding(False, subject, f"cannot write in {Path.cwd()}: {error.strerror}")


def _grading(subject: str) -> Finding:
    """For instructors: a student's machine is right without a sandbox."""
    obstacle = bubblewrap.obstacle()
    if not obstacle:
        return Finding(True, subject, "submissions run in a sandbox (bubblewrap)")
    return Finding(True, subject, f"only instructors need it: {obstacle}")


def report(show: Callable[[str], None] = print) -> bool:
    """Show every finding; return whether all are right."""
    findings = []
    for finding in examine():
        show(str(finding))
        findings.append(finding.ok)
    return all(findings)
