"""Rows of `network` as a picture: for each regime a row of panels, one a figure, with a bar per
stage and its 95 % interval. Plain SVG, without a library. Pure. """

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from html import escape
from typing import Any

from labkit.bench import figures, table
from labkit.bench.figures import FIGURES, STAGES, Cell
from labkit.bench.stages import BARE, BRIDGE, EMPTY, FULL, OVS

Row = dict[str, Any]

CHARTED = (
    *(("tcp", "gbps"), ("tcp8", "gbps"), ("udp64", "kpps")),
    *(("rr", "per_s"), ("rr", "p99_us"), ("crr", "per_s")),
)
COLOURS = {
    BARE: "#b4bac2",
    BRIDGE: "#6f9fd8",
    OVS: "#e0b25c",
    EMPTY: "#7fcdaa",
    FULL: "#128a5a",
}
INK, PALE, LINE = "#24292f", "#6a737d", "#d0d7de"
# In pixels.
MARGIN, PANEL, GAP, BAR, PITCH = 24, 172, 14, 24, 34
HEAD, REGIME, TITLES, PLOT, NOTES = 84, 30, 40, 150, 34
FONT = "font-family=\"'DejaVu Sans', Verdana, 'Segoe UI', Helvetica, Arial, sans-serif\""


@dataclasses.dataclass(frozen=True)
class Bar:
    stage: str
    value: float
    low: float
    high: float


def svg(rows: Sequence[Row], machine: str) -> str:
    by_name = {one["name"]: one for one in rows}
    regimes = [name for name in figures.REGIMES if _panels(name, by_name)]
    columns = max((len(_panels(name, by_name)) for name in regimes), default=0)
    width = 2 * MARGIN + columns * PANEL + (columns - 1) * GAP
    band = REGIME + TITLES + PLOT + NOTES
    height = HEAD + len(regimes) * band + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" {FONT}>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        _text(MARGIN, 30, "Guest to guest between two hosts", 17, weight="bold"),
        *_legend(width),
    ]
    for place, regime in enumerate(regimes):
        top = HEAD + place * band
        parts.append(_text(MARGIN, top + 16, figures.REGIMES[regime], 13, weight="bold"))
        for column, (key, bars) in enumerate(_panels(regime, by_name).items()):
            left = MARGIN + column * (PANEL + GAP)
            note = _note(regime, key, by_name)
            parts += _panel(left, top + REGIME, FIGURES[key], bars, note)
    caption = f"{machine}; medians and their 95 % bootstrap intervals of interleaved rounds"
    parts.append(_text(MARGIN, height - 14, caption, 11, PALE))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panels(regime: str, by_name: dict[str, Row]) -> dict[tuple[str, str], list[Bar]]:
    """Those there are rows for."""
    found = {}
    for key in CHARTED:
        rows = {stage: by_name.get(Cell(*key, stage).row(regime)) for stage in STAGES}
        bars = [
            Bar(stage, one["value"], one["low"], one["high"]) for stage, one in rows.items() if one
        ]
        if bars:
            found[key] = bars
    return found


def _note(regime: str, key: tuple[str, str], by_name: dict[str, Row]) -> str:
    """What the full profile is of the others."""
    words = []
    for base in figures.BASES:
        one = by_name.get(Cell(*key, FULL).ratio_row(regime, base))
        if one:
            words.append(f"{one['value']:.2f} × {STAGES[base].split()[0]}")
    return ", ".join(words)


def _legend(width: int) -> list[str]:
    parts, left = [], MARGIN
    for stage, title in STAGES.items():
        parts.append(_rect(left, 47, 12, 12, COLOURS[stage]))
        parts.append(_text(left + 18, 57, title, 12))
        left += 32 + 8 * len(title)
    said = "full: 100 stateful rules each way, a policer, counters; empty: a bare profile"
    parts.append(_text(width - MARGIN, 57, said, 11, PALE, anchor="end"))
    return parts


def _panel(
    left: float, top: float, figure: figures.Figure, bars: Sequence[Bar], note: str
) -> list[str]:
    unit = figure.unit.replace("us", "µs") + (", less is better" if figure.less_is_better else "")
    base = top + TITLES + PLOT
    # Room for the number over the highest one.
    scale = (PLOT - 16) / max(max(bar.high, bar.value) for bar in bars)
    parts = [
        _text(left, top + 12, figure.title, 12, weight="bold"),
        _text(left, top + 26, unit, 11, PALE),
        _line(left, base, left + PANEL, base, LINE),
    ]
    begin = left + (PANEL - PITCH * (len(bars) - 1) - BAR) / 2
    for place, bar in enumerate(bars):
        parts += _bar(begin + place * PITCH, base, scale, bar)
    parts.append(_text(left + PANEL / 2, base + 17, f"full: {note}", 11, PALE, "middle"))
    return parts if note else parts[:-1]


def _bar(left: float, base: float, scale: float, bar: Bar) -> list[str]:
    top, middle = base - bar.value * scale, left + BAR / 2
    low, high = base - bar.low * scale, base - bar.high * scale
    weight = "bold" if bar.stage == FULL else "normal"
    return [
        _rect(left, top, BAR, base - top, COLOURS[bar.stage]),
        _line(middle, low, middle, high, INK),
        _line(middle - 4, low, middle + 4, low, INK),
        _line(middle - 4, high, middle + 4, high, INK),
        _text(middle, min(top, high) - 5, short(bar.value), 10, INK, "middle", weight),
    ]


def short(value: float) -> str:
    """In the width of a bar."""
    return table.number(value / 1000) + "k" if value >= 1000 else table.number(value)


def _text(
    x: float,
    y: float,
    words: str,
    size: float,
    colour: str = INK,
    anchor: str = "start",
    weight: str = "normal",
) -> str:
    style = f'font-size="{size:g}" font-weight="{weight}" text-anchor="{anchor}" fill="{colour}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'


def _rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} rx="1.5" fill="{colour}"/>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    place = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {place} stroke="{colour}" stroke-width="1.2"/>'
