"""Benchmarks: each a function (lab, quick) -> rows, named in main.BENCHMARKS."""
