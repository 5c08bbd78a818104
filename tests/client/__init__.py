"""The Python client against the real daemon, and against servers that misbehave (`fake.py`)."""
