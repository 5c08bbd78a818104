"""The forecaster: GPT-2 over patches of bars, as one readable module. Needs `eabridge[train]`."""
