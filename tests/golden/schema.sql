CREATE FUNCTION public.writ_add_partitions(upto bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.writ_make_append_only(relation regclass) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s '
        'FOR EACH STATEMENT EXECUTE FUNCTION writ_refuse_change()', relation);
END $$;

CREATE FUNCTION public.writ_refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% of % refused: the ledger is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);

CREATE TABLE public.attestations (
    log text NOT NULL,
    hash bytea NOT NULL,
    name text NOT NULL,
    key_id bytea NOT NULL,
    signature bytea NOT NULL,
    attestation bytea NOT NULL,
    checkpoint bytea NOT NULL,
    time_us bigint NOT NULL,
    CONSTRAINT attestations_key_id_check CHECK ((octet_length(key_id) = 4)),
    CONSTRAINT attestations_signature_check CHECK ((octet_length(signature) = 64))
);

CREATE TABLE public.checkpoints (
    log text NOT NULL,
    size bigint NOT NULL,
    root bytea NOT NULL,
    time_us bigint NOT NULL,
    CONSTRAINT checkpoints_root_check CHECK ((octet_length(root) = 32)),
    CONSTRAINT checkpoints_size_check CHECK ((size > 0))
);

CREATE TABLE public.docket (
    log text NOT NULL,
    version smallint NOT NULL,
    series text NOT NULL,
    number bigint NOT NULL,
    "row" bytea NOT NULL,
    CONSTRAINT docket_number_check CHECK ((number >= 0))
);

CREATE TABLE public.entries (
    log text NOT NULL,
    index bigint NOT NULL,
    entry bytea NOT NULL,
    CONSTRAINT entries_entry_check CHECK (((octet_length(entry) >= 1) AND (octet_length(entry) <= 65535))),
    CONSTRAINT entries_index_check CHECK ((index >= 0))
)
PARTITION BY RANGE (index);
ALTER TABLE ONLY public.entries ALTER COLUMN entry SET STORAGE EXTERNAL;

CREATE TABLE public.entries_00000 (
    log text CONSTRAINT entries_log_not_null NOT NULL,
    index bigint CONSTRAINT entries_index_not_null NOT NULL,
    entry bytea CONSTRAINT entries_entry_not_null NOT NULL,
    CONSTRAINT entries_entry_check CHECK (((octet_length(entry) >= 1) AND (octet_length(entry) <= 65535))),
    CONSTRAINT entries_index_check CHECK ((index >= 0))
)
WITH (toast_tuple_target='8160');
ALTER TABLE ONLY public.entries_00000 ALTER COLUMN entry SET STORAGE EXTERNAL;

CREATE TABLE public.entries_00001 (
    log text CONSTRAINT entries_log_not_null NOT NULL,
    index bigint CONSTRAINT entries_index_not_null NOT NULL,
    entry bytea CONSTRAINT entries_entry_not_null NOT NULL,
    CONSTRAINT entries_entry_check CHECK (((octet_length(entry) >= 1) AND (octet_length(entry) <= 65535))),
    CONSTRAINT entries_index_check CHECK ((index >= 0))
)
WITH (toast_tuple_target='8160');
ALTER TABLE ONLY public.entries_00001 ALTER COLUMN entry SET STORAGE EXTERNAL;

CREATE TABLE public.heads (
    log text NOT NULL,
    size bigint NOT NULL,
    root bytea NOT NULL,
    last_leaf bytea NOT NULL,
    last_time_us bigint NOT NULL,
    frontier bytea NOT NULL,
    CONSTRAINT heads_frontier_check CHECK (((octet_length(frontier) % 32) = 0)),
    CONSTRAINT heads_last_leaf_check CHECK ((octet_length(last_leaf) = 32)),
    CONSTRAINT heads_root_check CHECK ((octet_length(root) = 32)),
    CONSTRAINT heads_size_check CHECK ((size >= 0))
)
WITH (fillfactor='50');

CREATE TABLE public.holdings (
    log text NOT NULL,
    version smallint NOT NULL,
    handle bytea NOT NULL,
    "row" bytea NOT NULL,
    CONSTRAINT holdings_handle_check CHECK ((octet_length(handle) = 16))
);

CREATE TABLE public.lineage (
    log text NOT NULL,
    version smallint NOT NULL,
    index bigint NOT NULL,
    edge bytea NOT NULL,
    CONSTRAINT lineage_index_check CHECK ((index >= 0))
);

