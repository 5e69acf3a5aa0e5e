-- What the upgrade to 0.6.0 changes.
CREATE TYPE geocube.log_level AS ENUM ('INFO', 'DEBUG', 'WARN', 'ERROR');
CREATE TABLE geocube.job_logs (
    id serial PRIMARY KEY,
    job_id uuid NOT NULL REFERENCES geocube.jobs (id) MATCH FULL ON UPDATE CASCADE ON DELETE CASCADE,
    time timestamp NOT NULL, status text, message text, severity geocube.log_level NOT NULL);
ALTER TABLE geocube.jobs DROP COLUMN logs;
ALTER TABLE geocube.containers ADD COLUMN id serial NOT NULL;
CREATE INDEX idx_containers_id ON geocube.containers (id);
ALTER TABLE geocube.datasets ADD COLUMN locked_by_job_id uuid;
CREATE INDEX idx_datasets_locked ON geocube.datasets (locked_by_job_id);
ALTER TABLE geocube.layouts
    ADD COLUMN interlacing_pattern text NOT NULL DEFAULT 'Z=0>T>R>B;R>Z=1:>T>B',
    ADD COLUMN overviews_min_size integer DEFAULT -1;
ALTER TABLE geocube.consolidation_params DROP COLUMN bands_interleave, DROP COLUMN overviews_min_size;
ALTER TYPE geocube.task_state ADD VALUE 'NEW' BEFORE 'PENDING';
