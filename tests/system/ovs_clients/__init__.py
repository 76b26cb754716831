"""Debian's clients of Open vSwitch and what is asked of them; used by ovs_clients_test.py."""
