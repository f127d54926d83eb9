-- Schema version 7. The audit trail: see mahakam.store.sql.audit. digest is SHA-256 over that of the entry before and
-- the fields of this one; what tells that nothing was changed must not be made anew by a migration.
CREATE TABLE audit (
  lane INTEGER NOT NULL,
  n INTEGER NOT NULL,
  at TEXT NOT NULL,
  principal TEXT NOT NULL,
  kind TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  count INTEGER NOT NULL,
  content TEXT NOT NULL,
  request TEXT NOT NULL,
  detail TEXT NOT NULL,
  digest BLOB NOT NULL,
  PRIMARY KEY (lane, n)
) WITHOUT ROWID;
CREATE INDEX audit_time ON audit (at, lane, n);