CREATE TABLE public.logs (
    log text NOT NULL,
    origin text NOT NULL,
    created_us bigint NOT NULL
);

CREATE TABLE public.projection_cursors (
    log text NOT NULL,
    projection text NOT NULL,
    version smallint NOT NULL,
    size bigint NOT NULL,
    state bytea NOT NULL,
    CONSTRAINT projection_cursors_size_check CHECK ((size >= 0))
);

CREATE TABLE public.record_entries (
    log text NOT NULL,
    handle bytea NOT NULL,
    index bigint NOT NULL,
    CONSTRAINT record_entries_handle_check CHECK ((octet_length(handle) = 16)),
    CONSTRAINT record_entries_index_check CHECK ((index >= 0))
);

CREATE TABLE public.registrations (
    log text NOT NULL,
    index bigint NOT NULL,
    CONSTRAINT registrations_index_check CHECK ((index >= 0))
);

CREATE TABLE public.statements (
    log text NOT NULL,
    hash bytea NOT NULL,
    order_id text NOT NULL,
    size bigint NOT NULL,
    as_of bigint NOT NULL,
    text bytea NOT NULL,
    time_us bigint NOT NULL,
    CONSTRAINT statements_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT statements_size_check CHECK ((size > 0)),
    CONSTRAINT statements_text_check CHECK (((octet_length(text) >= 1) AND (octet_length(text) <= 2097152)))
);

CREATE TABLE public.submissions (
    log text NOT NULL,
    source text NOT NULL,
    size bigint NOT NULL,
    base bigint NOT NULL,
    entry_index bigint NOT NULL,
    commit_size bigint NOT NULL,
    note bytea NOT NULL,
    frontier bytea NOT NULL,
    CONSTRAINT submissions_base_check CHECK ((base >= 0)),
    CONSTRAINT submissions_check CHECK ((size > base)),
    CONSTRAINT submissions_check1 CHECK ((commit_size > (entry_index + (size - base)))),
    CONSTRAINT submissions_entry_index_check CHECK ((entry_index >= 0)),
    CONSTRAINT submissions_frontier_check CHECK (((octet_length(frontier) % 32) = 0))
);

CREATE TABLE public.tiles (
    log text NOT NULL,
    level smallint NOT NULL,
    index bigint NOT NULL,
    hashes bytea NOT NULL,
    CONSTRAINT tiles_hashes_check CHECK ((octet_length(hashes) = 8192)),
    CONSTRAINT tiles_index_check CHECK ((index >= 0)),
    CONSTRAINT tiles_level_check CHECK (((level >= 0) AND (level <= 7)))
);
ALTER TABLE ONLY public.tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;

CREATE TABLE public.token_events (
    log text NOT NULL,
    source text NOT NULL,
    id text NOT NULL,
    digest bytea NOT NULL,
    entry_index bigint NOT NULL,
    CONSTRAINT token_events_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT token_events_entry_index_check CHECK ((entry_index >= 0))
)
PARTITION BY HASH (id);

CREATE TABLE public.token_events_0 (
    log text CONSTRAINT token_events_log_not_null NOT NULL,
    source text CONSTRAINT token_events_source_not_null NOT NULL,
    id text CONSTRAINT token_events_id_not_null NOT NULL,
    digest bytea CONSTRAINT token_events_digest_not_null NOT NULL,
    entry_index bigint CONSTRAINT token_events_entry_index_not_null NOT NULL,
    CONSTRAINT token_events_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT token_events_entry_index_check CHECK ((entry_index >= 0))
);

CREATE TABLE public.token_events_1 (
    log text CONSTRAINT token_events_log_not_null NOT NULL,
    source text CONSTRAINT token_events_source_not_null NOT NULL,
    id text CONSTRAINT token_events_id_not_null NOT NULL,
    digest bytea CONSTRAINT token_events_digest_not_null NOT NULL,
    entry_index bigint CONSTRAINT token_events_entry_index_not_null NOT NULL,
    CONSTRAINT token_events_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT token_events_entry_index_check CHECK ((entry_index >= 0))
);

CREATE TABLE public.token_events_2 (
    log text CONSTRAINT token_events_log_not_null NOT NULL,
    source text CONSTRAINT token_events_source_not_null NOT NULL,
    id text CONSTRAINT token_events_id_not_null NOT NULL,
    digest bytea CONSTRAINT token_events_digest_not_null NOT NULL,
    entry_index bigint CONSTRAINT token_events_entry_index_not_null NOT NULL,
    CONSTRAINT token_events_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT token_events_entry_index_check CHECK ((entry_index >= 0))
);

