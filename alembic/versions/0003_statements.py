"""Statements that assessors attested, and their signatures: kept for the bundles made of them later."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = """
-- The text of a statement, once; its hash is the text's SHA-256.
CREATE TABLE statements (
    log      text   NOT NULL,
    hash     bytea  NOT NULL CHECK (octet_length(hash) = 32),
    order_id text   NOT NULL,
    size     bigint NOT NULL CHECK (size > 0),
    as_of    bigint NOT NULL,
    text     bytea  NOT NULL CHECK (octet_length(text) BETWEEN 1 AND 2097152),
    time_us  bigint NOT NULL,
    PRIMARY KEY (log, hash)
);
CREATE INDEX statements_of_order ON statements (log, order_id, time_us);

-- One signature of one key on one statement: what came first stands.
CREATE TABLE attestations (
    log         text   NOT NULL,
    hash        bytea  NOT NULL,
    name        text   NOT NULL,
    key_id      bytea  NOT NULL CHECK (octet_length(key_id) = 4),
    signature   bytea  NOT NULL CHECK (octet_length(signature) = 64),
    attestation bytea  NOT NULL,
    checkpoint  bytea  NOT NULL,
    time_us     bigint NOT NULL,
    PRIMARY KEY (log, hash, name, key_id),
    FOREIGN KEY (log, hash) REFERENCES statements
);
SELECT writ_make_append_only(relation)
FROM unnest(ARRAY['statements', 'attestations']::regclass[]) AS relation;
GRANT SELECT, INSERT ON statements, attestations TO writ_service;
"""


def upgrade() -> None:
    """Make the tables."""
    op.get_context().config.attributes["run_script"](STATEMENTS)


def downgrade() -> None:
    """Refuse: older code needs no table taken away, and signatures would be lost."""
    raise NotImplementedError("older code needs no table taken away")
