"""Golden vectors: README.md explains the JSON files, `make.py` writes them."""
