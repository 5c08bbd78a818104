"""The forecaster: GPT-2 over patches of bars (`model`), and its counterpart that writes prices as
digits (`text`), each as one readable module. Needs `eabridge[train]`."""
