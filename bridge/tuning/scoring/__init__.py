"""Scores, each with its baseline and its interval, on bars that nobody has seen.

Needs the serving install alone, but for `classical` and `significance` (`eabridge[compare]`).
"""
