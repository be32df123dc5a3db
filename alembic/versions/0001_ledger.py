"""The ledger's tables: the log itself, append-only, and what is folded from it.

Every key begins with the log, so that logs can be placed on nodes. The service's login may read and insert;
what it may also change is named at the end.
"""

from alembic import op

revision = "0001"
down_revision = None

APPEND_ONLY = """
CREATE FUNCTION writ_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % refused: the ledger is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

-- A statement's trigger fires for the table that the statement names, and for no partition below it, TRUNCATE
-- above all: so each partition is given its own.
CREATE FUNCTION writ_make_append_only(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s '
        'FOR EACH STATEMENT EXECUTE FUNCTION writ_refuse_change()', relation);
END $$;
"""

LOG = """
CREATE TABLE logs (
    log        text   PRIMARY KEY,
    origin     text   NOT NULL UNIQUE,
    created_us bigint NOT NULL
);

-- The one row that serialises appends to a log: locked first, updated last.
CREATE TABLE heads (
    log          text   PRIMARY KEY REFERENCES logs,
    size         bigint NOT NULL CHECK (size >= 0),
    root         bytea  NOT NULL CHECK (octet_length(root) = 32),
    last_leaf    bytea  NOT NULL CHECK (octet_length(last_leaf) = 32),
    last_time_us bigint NOT NULL,
    frontier     bytea  NOT NULL CHECK (octet_length(frontier) % 32 = 0)
) WITH (fillfactor = 50);

CREATE TABLE entries (
    log   text   NOT NULL,
    index bigint NOT NULL CHECK (index >= 0),
    entry bytea  NOT NULL CHECK (octet_length(entry) BETWEEN 1 AND 65535),
    PRIMARY KEY (log, index)
) PARTITION BY RANGE (index);

-- Full hash tiles only: 256 hashes. Narrower ones are read off the head's edge.
CREATE TABLE tiles (
    log    text     NOT NULL,
    level  smallint NOT NULL CHECK (level BETWEEN 0 AND 7),
    index  bigint   NOT NULL CHECK (index >= 0),
    hashes bytea    NOT NULL CHECK (octet_length(hashes) = 8192),
    PRIMARY KEY (log, level, index)
);

-- The row of greatest size is a source log's state. Its frontier is the one after its lines, so the row
-- before it has the one that they extended.
CREATE TABLE submissions (
    log         text   NOT NULL,
    source      text   NOT NULL,
    size        bigint NOT NULL,
    base        bigint NOT NULL CHECK (base >= 0),
    entry_index bigint NOT NULL CHECK (entry_index >= 0),
    commit_size bigint NOT NULL,
    note        bytea  NOT NULL,
    frontier    bytea  NOT NULL CHECK (octet_length(frontier) % 32 = 0),
    PRIMARY KEY (log, source, size),
    UNIQUE (log, source, base),
    UNIQUE (log, entry_index),
    CHECK (size > base),
    CHECK (commit_size > entry_index + (size - base))
);

CREATE TABLE checkpoints (
    log     text   NOT NULL,
    size    bigint NOT NULL CHECK (size > 0),
    root    bytea  NOT NULL CHECK (octet_length(root) = 32),
    time_us bigint NOT NULL,
    PRIMARY KEY (log, size)
);

-- Where the events stand that changed who may post what, so that a start need not read the whole log.
CREATE TABLE registrations (
    log   text   NOT NULL,
    index bigint NOT NULL CHECK (index >= 0),
    PRIMARY KEY (log, index)
);

-- The token door's memory: the same id with the same content is a retry, with other content a conflict.
CREATE TABLE token_events (
    log         text   NOT NULL,
    source      text   NOT NULL,
    id          text   NOT NULL,
    digest      bytea  NOT NULL CHECK (octet_length(digest) = 32),
    entry_index bigint NOT NULL CHECK (entry_index >= 0),
    PRIMARY KEY (log, source, id)
) PARTITION BY HASH (id);

-- Hashes do not compress, and events in hex hardly: trying costs more than it saves.
ALTER TABLE entries ALTER COLUMN entry SET STORAGE EXTERNAL;
ALTER TABLE tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;

-- Unlike a statement's, a row's trigger is inherited by every partition, one attached by hand included.
CREATE TRIGGER append_only_row BEFORE UPDATE OR DELETE ON entries
    FOR EACH ROW EXECUTE FUNCTION writ_refuse_change();
CREATE TRIGGER append_only_row BEFORE UPDATE OR DELETE ON token_events
    FOR EACH ROW EXECUTE FUNCTION writ_refuse_change();
SELECT writ_make_append_only(relation) FROM unnest(ARRAY[
    'logs', 'entries', 'tiles', 'submissions', 'checkpoints', 'registrations', 'token_events']::regclass[]
) AS relation;
"""

