"""`acl`: what rule sets of 10,000 rules cost: packet rates, edits, memory."""

from __future__ import annotations

from typing import Any

from labkit.bench import native

DEMANDS: native.Demands = {
    "acl_compile": {"at_most": 1000},
    "acl_edit_one_rule": {"at_most": 20, "judged": 99},
    "acl_add_one_member": {"at_most": 5, "judged": 99},
    "acl_rate_established": {"at_least": 0.97, "judged": 50},
    "acl_rate_new_flows": {"at_least": 0.70, "judged": 50},
    "acl_worst_rule_against_best": {"at_most": 1.5},
    "acl_memory_per_port": {"at_most": 64},
}


def run(build: str, quick: bool) -> list[dict[str, Any]]:
    return native.measure(build, "acl", quick, DEMANDS)
