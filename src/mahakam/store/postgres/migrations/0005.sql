-- Schema version 5. The trace that a notification belongs to (traceparent): see mahakam.tracing.
ALTER TABLE outbox ADD COLUMN trace text COLLATE "C" NOT NULL DEFAULT '';
