"""Costs: how long a call takes, and how much memory a training run, in fair turns."""
