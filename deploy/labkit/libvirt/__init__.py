"""libvirt on the hosts of a lab: Debian's own, and nothing of it on this machine."""
