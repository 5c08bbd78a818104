"""Keys in files: those of daemons and clients, and who may connect."""
