-- Files that jobs write, noted before they are written: whatever a killed or late worker leaves is found by its note.
CREATE TABLE geocube.noted_files (
    uri text PRIMARY KEY,
    job_id uuid NOT NULL,
    -- the run of an order that writes this part file; null for the final files and the markers of cancelled tasks
    run_id uuid,
    noted_at timestamptz NOT NULL DEFAULT now(),
    -- when the sweeper last tried to delete the file
    swept_at timestamptz
);
CREATE INDEX idx_noted_files_job ON geocube.noted_files (job_id);
CREATE INDEX idx_noted_files_run ON geocube.noted_files (run_id) WHERE run_id IS NOT NULL;
