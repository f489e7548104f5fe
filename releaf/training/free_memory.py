"""How much main memory this process may still take. Knows the operating system and containers, nothing of models."""

from __future__ import annotations

from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def free_main_memory(cgroup: Path = CGROUP) -> int:
    """Bytes that can be taken without swapping: what the system has, or what a container leaves, if that is less.

    Files that the system merely keeps in memory count as free, for it gives them up when asked.
    """
    import psutil

    available = int(psutil.virtual_memory().available)
    room = _container_room(cgroup)
    return available if room is None else max(0, min(available, room))


def _container_room(cgroup: Path) -> int | None:
    """Bytes below the limit of the container's control group (version 2), None where there is no limit."""
    try:
        limit = (cgroup / "memory.max").read_text().strip()
        used = int((cgroup / "memory.current").read_text())
        rows = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
        return None if limit == "max" else int(limit) - used + int(rows.get("inactive_file", 0))
    except (OSError, ValueError):  # no Linux, no such group, or version 1
        return None
