"""The command lines that are compared: what known callers run, the whole grammar, and what goes
wrong. See compare.py for their form."""

from __future__ import annotations

from ovs_matrix import consumer_cases, error_cases, grammar_cases, ofctl_cases, openflow_cases

SCENARIOS: dict[str, list[str]] = {
    name: [line for line in text.strip().splitlines() if line and not line.startswith("#")]
    for part in (consumer_cases, grammar_cases, error_cases, ofctl_cases, openflow_cases)
    for name, text in part.SCENARIOS.items()
}
