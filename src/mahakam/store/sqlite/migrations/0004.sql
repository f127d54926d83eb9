-- Schema version 4. Indexes that are read step by step in the order of pages, and a narrower journal.
-- mahakam.store.sqlite.upgrading fills them.

-- Steps of entity numbers, each twice as long as the one before, and the tail; see mahakam.store.sqlite.steps.
-- part: a value index is looked up twice a step, once for what was asked and once for what it cannot decide.
CREATE TABLE step (
  n INTEGER NOT NULL,
  part INTEGER NOT NULL,
  first INTEGER NOT NULL,
  PRIMARY KEY (n, part)
) WITHOUT ROWID;
WITH RECURSIVE double(n, first) AS (
  VALUES (0, 0), (1, 4096) UNION ALL SELECT n + 1, first * 2 FROM double WHERE n BETWEEN 1 AND 29
)
INSERT INTO step SELECT n, part, first FROM double, (SELECT 0 AS part UNION ALL SELECT 1);
INSERT INTO step SELECT 31, part, (SELECT coalesce(max(n), 0) + 1 FROM entity)
FROM (SELECT 0 AS part UNION ALL SELECT 1);

-- Attributes whose values are indexed, and those values; see mahakam.store.sqlite.values.
CREATE TABLE value_name (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);
CREATE TABLE entity_value (
  attribute INTEGER NOT NULL,
  step INTEGER NOT NULL,
  value NOT NULL,
  entity INTEGER NOT NULL,
  PRIMARY KEY (attribute, step, value, entity)
) WITHOUT ROWID;

-- Locations that are a point; the R*Tree keeps the boxes of all others. band: hundredths of a degree of latitude.
CREATE TABLE point (
  step INTEGER NOT NULL,
  band INTEGER NOT NULL,
  longitude REAL NOT NULL,
  latitude REAL NOT NULL,
  entity INTEGER NOT NULL,
  PRIMARY KEY (step, band, longitude, latitude, entity)
) WITHOUT ROWID;

ALTER TABLE journal RENAME TO old_journal;
DROP INDEX journal_entity;
CREATE TABLE journal (
  entity TEXT NOT NULL,
  n INTEGER NOT NULL,
  action TEXT NOT NULL,
  author TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (entity, n)
) WITHOUT ROWID;
INSERT INTO journal SELECT entity, n, action, author, at FROM old_journal ORDER BY entity, n;
DROP TABLE old_journal;
