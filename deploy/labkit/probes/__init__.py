"""Measuring programs, each run in the network namespace it measures from, each ended by SIGTERM.

They write what they saw as JSON and judge nothing; judging is in analysis.py and in the callers.
"""
