"""What `bridge.bars` promises: every file here is written by the test that reads it."""
