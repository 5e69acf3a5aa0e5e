-- The embedded queue: messages between the services, kept in the database.
--
-- The table may be there already, with messages of an earlier installation; only columns are added to it.
-- A row is one message of one queue. It is due when run_after has passed, belongs to a consumer until
-- locked_until, is deleted when it was handled, and keeps failed_at and error when it was given up.

CREATE TABLE IF NOT EXISTS pgq_jobs (
    id serial PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),
    queue_name text NOT NULL,
    data bytea NOT NULL,
    run_after timestamptz NOT NULL,
    -- waits before the next deliveries, such as 60s or 1m0s
    retry_waits text[] NOT NULL,
    ran_at timestamptz,
    error text
);

CREATE INDEX IF NOT EXISTS idx_pgq_jobs_fetch ON pgq_jobs (queue_name, run_after) WHERE ran_at IS NULL;

ALTER TABLE pgq_jobs
    ADD COLUMN IF NOT EXISTS message_id uuid,
    ADD COLUMN IF NOT EXISTS attributes jsonb NOT NULL DEFAULT '{}',
    -- deliveries so far, and how many are allowed
    ADD COLUMN IF NOT EXISTS tries integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS max_tries integer NOT NULL DEFAULT 100,
    -- the present delivery
    ADD COLUMN IF NOT EXISTS locked_until timestamptz,
    ADD COLUMN IF NOT EXISTS locked_by uuid,
    -- set, together with ran_at, when the message was given up
    ADD COLUMN IF NOT EXISTS failed_at timestamptz;
