-- Schema version 8. The trace that a notification belongs to (traceparent): see mahakam.tracing.
ALTER TABLE outbox ADD COLUMN trace TEXT NOT NULL DEFAULT '';
