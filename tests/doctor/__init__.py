"""What `bridge.doctor` promises: it finds what is wrong, says what to do, and never fails."""
