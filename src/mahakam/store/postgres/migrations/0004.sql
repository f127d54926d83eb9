-- Schema version 4. The audit trail: see mahakam.store.sql.audit. digest is SHA-256 over that of the entry before and
-- the fields of this one; what tells that nothing was changed must not be made anew by a migration.
CREATE TABLE audit (
  lane bigint NOT NULL,
  n bigint NOT NULL,
  at text COLLATE "C" NOT NULL,
  principal text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  action text COLLATE "C" NOT NULL,
  object text COLLATE "C" NOT NULL,
  count bigint NOT NULL,
  content text COLLATE "C" NOT NULL,
  request text COLLATE "C" NOT NULL,
  detail text COLLATE "C" NOT NULL,
  digest bytea NOT NULL,
  PRIMARY KEY (lane, n)
);
CREATE INDEX audit_time ON audit (at, lane, n);
