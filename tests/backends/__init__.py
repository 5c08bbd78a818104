"""Backends: graphs to forecasts. `graphs.py` builds the small models that other rooms serve too."""
