-- no-transaction
-- Filters on tags: `tags @> hstore(key, value)` and `tags ? key`.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_records_tags ON geocube.records USING gin (tags);
