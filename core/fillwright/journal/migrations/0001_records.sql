-- "FWJ1": tells a journal from any other SQLite file.
PRAGMA application_id = 0x46574A31;

CREATE TABLE records (
    seq    INTEGER PRIMARY KEY,
    -- The seq of the first record with the same key. It keeps the random keys out of all index
    -- entries but the first: the others go to the index's newest page.
    origin INTEGER NOT NULL,
    epoch  INTEGER NOT NULL,
    -- Microseconds since 1970, UTC.
    at     INTEGER NOT NULL,
    kind   TEXT NOT NULL,
    key    TEXT NOT NULL,
    body   TEXT NOT NULL,
    hash   TEXT NOT NULL
);

CREATE UNIQUE INDEX records_first_of_key ON records (key) WHERE origin = seq;
CREATE INDEX records_of_origin ON records (origin);

CREATE TRIGGER records_never_change BEFORE UPDATE ON records
BEGIN
    SELECT RAISE(ABORT, 'a journal is append-only');
END;

CREATE TRIGGER records_never_go BEFORE DELETE ON records
BEGIN
    SELECT RAISE(ABORT, 'a journal is append-only');
END;
