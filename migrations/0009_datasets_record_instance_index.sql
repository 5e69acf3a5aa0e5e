-- no-transaction
-- Visible datasets of given records.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_datasets_record_instance_active
    ON geocube.datasets (record_id, instance_id) WHERE status = 'ACTIVE';