CREATE TABLE public.token_events_3 (
    log text CONSTRAINT token_events_log_not_null NOT NULL,
    source text CONSTRAINT token_events_source_not_null NOT NULL,
    id text CONSTRAINT token_events_id_not_null NOT NULL,
    digest bytea CONSTRAINT token_events_digest_not_null NOT NULL,
    entry_index bigint CONSTRAINT token_events_entry_index_not_null NOT NULL,
    CONSTRAINT token_events_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT token_events_entry_index_check CHECK ((entry_index >= 0))
);

CREATE TABLE public.token_events_4 (
    log text CONSTRAINT token_events_log_not_null NOT NULL,
    source text CONSTRAINT token_events_source_not_null NOT NULL,
    id text CONSTRAINT token_events_id_not_null NOT NULL,
    digest bytea CONSTRAINT token_events_digest_not_null NOT NULL,
    entry_index bigint CONSTRAINT token_events_entry_index_not_null NOT NULL,
    CONSTRAINT token_events_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT token_events_entry_index_check CHECK ((entry_index >= 0))
);

CREATE TABLE public.token_events_5 (
    log text CONSTRAINT token_events_log_not_null NOT NULL,
    source text CONSTRAINT token_events_source_not_null NOT NULL,
    id text CONSTRAINT token_events_id_not_null NOT NULL,
    digest bytea CONSTRAINT token_events_digest_not_null NOT NULL,
    entry_index bigint CONSTRAINT token_events_entry_index_not_null NOT NULL,
    CONSTRAINT token_events_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT token_events_entry_index_check CHECK ((entry_index >= 0))
);

CREATE TABLE public.token_events_6 (
    log text CONSTRAINT token_events_log_not_null NOT NULL,
    source text CONSTRAINT token_events_source_not_null NOT NULL,
    id text CONSTRAINT token_events_id_not_null NOT NULL,
    digest bytea CONSTRAINT token_events_digest_not_null NOT NULL,
    entry_index bigint CONSTRAINT token_events_entry_index_not_null NOT NULL,
    CONSTRAINT token_events_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT token_events_entry_index_check CHECK ((entry_index >= 0))
);

CREATE TABLE public.token_events_7 (
    log text CONSTRAINT token_events_log_not_null NOT NULL,
    source text CONSTRAINT token_events_source_not_null NOT NULL,
    id text CONSTRAINT token_events_id_not_null NOT NULL,
    digest bytea CONSTRAINT token_events_digest_not_null NOT NULL,
    entry_index bigint CONSTRAINT token_events_entry_index_not_null NOT NULL,
    CONSTRAINT token_events_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT token_events_entry_index_check CHECK ((entry_index >= 0))
);

ALTER TABLE ONLY public.entries ATTACH PARTITION public.entries_00000 FOR VALUES FROM ('0') TO ('10000000');

ALTER TABLE ONLY public.entries ATTACH PARTITION public.entries_00001 FOR VALUES FROM ('10000000') TO ('20000000');

ALTER TABLE ONLY public.token_events ATTACH PARTITION public.token_events_0 FOR VALUES WITH (modulus 8, remainder 0);

ALTER TABLE ONLY public.token_events ATTACH PARTITION public.token_events_1 FOR VALUES WITH (modulus 8, remainder 1);

ALTER TABLE ONLY public.token_events ATTACH PARTITION public.token_events_2 FOR VALUES WITH (modulus 8, remainder 2);

ALTER TABLE ONLY public.token_events ATTACH PARTITION public.token_events_3 FOR VALUES WITH (modulus 8, remainder 3);

ALTER TABLE ONLY public.token_events ATTACH PARTITION public.token_events_4 FOR VALUES WITH (modulus 8, remainder 4);

ALTER TABLE ONLY public.token_events ATTACH PARTITION public.token_events_5 FOR VALUES WITH (modulus 8, remainder 5);

ALTER TABLE ONLY public.token_events ATTACH PARTITION public.token_events_6 FOR VALUES WITH (modulus 8, remainder 6);

ALTER TABLE ONLY public.token_events ATTACH PARTITION public.token_events_7 FOR VALUES WITH (modulus 8, remainder 7);

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY public.attestations
    ADD CONSTRAINT attestations_pkey PRIMARY KEY (log, hash, name, key_id);

