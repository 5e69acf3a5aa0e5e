-- Messages in the order in which they are taken: those that were published together are due at the same time, and were sorted
-- by each taking.
CREATE INDEX idx_pgq_jobs_due ON pgq_jobs (queue_name, run_after, id) WHERE ran_at IS NULL;
DROP INDEX IF EXISTS idx_pgq_jobs_fetch;
