"""What was computed once is answered again: the cache in `memory`, and the `file` that keeps it."""
