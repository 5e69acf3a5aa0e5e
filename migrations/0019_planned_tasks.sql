-- Tasks of a planning under way, stored in pieces so that a large job is never in memory as a whole: its last transaction
-- turns them into tasks. What a planning leaves that died, the next one of its job removes, or its rollback.
CREATE TABLE geocube.planned_tasks (
    job_id uuid NOT NULL REFERENCES geocube.jobs (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    -- the run of the entry action that plans
    run_id uuid NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (job_id, id)
);
-- the tasks of a job are read in pieces, by id
CREATE INDEX idx_tasks_job_and_id ON geocube.tasks (job_id, id);
-- whether a part file of a job is noted is asked for each of its other files
CREATE INDEX idx_noted_files_parts ON geocube.noted_files (job_id) WHERE run_id IS NOT NULL;
