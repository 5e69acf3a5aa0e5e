-- When an entity was created, for the minimum age of tidying. Rows that are there already have none
-- and count as old.
ALTER TABLE geocube.aoi ADD COLUMN created_at timestamptz;
ALTER TABLE geocube.aoi ALTER COLUMN created_at SET DEFAULT now();
ALTER TABLE geocube.records ADD COLUMN created_at timestamptz;
ALTER TABLE geocube.records ALTER COLUMN created_at SET DEFAULT now();
ALTER TABLE geocube.variable_definitions ADD COLUMN created_at timestamptz;
ALTER TABLE geocube.variable_definitions ALTER COLUMN created_at SET DEFAULT now();
ALTER TABLE geocube.variable_instances ADD COLUMN created_at timestamptz;
ALTER TABLE geocube.variable_instances ALTER COLUMN created_at SET DEFAULT now();
ALTER TABLE geocube.containers ADD COLUMN created_at timestamptz;
ALTER TABLE geocube.containers ALTER COLUMN created_at SET DEFAULT now();
ALTER TABLE geocube.consolidation_params ADD COLUMN created_at timestamptz;
ALTER TABLE geocube.consolidation_params ALTER COLUMN created_at SET DEFAULT now();
