"""A lane for each loaded model: what waits for it, who computes it, and what follows when it fails.

A `lane` computes batches of what is `waiting`: the loop does it itself for a fast model, a `worker`
for a slow one, as its `pace` says, and `rounds` says whose turn it is. One who is `alone` is
answered at once. What fails is replaced: see `keeper`, `watchdog`, `restart` and `breaker`.
"""
