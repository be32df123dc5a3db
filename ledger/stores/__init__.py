"""Data stores as they really are: where the keys in them are read, whatever kind of store it is."""
