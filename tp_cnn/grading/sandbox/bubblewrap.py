"""The sandbox in which submissions run: bubblewrap, on Linux.

A kernel in it has no network, no capability and no other process than its own; of the file system
it sees the system and the interpreter, the package ``tp_cnn`` and the data sets, all read-only, and
a folder in memory of its own.
"""

import functools
import os
import shutil
import site
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import tp_cnn

NO_SANDBOX = (
    "--no-sandbox runs the students' code with your rights: only on a machine or an account that "
    "holds nothing of value"
)
HOME = "/tmp/home"
PACKAGE = "/course"
DATA = "/data"
SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/sys/devices/system/cpu",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/nsswitch.conf",
)
FONTS = ("/usr/share/fonts", "/usr/local/share/fonts")  # matplotlib would list them for seconds
NUMERIC = ("OMP_", "OPENBLAS_", "MKL_")  # settings of the machine's numeric libraries


@dataclass(frozen=True)
class Limits:
    """What one submission may use."""

    notebook_seconds: float = 300
    cell_seconds: float = 60
    memory: int = 4_000_000_000  # bytes of data of a process
    disk: int = 512_000_000  # bytes of files, in memory
    processes: int = 128  # threads included
    output: int = 1_000_000  # bytes of text a cell may print; the rest is cut
    display: int = 8_000_000  # bytes of pictures and other displays a cell may show
    withdrawals: int = 3  # cells withdrawn because they end the kernel

    def resources(self) -> dict[str, int]:
        """The limits that the kernel sets for itself, by their name in ``resource``."""
        return {
            "RLIMIT_DATA": self.memory,
            "RLIMIT_AS": 3 * self.memory,  # shared memory too; torch reserves much and uses little
            "RLIMIT_FSIZE": self.disk,
            "RLIMIT_NPROC": self.processes,
            "RLIMIT_NOFILE": 1024,
            "RLIMIT_CPU": int(4 * self.notebook_seconds) + 1,
            "RLIMIT_CORE": 0,
        }


def environment(package: str, data: Path | str | None, extra: dict[str, str]) -> dict[str, str]:
    """The kernels' environment variables: nothing of the grader's own."""
    numeric = {name: value for name, value in os.environ.items() if name.startswith(NUMERIC)}
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONPATH": package,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",  # the same order of sets for everybody
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        **numeric,
        "TP_CNN_DEVICE": "cpu",
        "TP_CNN_DOWNLOAD": "0",
        "TP_CNN_PRECISION": "float32",  # marks do not hang on what was faster
        "TP_CNN_PROGRESS": "0",
        **({"TP_CNN_DATA": str(data)} if data else {}),
        **extra,
    }


def command(limits: Limits, variables: dict[str, str], data: Path | None = None) -> list[str]:
    """The beginning of a command line; the sandboxed program and its arguments follow it."""
    size = str(limits.disk)
    options = ["bwrap", "--unshare-all", "--unshare-user", "--disable-userns"]
    options += ["--die-with-parent", "--new-session", "--as-pid-1", "--cap-drop", "ALL"]
    options += ["--hostname", "tp-cnn", "--clearenv", "--proc", "/proc", "--dev", "/dev"]
    # Before what may lie in them: a virtual environment below /tmp, for instance.
    options += ["--size", size, "--tmpfs", "/dev/shm", "--size", size, "--tmpfs", "/tmp"]
    options += _binds(data)
    for folder in ("/proc", "/dev", "/"):
        options += ["--remount-ro", folder]
    for name, value in variables.items():
        options += ["--setenv", name, value]
    return [*options, "--chdir", "/", "--"]


def _binds(data: Path | None) -> list[str]:
    """Bubblewrap's options for what a kernel can read."""
    options = []
    for path in map(Path, SYSTEM):
        if path.is_symlink() and path.parent == Path("/"):  # /bin -> usr/bin
            options += ["--symlink", os.readlink(path), str(path)]
        elif path.exists():
            options += ["--ro-bind", str(path), str(path)]
    for folder in filter(os.path.isdir, FONTS):
        options += ["--tmpfs", folder, "--remount-ro", folder]
    for path in interpreter():
        options += ["--ro-bind", str(path), str(path)]
    options += _package()
    if data:
        options += ["--ro-bind", str(data.resolve()), DATA]
    return options


def _package() -> list[str]:
    """The package without the checks of the notebooks, which hold the answers."""
    here, there = Path(tp_cnn.__file__).resolve().parent, f"{PACKAGE}/tp_cnn"
    options = []
    if any(here.is_relative_to(path) for path in interpreter()):  # not installed from a folder
        options += ["--tmpfs", str(here), "--remount-ro", str(here)]
    options += ["--ro-bind", str(here), there]
    options += ["--tmpfs", f"{there}/checks"]
    for part in ("__init__.py", "engine"):
        options += ["--ro-bind", str(here / "checks" / part), f"{there}/checks/{part}"]
    return [*options, "--remount-ro", f"{there}/checks"]


@functools.cache
def interpreter() -> tuple[Path, ...]:
    """Python and the libraries installed for it, where they are not below /usr.

    Parts of the prefixes only: a virtual environment's folder may hold more than it should show.
    """
    wanted = [Path(prefix) / part for prefix in {sys.prefix, sys.base_prefix} for part in PARTS]
    places = (sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    wanted += map(Path, (*places, *site.getsitepackages()))
    if site.ENABLE_USER_SITE:
        wanted.append(Path(site.getusersitepackages()))
    wanted += [path.resolve() for path in wanted]
    found: list[Path] = []
    for path in sorted({path for path in wanted if path.exists()}):  # parents come first
        if not any(path.is_relative_to(parent) for parent in [Path("/usr"), *found]):
            found.append(path)
    return tuple(found)


PARTS = ("bin", "lib", "lib64", "pyvenv.cfg")


# What a submission needs is found, not imported, which would take seconds.
PROBE = """
import importlib.util, sys
import tp_cnn
for name in ("numpy", "torch", "ipykernel"):
    if not importlib.util.find_spec(name):
        raise ModuleNotFoundError(f"No module named {name!r}")
sys.stdout.write("works")
"""


@functools.cache
def obstacle() -> str | None:
    """Why submissions cannot be sandboxed here, and what to do; None when they can."""
    if not sys.platform.startswith("linux"):
        return f"the sandbox needs Linux (on Windows: WSL 2); {NO_SANDBOX}"
    if not shutil.which("bwrap"):
        return f"bubblewrap is missing; install it with: sudo apt install bubblewrap; {NO_SANDBOX}"
    test = [*command(Limits(), environment(PACKAGE, None, {})), sys.executable, "-c"]
    try:
        done = subprocess.run(
            [*test, PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap does not work here ({error}); {NO_SANDBOX}"
    if done.stdout == "works":
        return None
    reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
    if "No such file" in reason or "ModuleNotFoundError" in reason:
        reason += f"; the sandbox does not show the Python environment {sys.prefix}"
    return f"bubblewrap does not work here ({reason}); {NO_SANDBOX}"
