"""The vault: evidence outside the log, where it can be erased. See docs/vault.md."""
