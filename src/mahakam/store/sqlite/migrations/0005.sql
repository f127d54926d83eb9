-- Schema version 5. Evolutions are found by type. Of one with several types the column has their JSON: ["A","B"].

ALTER TABLE evolution ADD COLUMN type TEXT GENERATED ALWAYS AS (head ->> '$.type') VIRTUAL;
CREATE INDEX evolution_type ON evolution (type, n);
