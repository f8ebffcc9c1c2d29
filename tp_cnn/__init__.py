"""A lab course on convolutional networks: data, models, training, checks for students."""

import contextlib
import ctypes
import os
import sys

__version__ = "0.1.0"

# OpenMP's threads spin while they wait, and trainings on the same cores so stop each other: see
# benchmarks/shared.py. The variable is read when torch loads.
if "torch" not in sys.modules:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# What a step of training frees, the next one asks for again. glibc gives it back to the system
# meanwhile, which then clears it page by page; here it keeps it. See docs/performance.md.
if sys.platform == "linux" and not any(name.startswith("MALLOC_") for name in os.environ):
    with contextlib.suppress(AttributeError, OSError):  # another C library
        ctypes.CDLL(None).mallopt(-1, 2**28)  # M_TRIM_THRESHOLD: bytes that may be kept
        ctypes.CDLL(None).mallopt(-3, 2**25)  # M_MMAP_THRESHOLD: larger blocks are given back
