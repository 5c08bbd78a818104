"""The daemon as seen from outside: its counts, what is told of them, and its log."""
