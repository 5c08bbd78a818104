"""A lane for each loaded model: what waits for it, who computes it, and what follows when it fails.

A `lane` computes batches of what waits: the loop does it itself for a fast model, a `worker` for a
slow one, as its `pace` says, and `rounds` says whose turn it is. What fails is replaced: see
`watchdog`, `restart` and `breaker`.
"""
