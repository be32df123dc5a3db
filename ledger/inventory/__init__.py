"""Inventories: what a data store really holds, blinded and digested, and how it differs from the ledger."""
