"""The client's outbox: events wait durably until the log has them, and go out in order, once."""
