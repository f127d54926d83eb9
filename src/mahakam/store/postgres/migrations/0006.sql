-- The processes that deliver notifications, and which share of what is owed each has (mahakam.store.division). Of use in
-- the default tenant's schema alone: a process has its shares of every tenant.
CREATE TABLE notifier (
  id bigint PRIMARY KEY,
  slot integer NOT NULL UNIQUE,
  beat bigint NOT NULL DEFAULT 0
);
CREATE TABLE notifier_share (
  n integer PRIMARY KEY,
  owner bigint NOT NULL
);
