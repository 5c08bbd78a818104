"""Bundles and stores, with real folders and files."""
