-- Schema version 1. A migration only goes forward; PRAGMA user_version holds the last one applied.

-- n is the order of creation. body is what a read answers; times are the system times that it leaves out.
-- keys is what the three indexes below hold of the entity, so that an update that moves none of them skips them.
CREATE TABLE entity (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  keys TEXT NOT NULL,
  times TEXT NOT NULL,
  body BLOB NOT NULL
);

CREATE TABLE entity_type (
  type TEXT NOT NULL,
  entity INTEGER NOT NULL,
  PRIMARY KEY (type, entity)
) WITHOUT ROWID;

CREATE TABLE entity_scope (
  scope TEXT NOT NULL,
  entity INTEGER NOT NULL,
  PRIMARY KEY (scope, entity)
) WITHOUT ROWID;

-- Bounding boxes of the GeoProperty location.
CREATE VIRTUAL TABLE location USING rtree (entity, west, east, south, north);

CREATE TABLE run (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  place TEXT NOT NULL,
  feed TEXT NOT NULL,
  facts TEXT NOT NULL
);
CREATE INDEX run_feed ON run (place, feed, id);

CREATE TABLE lineage (
  entity TEXT PRIMARY KEY,
  run INTEGER NOT NULL,
  file TEXT NOT NULL,
  sheet TEXT NOT NULL,
  row INTEGER NOT NULL,
  line INTEGER NOT NULL,
  raw TEXT NOT NULL,
  digest TEXT NOT NULL,
  checks INTEGER NOT NULL,
  warnings TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX lineage_run ON lineage (run, row);

CREATE TABLE held (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  place TEXT NOT NULL,
  feed TEXT NOT NULL,
  run INTEGER NOT NULL,
  file TEXT NOT NULL,
  sheet TEXT NOT NULL,
  row INTEGER NOT NULL,
  line INTEGER NOT NULL,
  raw TEXT NOT NULL,
  reasons TEXT NOT NULL,
  state TEXT NOT NULL,
  fixed TEXT NOT NULL,
  entity TEXT NOT NULL
);
CREATE UNIQUE INDEX held_row ON held (place, feed, file, sheet, row) WHERE state = 'held';
CREATE INDEX held_state ON held (state, place, feed, id);
CREATE INDEX held_run ON held (run);

CREATE TABLE change (
  n INTEGER PRIMARY KEY,
  held INTEGER NOT NULL,
  author TEXT NOT NULL,
  at TEXT NOT NULL,
  "column" TEXT NOT NULL,
  old TEXT,
  new TEXT,
  reason TEXT NOT NULL
);
CREATE INDEX change_held ON change (held);

CREATE TABLE correction (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  place TEXT NOT NULL,
  feed TEXT NOT NULL,
  "column" TEXT NOT NULL,
  old TEXT NOT NULL,
  new TEXT,
  author TEXT NOT NULL,
  at TEXT NOT NULL,
  reason TEXT NOT NULL,
  active INTEGER NOT NULL
);

CREATE TABLE record (
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (kind, key)
) WITHOUT ROWID;

-- Notifications owed. due: seconds since 1970; dead: given up after too many tries, kept until replayed.
CREATE TABLE outbox (
  n INTEGER PRIMARY KEY AUTOINCREMENT,
  subscription TEXT NOT NULL,
  entity TEXT NOT NULL,
  body BLOB NOT NULL,
  made REAL NOT NULL,
  due REAL NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '',
  dead INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX outbox_turn ON outbox (dead, subscription, entity, n);

-- Who wrote which entity, when.
CREATE TABLE journal (
  n INTEGER PRIMARY KEY,
  entity TEXT NOT NULL,
  action TEXT NOT NULL,
  author TEXT NOT NULL,
  at TEXT NOT NULL
);
CREATE INDEX journal_entity ON journal (entity, n);
