-- What the upgrade to 1.1.0 changes.
CREATE INDEX idx_records_datetime ON geocube.records (datetime);
ALTER TYPE geocube.compression ADD VALUE 'CUSTOM';
ALTER TABLE geocube.consolidation_params ADD COLUMN creation_params hstore NOT NULL DEFAULT '';
CREATE INDEX idx_datasets_shape ON geocube.datasets USING gist (shape);