ALTER TABLE ONLY public.checkpoints
    ADD CONSTRAINT checkpoints_pkey PRIMARY KEY (log, size);

ALTER TABLE ONLY public.docket
    ADD CONSTRAINT docket_pkey PRIMARY KEY (log, version, series, number);

ALTER TABLE ONLY public.entries
    ADD CONSTRAINT entries_pkey PRIMARY KEY (log, index);

ALTER TABLE ONLY public.entries_00000
    ADD CONSTRAINT entries_00000_pkey PRIMARY KEY (log, index);

ALTER TABLE ONLY public.entries_00001
    ADD CONSTRAINT entries_00001_pkey PRIMARY KEY (log, index);

ALTER TABLE ONLY public.heads
    ADD CONSTRAINT heads_pkey PRIMARY KEY (log);

ALTER TABLE ONLY public.holdings
    ADD CONSTRAINT holdings_pkey PRIMARY KEY (log, version, handle);

ALTER TABLE ONLY public.lineage
    ADD CONSTRAINT lineage_pkey PRIMARY KEY (log, version, index);

ALTER TABLE ONLY public.logs
    ADD CONSTRAINT logs_origin_key UNIQUE (origin);

ALTER TABLE ONLY public.logs
    ADD CONSTRAINT logs_pkey PRIMARY KEY (log);

ALTER TABLE ONLY public.projection_cursors
    ADD CONSTRAINT projection_cursors_pkey PRIMARY KEY (log, projection, version);

ALTER TABLE ONLY public.record_entries
    ADD CONSTRAINT record_entries_pkey PRIMARY KEY (log, handle, index);

ALTER TABLE ONLY public.registrations
    ADD CONSTRAINT registrations_pkey PRIMARY KEY (log, index);

ALTER TABLE ONLY public.statements
    ADD CONSTRAINT statements_pkey PRIMARY KEY (log, hash);

ALTER TABLE ONLY public.submissions
    ADD CONSTRAINT submissions_log_entry_index_key UNIQUE (log, entry_index);

ALTER TABLE ONLY public.submissions
    ADD CONSTRAINT submissions_log_source_base_key UNIQUE (log, source, base);

ALTER TABLE ONLY public.submissions
    ADD CONSTRAINT submissions_pkey PRIMARY KEY (log, source, size);

ALTER TABLE ONLY public.tiles
    ADD CONSTRAINT tiles_pkey PRIMARY KEY (log, level, index);

ALTER TABLE ONLY public.token_events
    ADD CONSTRAINT token_events_pkey PRIMARY KEY (log, source, id);

ALTER TABLE ONLY public.token_events_0
    ADD CONSTRAINT token_events_0_pkey PRIMARY KEY (log, source, id);

ALTER TABLE ONLY public.token_events_1
    ADD CONSTRAINT token_events_1_pkey PRIMARY KEY (log, source, id);

ALTER TABLE ONLY public.token_events_2
    ADD CONSTRAINT token_events_2_pkey PRIMARY KEY (log, source, id);

ALTER TABLE ONLY public.token_events_3
    ADD CONSTRAINT token_events_3_pkey PRIMARY KEY (log, source, id);

ALTER TABLE ONLY public.token_events_4
    ADD CONSTRAINT token_events_4_pkey PRIMARY KEY (log, source, id);

ALTER TABLE ONLY public.token_events_5
    ADD CONSTRAINT token_events_5_pkey PRIMARY KEY (log, source, id);

ALTER TABLE ONLY public.token_events_6
    ADD CONSTRAINT token_events_6_pkey PRIMARY KEY (log, source, id);

ALTER TABLE ONLY public.token_events_7
    ADD CONSTRAINT token_events_7_pkey PRIMARY KEY (log, source, id);

CREATE INDEX statements_of_order ON public.statements USING btree (log, order_id, time_us);

ALTER INDEX public.entries_pkey ATTACH PARTITION public.entries_00000_pkey;

ALTER INDEX public.entries_pkey ATTACH PARTITION public.entries_00001_pkey;

ALTER INDEX public.token_events_pkey ATTACH PARTITION public.token_events_0_pkey;

ALTER INDEX public.token_events_pkey ATTACH PARTITION public.token_events_1_pkey;

ALTER INDEX public.token_events_pkey ATTACH PARTITION public.token_events_2_pkey;

