-- When the sweeper last delivered the event of a job again whose entry action nobody ran.
ALTER TABLE geocube.jobs ADD COLUMN swept_at timestamptz;
