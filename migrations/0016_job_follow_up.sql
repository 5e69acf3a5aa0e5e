-- What must not get lost of a job between two of its states.
ALTER TABLE geocube.jobs
    -- the event that follows from the present state, kept to be sent again until it was handled, and when it was last sent
    ADD COLUMN follow_up jsonb,
    ADD COLUMN follow_up_at timestamptz,
    -- when the job entered its present state; absent for one that entered it before there was this column
    ADD COLUMN entered_ts timestamp;
CREATE INDEX idx_jobs_follow_up ON geocube.jobs (follow_up_at) WHERE follow_up IS NOT NULL;
