"""The tests, arranged like the package. `conftest.py` starts daemons and reads real bars."""
