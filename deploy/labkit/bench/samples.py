"""What was measured in one regime, by round, and its rows. Pure. """

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit.bench import figures
from labkit.bench.figures import FIGURES, Cell
from labkit.bench.rows import row
from labkit.bench.stages import BARE, EMPTY, FULL

Rows = list[dict[str, Any]]


class Samples:
    """Some stages may have been measured in a part of the rounds only."""

    def __init__(self) -> None:
        self._by_round: dict[Cell, dict[int, float]] = {}

    def add(self, number: int, workload: str, stage: str, found: dict[str, float]) -> None:
        """Figures of a workload in round `number`."""
        for figure, value in found.items():
            self._by_round.setdefault(Cell(workload, figure, stage), {})[number] = value

    def cells(self) -> Iterator[Cell]:
        """In the order of reports."""
        for workload, figure in FIGURES:
            for stage in figures.STAGES:
                if (cell := Cell(workload, figure, stage)) in self._by_round:
                    yield cell

    def values(self, cell: Cell) -> list[float]:
        return list(self._by_round[cell].values())

    def ratios(self, cell: Cell, base: str) -> list[float]:
        """Of the rounds that have both: what the machine did meanwhile hit both. A round in which
        nothing came through the base has no ratio."""
        others = self._by_round.get(Cell(cell.workload, cell.figure, base), {})
        mine = self._by_round[cell]
        return [value / others[number] for number, value in mine.items() if others.get(number)]


def rows_of(regime: str, samples: Samples) -> Rows:
    """Medians of all cells, and of ours over the others'; ratios are judged by their median."""
    rows = [
        row(cell.row(regime), samples.values(cell), FIGURES[cell.workload, cell.figure].unit)
        for cell in samples.cells()
    ]
    for cell in samples.cells():
        for base in figures.BASES if cell.stage in (EMPTY, FULL) else ():
            if ratios := samples.ratios(cell, base):
                asked = figures.bounds(regime, cell, base)
                name = cell.ratio_row(regime, base)
                rows.append(row(name, ratios, "ratio", judged=50, **asked))
    return rows


def of_bare(samples: Samples) -> dict[str, list[float]]:
    """Of each workload that runs over the bare wire, the figure that it is for."""
    found: dict[str, list[float]] = {}
    for cell in samples.cells():
        if cell.stage == BARE and cell.workload not in found:
            found[cell.workload] = samples.values(cell)
    return found
