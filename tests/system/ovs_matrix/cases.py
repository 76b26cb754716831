"""The command lines that are compared: what known callers run, the whole grammar, and what goes
wrong. See compare.py for their form."""

from __future__ import annotations

from types import ModuleType

from ovs_matrix import (
    consumer_cases,
    error_cases,
    grammar_cases,
    native_cases,
    ofctl_cases,
    openflow_cases,
)


def _lines_of(*parts: ModuleType) -> dict[str, list[str]]:
    return {
        name: [line for line in text.strip().splitlines() if line and not line.startswith("#")]
        for part in parts
        for name, text in part.SCENARIOS.items()
    }


SCENARIOS = _lines_of(consumer_cases, grammar_cases, error_cases, ofctl_cases, openflow_cases)
# About flows that a client has set, which no Outrider takes: for comparing clients on the real one.
FLOW_SCENARIOS = _lines_of(ofctl_cases)
# Of tools that only others make: for comparing servers.
NATIVE_SCENARIOS = _lines_of(native_cases)
