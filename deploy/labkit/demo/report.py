"""What the demo found: rows {check, value, unit, ok}, shown to people and written for programs."""

from __future__ import annotations

import json
import pathlib
import time
from typing import Any


class Report:
    """Prints numbered steps and results as they come, and keeps the rows."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._step = 0
        self._began = time.monotonic()

    def step(self, text: str) -> None:
        self._step += 1
        print(f"\n{self._step}. {text}", flush=True)

    def say(self, text: str) -> None:
        for line in text.splitlines():
            print(f"     {line}", flush=True)

    def row(self, check: str, value: Any, unit: str, ok: bool, told: str) -> None:
        """`check`: stable word for programs; `told`: what it means, for people."""
        self.rows.append({"check": check, "value": value, "unit": unit, "ok": bool(ok)})
        shown = f"{value:.1f}" if isinstance(value, float) else str(value)
        if isinstance(value, bool):
            shown = "yes" if value else "no"
        print(f"   {'ok  ' if ok else 'FAIL'} {told}: {shown} {unit}".rstrip(), flush=True)

    @property
    def ok(self) -> bool:
        return bool(self.rows) and all(row["ok"] for row in self.rows)

    def seconds(self) -> float:
        return time.monotonic() - self._began

    def write(self, path: str | None) -> None:
        if path:
            pathlib.Path(path).write_text(json.dumps(self.rows, indent=1) + "\n", encoding="utf-8")
