"""Who may connect: keys and limits (`access`), asked at the `gate` for each connection."""
