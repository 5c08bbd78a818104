"""Recipes: what decides a trained model but the bars; as values, as TOML, and by default."""
