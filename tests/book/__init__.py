"""What `bridge.book` promises: the daemon's bits, in a file that cannot lie about its bars."""
