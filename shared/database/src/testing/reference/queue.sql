-- The queue table of release 1.1.0, in the default schema, with a message that was handled.
CREATE TABLE pgq_jobs (
    id serial PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now(), queue_name text NOT NULL,
    data bytea NOT NULL, run_after timestamptz NOT NULL, retry_waits text[] NOT NULL, ran_at timestamptz, error text);
CREATE INDEX idx_pgq_jobs_fetch ON pgq_jobs (queue_name, run_after) WHERE ran_at IS NULL;
INSERT INTO pgq_jobs (queue_name, data, run_after, retry_waits, ran_at)
VALUES ('events', '\x00', '2024-01-01', '{60s,1m0s}', '2024-01-01');
