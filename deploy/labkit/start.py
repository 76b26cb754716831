"""Starts a program of the lab: start.py NAME OPTIONS..."""

import importlib
import pathlib
import sys

MAINS = {
    "demo": "labkit.demo.main",
    "lab": "labkit.main",
    "bench": "labkit.bench.main",
    "guest-image": "labkit.guest_image",
}

# In place of this folder, whose modules are those of the package.
sys.path[0] = str(pathlib.Path(__file__).resolve().parent.parent)
sys.exit(importlib.import_module(MAINS[sys.argv[1]]).main(sys.argv[2:]))
