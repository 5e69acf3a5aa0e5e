-- Delivery of jobs and tasks that survives crashes: leases, outbox, handled events.

ALTER TABLE geocube.tasks
    -- epoch of the order: 1 + number of resets of the task
    ADD COLUMN attempt integer NOT NULL DEFAULT 1,
    -- when the order was last given to the outbox
    ADD COLUMN sent_at timestamptz;

ALTER TABLE geocube.jobs
    -- +1 for each update of the row: the optimistic guard
    ADD COLUMN row_version bigint NOT NULL DEFAULT 0,
    -- +1 for each handled event
    ADD COLUMN revision bigint NOT NULL DEFAULT 0,
    -- the event that led to the revision, kept to be sent again
    ADD COLUMN last_event_id uuid,
    ADD COLUMN last_event jsonb,
    -- the last revision whose entry action is finished
    ADD COLUMN action_revision bigint NOT NULL DEFAULT 0,
    -- who runs the entry action, and until when nobody else may
    ADD COLUMN action_run_id uuid,
    ADD COLUMN action_lease_until timestamptz;

CREATE INDEX idx_jobs_state ON geocube.jobs (state);
CREATE INDEX idx_job_logs_job ON geocube.job_logs (job_id, id);

-- Runs of consolidation orders. A row outlives its task, so that a late message is recognised.
CREATE TABLE geocube.task_leases (
    task_id uuid PRIMARY KEY,
    job_id uuid NOT NULL,
    attempt integer NOT NULL,
    status text NOT NULL
        CONSTRAINT task_leases_status_check
        CHECK (status IN ('RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'IGNORED')),
    -- fencing token of the present holder
    run_id uuid NOT NULL,
    owner text NOT NULL,
    -- acquisitions of this attempt, and messages seen
    starts integer NOT NULL DEFAULT 1,
    deliveries integer NOT NULL DEFAULT 1,
    last_delivery_at timestamptz NOT NULL DEFAULT now(),
    lease_until timestamptz NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    error text NOT NULL DEFAULT '',
    -- whether the broker has the task event
    published boolean NOT NULL DEFAULT false,
    cancel_requested boolean NOT NULL DEFAULT false
);
CREATE INDEX idx_task_leases_job ON geocube.task_leases (job_id);

-- Messages written together with the state change that causes them, sent right after the commit.
CREATE TABLE geocube.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    payload bytea NOT NULL,
    attributes jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz
);
CREATE INDEX idx_outbox_unsent ON geocube.outbox (id) WHERE sent_at IS NULL;
CREATE INDEX idx_outbox_sent ON geocube.outbox (sent_at) WHERE sent_at IS NOT NULL;

-- Job events that were handled.
CREATE TABLE geocube.processed_events (
    event_id uuid PRIMARY KEY,
    job_id uuid NOT NULL,
    processed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_processed_events_processed_at ON geocube.processed_events (processed_at);
CREATE INDEX idx_processed_events_job ON geocube.processed_events (job_id);
