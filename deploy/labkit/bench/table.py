"""Rows of `network` as tables of text: one of medians and one of ratios per regime, then what is in
neither. Pure. """

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labkit.bench import figures
from labkit.bench.figures import FIGURES, STAGES, Cell
from labkit.bench.stages import EMPTY, FULL

Row = dict[str, Any]


def text(rows: Sequence[Row], machine: str) -> str:
    by_name = {one["name"]: one for one in rows}
    placed: set[str] = set()
    blocks = [machine]
    for regime, title in figures.REGIMES.items():
        medians = _medians(regime, by_name, placed)
        if medians:
            blocks.append(f"{title}: medians, and half of their 95 % interval\n{aligned(medians)}")
        ratios = _ratios(regime, by_name, placed)
        if ratios:
            what = f"{title}: ratios of the same round, and their median's 95 % interval"
            blocks.append(f"{what}\n{aligned(ratios)}")
    others = [_other(one) for one in rows if one["name"] not in placed]
    if others:
        blocks.append(aligned([["", "", "", "must be", ""], *others]))
    return "\n\n".join(blocks) + "\n"


def number(value: float) -> str:
    """With three digits."""
    for limit, digits in ((10, 2), (100, 1)):
        if abs(value) < limit:
            return f"{value:.{digits}f}"
    return f"{value:.0f}"


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need; the first to the left, the others to the right."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            word.rjust(width) if place else word.ljust(width)
            for place, (word, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _medians(regime: str, by_name: dict[str, Row], placed: set[str]) -> list[list[str]]:
    lines = []
    for (workload, figure), what in FIGURES.items():
        names = [Cell(workload, figure, stage).row(regime) for stage in STAGES]
        if any(name in by_name for name in names):
            cells = [_median(by_name[name]) if name in by_name else "-" for name in names]
            lines.append([what.title, what.unit, *cells])
            placed.update(names)
    return [["", "", *STAGES.values()], *lines] if lines else []


def _median(one: Row) -> str:
    half = (one["high"] - one["low"]) / 2 / one["value"] * 100 if one["value"] else 0
    return f"{number(one['value'])} ±{half:2.0f} %"


def _ratios(regime: str, by_name: dict[str, Row], placed: set[str]) -> list[list[str]]:
    lines = []
    for (workload, figure), what in FIGURES.items():
        for base in figures.BASES:
            names = [Cell(workload, figure, s).ratio_row(regime, base) for s in (EMPTY, FULL)]
            empty, full = (by_name.get(name) for name in names)
            if full:
                over = f"/ {STAGES[base]}"
                lines.append([what.title, over, _ratio(empty), _ratio(full), *_asked(full)])
                placed.update(names)
    if not lines:
        return []
    return [["", "", STAGES[EMPTY], STAGES[FULL], "must be", ""], *lines]


def _ratio(one: Row | None) -> str:
    return f"{one['value']:.2f} [{one['low']:.2f}, {one['high']:.2f}]" if one else "-"


def _asked(one: Row) -> tuple[str, str]:
    if not one["must"]:
        return "", ""
    return one["must"], "met" if one["met"] else "NOT MET"


def _other(one: Row) -> list[str]:
    between = f"[{_small(one['low'])}, {_small(one['high'])}]"
    return [one["name"], f"{_small(one['value'])} {one['unit']}", between, *_asked(one)]


def _small(value: float) -> str:
    """Shares of a few per cent keep their digits."""
    return f"{value:.3f}" if abs(value) < 1 else number(value)
