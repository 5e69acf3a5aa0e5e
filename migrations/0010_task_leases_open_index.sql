-- no-transaction
-- What the sweeper looks for: runs that are not over, and results that are not published.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_task_leases_open ON geocube.task_leases (task_id)
    WHERE status = 'RUNNING' OR NOT published;
