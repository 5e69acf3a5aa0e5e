-- no-transaction
-- Signed bytes in the formats of variables. A new value of an enumeration cannot be used in the transaction
-- that adds it, and PostgreSQL 11 adds it outside any transaction only: one statement a file.
ALTER TYPE geocube.datatypes ADD VALUE IF NOT EXISTS 'INT8';
