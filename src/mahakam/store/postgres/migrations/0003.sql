-- Schema version 3. Evolutions are found by type. Of one with several types the column has their JSON: ["A","B"].

ALTER TABLE evolution ADD COLUMN type text COLLATE "C" GENERATED ALWAYS AS (head::json ->> 'type') STORED;
CREATE INDEX evolution_type ON evolution (type, n);
