-- no-transaction
-- Signed bytes in the formats of datasets.
ALTER TYPE geocube.data_types ADD VALUE IF NOT EXISTS 'INT8';
