"""MQL5 outside of a terminal: a translator to C++, a runtime, and the tests of `mql5/`."""
