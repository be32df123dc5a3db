"""The service, its client and the command line: append path, HTTP, Postgres. All IO of the ledger is here."""
