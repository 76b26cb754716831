"""Moves under faults, drawn from seeds: what may go wrong (plan), the hosts and the guest it
happens to (world), how it is done (injection), what a hypervisor makes of it (mover), and what must
hold afterwards (invariants)."""
