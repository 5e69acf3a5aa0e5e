-- no-transaction
-- Orders that the sweeper may have to send again.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_tasks_pending ON geocube.tasks (id) WHERE state = 'PENDING';
