-- Order of creation of the datasets: within a record the later one is on top.
-- Those that are there already share the lowest value; their order is that of their ids.

CREATE SEQUENCE geocube.datasets_creation_order_seq AS bigint;
ALTER TABLE geocube.datasets ADD COLUMN creation_order bigint NOT NULL DEFAULT 0;
ALTER TABLE geocube.datasets
    ALTER COLUMN creation_order SET DEFAULT nextval('geocube.datasets_creation_order_seq');
ALTER SEQUENCE geocube.datasets_creation_order_seq OWNED BY geocube.datasets.creation_order;
