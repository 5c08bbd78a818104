"""Training: windows in, the best weights out, and a run that outlives a kill and a full disk."""
