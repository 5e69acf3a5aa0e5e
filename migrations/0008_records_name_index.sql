-- no-transaction
-- Filters on the beginning of names: LIKE uses no ordinary index unless the collation is C.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_records_name_pattern ON geocube.records (name text_pattern_ops);
