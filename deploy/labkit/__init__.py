"""The lab: hosts as network namespaces, real QEMU guests, the daemons, and measurements on them."""
