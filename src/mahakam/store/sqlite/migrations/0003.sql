-- Schema version 3. The temporal evolution of entities: a head for each, and a row for each attribute instance.

CREATE TABLE evolution (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  head TEXT NOT NULL
);

-- Times are ISO 8601 UTC without the final Z, so that they sort; NULL where the instance has none.
CREATE TABLE moment (
  n INTEGER PRIMARY KEY AUTOINCREMENT,
  entity TEXT NOT NULL,
  attribute TEXT NOT NULL,
  dataset TEXT NOT NULL,
  observed TEXT,
  created TEXT NOT NULL,
  modified TEXT NOT NULL,
  deleted TEXT,
  body BLOB NOT NULL
);
CREATE INDEX moment_time ON moment (entity, attribute, observed);
