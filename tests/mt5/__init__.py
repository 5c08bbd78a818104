"""What `bridge.mt5` promises: it finds terminals, and never writes over what a user changed."""
