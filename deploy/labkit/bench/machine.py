"""What a benchmark ran on, for its reports. """

from __future__ import annotations

import os
import pathlib
import re

CPUINFO = pathlib.Path("/proc/cpuinfo")


def described() -> str:
    """Processor, cores and kernel."""
    found = re.search(r"^model name\s*: (.*)$", CPUINFO.read_text(encoding="utf-8"), re.MULTILINE)
    model = found[1].strip() if found else os.uname().machine
    return f"{model}, {os.cpu_count()} cores, Linux {os.uname().release}"
