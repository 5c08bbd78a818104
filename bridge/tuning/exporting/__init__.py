"""Exporting: a network to an ONNX graph that MetaTrader 5 runs too, in float32 or int8."""