PARTITIONS = """
-- Makes every missing partition of entries, so that all indexes below `upto` have one, and returns the first
-- index that has none. Ten million entries each. It runs with the owner's rights: the service may not make
-- tables.
CREATE FUNCTION writ_add_partitions(upto bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    width CONSTANT bigint := 10000000;
    present bigint;
    partition text;
BEGIN
    -- Two processes that come at once take turns; appends go on meanwhile.
    LOCK TABLE entries IN SHARE UPDATE EXCLUSIVE MODE;
    SELECT count(*) INTO present FROM pg_inherits WHERE inhparent = 'entries'::regclass;
    IF upto > (present + 100) * width THEN
        RAISE EXCEPTION 'partitions up to % refused: that is more than 100 beyond %', upto, present * width
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    WHILE present * width < upto LOOP
        partition := 'entries_' || lpad(present::text, 5, '0');
        -- Made apart and then attached: CREATE ... PARTITION OF would shut out every reader and writer.
        -- An entry that fits a page stays in it: one piece is written twice as fast as four.
        EXECUTE format('CREATE TABLE %I (LIKE entries INCLUDING ALL) WITH (toast_tuple_target = 8160)',
            partition);
        PERFORM writ_make_append_only(partition::regclass);
        EXECUTE format('ALTER TABLE entries ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
            partition, present * width, (present + 1) * width);
        present := present + 1;
    END LOOP;
    RETURN present * width;
END $$;
REVOKE EXECUTE ON FUNCTION writ_add_partitions(bigint) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION writ_make_append_only(regclass) FROM PUBLIC;
SELECT writ_add_partitions(20000000);

DO $$
BEGIN
    FOR part IN 0..7 LOOP
        EXECUTE format('CREATE TABLE token_events_%s PARTITION OF token_events '
            'FOR VALUES WITH (MODULUS 8, REMAINDER %s)', part, part);
        PERFORM writ_make_append_only(format('token_events_%s', part)::regclass);
    END LOOP;
END $$;
"""

PROJECTIONS = """
-- What is folded from the log can be folded again: these may change. The cursor moves in the transaction that
-- writes the rows.
CREATE TABLE projection_cursors (
    log        text     NOT NULL,
    projection text     NOT NULL,
    version    smallint NOT NULL,
    size       bigint   NOT NULL CHECK (size >= 0),
    state      bytea    NOT NULL,
    PRIMARY KEY (log, projection, version)
);

CREATE TABLE holdings (
    log     text     NOT NULL,
    version smallint NOT NULL,
    handle  bytea    NOT NULL CHECK (octet_length(handle) = 16),
    row     bytea    NOT NULL,
    PRIMARY KEY (log, version, handle)
);

-- One row a derivation: who derived what from which inputs, never expanded into pairs.
CREATE TABLE lineage (
    log     text     NOT NULL,
    version smallint NOT NULL,
    index   bigint   NOT NULL CHECK (index >= 0),
    edge    bytea    NOT NULL,
    PRIMARY KEY (log, version, index)
);

CREATE TABLE record_entries (
    log    text   NOT NULL,
    handle bytea  NOT NULL CHECK (octet_length(handle) = 16),
    index  bigint NOT NULL CHECK (index >= 0),
    PRIMARY KEY (log, handle, index)
);
"""

GRANTS = """
GRANT SELECT, INSERT ON logs, entries, tiles, submissions, checkpoints, registrations, token_events
    TO writ_service;
GRANT SELECT, INSERT, UPDATE ON heads TO writ_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON projection_cursors, holdings, lineage, record_entries TO writ_service;
GRANT SELECT ON alembic_version TO writ_service;
GRANT EXECUTE ON FUNCTION writ_add_partitions(bigint) TO writ_service;
"""


def upgrade() -> None:
    """Make every table, trigger, function and grant."""
    run_script = op.get_context().config.attributes["run_script"]
    for script in (APPEND_ONLY, LOG, PARTITIONS, PROJECTIONS, GRANTS):
        run_script(script)


def downgrade() -> None:
    """Refuse: taking these tables away would destroy the ledger."""
    raise NotImplementedError("the first schema has none before it; drop the database instead")
