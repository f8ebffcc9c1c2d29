"""Shuts a process forked by the zygote in: its own namespaces, files in memory, no capability.

The zygote itself runs in bubblewrap's sandbox, as root of a user namespace that has no right
outside. What `man 7 namespaces`, `mount` and `capabilities` describe, by hand: bubblewrap does the
same, but by starting a new program, which would have to import everything again.
"""

import contextlib
import ctypes
import fcntl
import os
import platform
import signal
import socket
import struct
from collections.abc import Collection
from pathlib import Path

# linux/sched.h, sys/mount.h, linux/prctl.h, linux/securebits.h, linux/keyctl.h
NEWNS, NEWCGROUP, NEWUTS, NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000
RDONLY, NOSUID, NODEV, NOEXEC, REMOUNT, BIND = 1, 2, 4, 8, 32, 4096
SET_PDEATHSIG, SET_DUMPABLE, CAPBSET_DROP, SET_SECUREBITS = 1, 4, 24, 28
SET_CHILD_SUBREAPER, SET_NO_NEW_PRIVS, CAP_AMBIENT, AMBIENT_CLEAR_ALL = 36, 38, 47, 4
NO_ROOT_LOCKED = 0b11101111  # no privilege for being root, none to be raised, for ever
CAPABILITY_V3 = 0x20080522
SET_INTERFACE_FLAGS, INTERFACE_UP = 0x8914, 1
KEYCTL = {"x86_64": 250, "aarch64": 219}
JOIN_SESSION_KEYRING = 1
PID_MAX_LEAST = 301

libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments) -> None:
    """Call a function of the C library; an error is an OSError."""
    converted = [
        ctypes.c_char_p(value.encode()) if isinstance(value, str) else value for value in arguments
    ]
    if getattr(libc, name)(*converted) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}{arguments}: {os.strerror(number)}")


def _prctl(option: int, *values: int) -> None:
    _call("prctl", option, *map(ctypes.c_ulong, [*values, *[0] * (4 - len(values))]))


def mount_proc() -> None:
    """A view of the processes of the current namespace, with nothing hidden in it."""
    _mount("proc", "/proc", NOEXEC)


def enter_namespaces() -> None:
    """Move to new namespaces; the next child is the first process of its own."""
    _call("unshare", NEWUSER | NEWNS | NEWPID | NEWNET | NEWIPC | NEWUTS | NEWCGROUP)
    _prctl(SET_PDEATHSIG, signal.SIGKILL)  # end with the zygote
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text("0 0 1")
    Path("/proc/self/gid_map").write_text("0 0 1")


def shut_in(disk: int, processes: int, keep: Collection[int]) -> None:
    """Finish the isolation of the first process of the namespaces, then give up every right.

    Args:
        disk: bytes of each folder in memory.
        processes: how many the cells may start.
        keep: the descriptors that stay open, with 0, 1 and 2, which are /dev/null.

    Raises:
        OSError: something could not be done; the process must not run any cell then.
    """
    _prctl(SET_PDEATHSIG, signal.SIGKILL)
    new_session_keyring()
    close_others(keep)
    for folder in ("/tmp", "/dev/shm"):
        _mount("tmpfs", folder, 0, f"size={disk},nr_inodes=100000,mode=1777")
    _mount("devpts", "/dev/pts", NOEXEC, "newinstance,ptmxmode=0666,mode=620")
    mount_proc()
    Path("/proc/sys/user/max_user_namespaces").write_text("0")
    Path("/proc/self/oom_score_adj").write_text("700")  # goes before the zygote
    if pid_max_is_private():  # RLIMIT_NPROC does not hold the system's root
        Path("/proc/sys/kernel/pid_max").write_text(str(PID_MAX_LEAST + processes))
    _call("mount", None, "/proc", None, REMOUNT | BIND | RDONLY | NOSUID | NODEV | NOEXEC, None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        fcntl.ioctl(end, SET_INTERFACE_FLAGS, struct.pack("16sh22x", b"lo", INTERFACE_UP))
    _give_up_rights()


def pid_max_is_private() -> bool:
    """Whether a PID namespace has its own; until Linux 6.14 there is one for the whole system."""
    major, minor = platform.release().split(".")[:2]
    return (int(major), int(minor)) >= (6, 14) if minor.isdigit() else int(major) > 6


def _mount(kind: str, where: str, flags: int, options: str | None = None) -> None:
    _call("mount", kind, where, kind, flags | NOSUID | NODEV * (kind != "devpts"), options)


def _give_up_rights() -> None:
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for capability in range(last + 1):
        _prctl(CAPBSET_DROP, capability)
    _prctl(SET_SECUREBITS, NO_ROOT_LOCKED)
    _prctl(CAP_AMBIENT, AMBIENT_CLEAR_ALL)
    header, nothing = struct.pack("Ii", CAPABILITY_V3, 0), bytes(24)
    _call("capset", ctypes.c_char_p(header), ctypes.c_char_p(nothing))
    _prctl(SET_NO_NEW_PRIVS, 1)
    status = dict(line.split(":\t") for line in Path("/proc/self/status").read_text().splitlines())
    rights = [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")]
    if any(rights) or status["NoNewPrivs"] != "1":
        raise OSError(f"rights are left: {rights}")


def new_session_keyring() -> None:
    """Leave the grader's session keyring, which namespaces do not separate."""
    if (number := KEYCTL.get(platform.machine())) is not None:
        libc.syscall(ctypes.c_long(number), ctypes.c_long(JOIN_SESSION_KEYRING), None)


def adopt_orphans() -> None:
    """Become the parent of the processes that descendants leave behind."""
    _prctl(SET_CHILD_SUBREAPER, 1)


def hide() -> None:
    """Keep the cells from tracing this process and from reading its memory."""
    _prctl(SET_DUMPABLE, 0)


def allow_tracing() -> None:
    """Undo ``hide`` in a child."""
    _prctl(SET_DUMPABLE, 1)


def close_others(keep: Collection[int]) -> None:
    """Close every descriptor above 2 but those of ``keep``."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in keep:
            with contextlib.suppress(OSError):  # that of the listing itself
                os.close(int(name))


def shared_state() -> str:
    """What children of this process would share with it; "" when there is nothing."""
    threads = len(os.listdir("/proc/self/task"))
    if threads > 1:
        return f"{threads} threads"
    for line in Path("/proc/self/maps").read_text().splitlines():
        rights = line.split()[1]
        if rights.endswith("s") and "w" in rights:
            return f"shared memory: {line}"
    return ""
