-- Schema version 2. What each subscription is owed, in the order in which it fell due.

DROP INDEX outbox_turn;
CREATE INDEX outbox_lane ON outbox (dead, subscription, n);
