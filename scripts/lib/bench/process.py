"""What the kernel tells of a process."""

import os
import time
from pathlib import Path

SCHEDULER_CLOCK = 2


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, all threads; /proc counts in ticks of 10 ms, too coarse for one request."""
    # the clock of another process, as clock_getcpuclockid(3) makes it
    return time.clock_gettime((~pid << 3) | SCHEDULER_CLOCK)


def family_cpu_seconds(parent: int) -> float:
    """User and system time of a process and its children, those that ended included."""
    ended = sum(int(ticks) for ticks in _stat(parent)[13:15]) / os.sysconf("SC_CLK_TCK")
    total = ended + cpu_seconds(parent)
    for child in _processes():
        try:
            if int(_stat(child)[1]) == parent:
                total += cpu_seconds(child)
        except OSError:
            continue
    return total


def memory_mb(pid: int, line: str) -> float:
    """A memory line of the status: VmRSS now, VmHWM at most since the last `forget_peak`."""
    for text in Path(f"/proc/{pid}/status").read_text().splitlines():
        if text.startswith(line + ":"):
            return int(text.split()[1]) / 1024
    raise ValueError(f"process {pid} has no {line}")


def forget_peak(pid: int) -> None:
    """Makes VmHWM start again from the memory in use."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def child_running(parent: int, program: str) -> int:
    """The child of `parent` that runs `program`."""
    for pid in _processes():
        try:
            ppid = int(_stat(pid)[1])
            name = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
        except OSError:
            continue
        if ppid == parent and name == program:
            return pid
    raise LookupError(f"no {program} below process {parent}")


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _stat(pid: int) -> list[str]:
    """The fields of the kernel's status line from the state on."""
    # the name in brackets may hold spaces
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
