"""Benchmarks, named in main.BENCHMARKS; each gives rows."""
