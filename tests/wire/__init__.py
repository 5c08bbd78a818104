"""The wire: golden vectors for every language, the codec, the messages, and hostile bytes."""
