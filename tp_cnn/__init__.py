"""A lab course on convolutional networks: data, models, training, checks for students."""

import os
import sys

__version__ = "0.1.0"

# OpenMP's threads spin while they wait, and trainings on the same cores so stop each other: see
# benchmarks/shared.py. The variable is read when torch loads.
if "torch" not in sys.modules:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