ALTER INDEX public.token_events_pkey ATTACH PARTITION public.token_events_3_pkey;

ALTER INDEX public.token_events_pkey ATTACH PARTITION public.token_events_4_pkey;

ALTER INDEX public.token_events_pkey ATTACH PARTITION public.token_events_5_pkey;

ALTER INDEX public.token_events_pkey ATTACH PARTITION public.token_events_6_pkey;

ALTER INDEX public.token_events_pkey ATTACH PARTITION public.token_events_7_pkey;

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.attestations FOR EACH STATEMENT EXECUTE FUNCTION public.writ_refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.checkpoints FOR EACH STATEMENT EXECUTE FUNCTION public.writ_refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.entries FOR EACH STATEMENT EXECUTE FUNCTION public.writ_refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.entries_00000 FOR EACH STATEMENT EXECUTE FUNCTION public.writ_refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.entries_00001 FOR EACH STATEMENT EXECUTE FUNCTION public.writ_refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.logs FOR EACH STATEMENT EXECUTE FUNCTION public.writ_refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.registrations FOR EACH STATEMENT EXECUTE FUNCTION public.writ_refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.statements FOR EACH STATEMENT EXECUTE FUNCTION public.writ_refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.submissions FOR EACH STATEMENT EXECUTE FUNCTION public.writ_refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.tiles FOR EACH STATEMENT EXECUTE FUNCTION public.writ_refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.token_events FOR EACH STATEMENT EXECUTE FUNCTION public.writ_refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.token_events_0 FOR EACH STATEMENT EXECUTE FUNCTION public.writ_refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.token_events_1 FOR EACH STATEMENT EXECUTE FUNCTION public.writ_refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.token_events_2 FOR EACH STATEMENT EXECUTE FUNCTION public.writ_refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.token_events_3 FOR EACH STATEMENT EXECUTE FUNCTION public.writ_refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.token_events_4 FOR EACH STATEMENT EXECUTE FUNCTION public.writ_refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.token_events_5 FOR EACH STATEMENT EXECUTE FUNCTION public.writ_refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.token_events_6 FOR EACH STATEMENT EXECUTE FUNCTION public.writ_refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.token_events_7 FOR EACH STATEMENT EXECUTE FUNCTION public.writ_refuse_change();

CREATE TRIGGER append_only_row BEFORE DELETE OR UPDATE ON public.entries FOR EACH ROW EXECUTE FUNCTION public.writ_refuse_change();

CREATE TRIGGER append_only_row BEFORE DELETE OR UPDATE ON public.token_events FOR EACH ROW EXECUTE FUNCTION public.writ_refuse_change();

ALTER TABLE ONLY public.attestations
    ADD CONSTRAINT attestations_log_hash_fkey FOREIGN KEY (log, hash) REFERENCES public.statements(log, hash);

ALTER TABLE ONLY public.heads
    ADD CONSTRAINT heads_log_fkey FOREIGN KEY (log) REFERENCES public.logs(log);

REVOKE ALL ON FUNCTION public.writ_add_partitions(upto bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.writ_add_partitions(upto bigint) TO writ_service;

REVOKE ALL ON FUNCTION public.writ_make_append_only(relation regclass) FROM PUBLIC;

GRANT SELECT ON TABLE public.alembic_version TO writ_service;

GRANT SELECT,INSERT ON TABLE public.attestations TO writ_service;

GRANT SELECT,INSERT ON TABLE public.checkpoints TO writ_service;

GRANT SELECT,INSERT ON TABLE public.docket TO writ_service;

GRANT SELECT,INSERT ON TABLE public.entries TO writ_service;

GRANT SELECT,INSERT,UPDATE ON TABLE public.heads TO writ_service;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.holdings TO writ_service;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.lineage TO writ_service;

GRANT SELECT,INSERT ON TABLE public.logs TO writ_service;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.projection_cursors TO writ_service;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.record_entries TO writ_service;

GRANT SELECT,INSERT ON TABLE public.registrations TO writ_service;

GRANT SELECT,INSERT ON TABLE public.statements TO writ_service;

GRANT SELECT,INSERT ON TABLE public.submissions TO writ_service;

GRANT SELECT,INSERT ON TABLE public.tiles TO writ_service;

GRANT SELECT,INSERT ON TABLE public.token_events TO writ_service;
