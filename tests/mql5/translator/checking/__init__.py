"""What the names in a program mean, and what MQL5 does not allow of what its grammar would."""
