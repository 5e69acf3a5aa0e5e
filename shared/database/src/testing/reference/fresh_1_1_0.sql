-- The schema of release 1.1.0 as a new installation has it, written from its description.
CREATE EXTENSION IF NOT EXISTS hstore;
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE SCHEMA geocube;

CREATE TYPE geocube.datatypes AS ENUM
    ('BOOL', 'UINT8', 'UINT16', 'INT16', 'UINT32', 'INT32', 'FLOAT32', 'FLOAT64', 'COMPLEX64');
CREATE TYPE geocube.data_types AS ENUM
    ('BOOL', 'UINT8', 'UINT16', 'INT16', 'UINT32', 'INT32', 'FLOAT32', 'FLOAT64', 'COMPLEX64');
CREATE TYPE geocube.compression AS ENUM ('NO', 'LOSSLESS', 'LOSSY', 'CUSTOM');
CREATE TYPE geocube.resampling AS ENUM
    ('NEAR', 'BILINEAR', 'CUBIC', 'CUBICSPLINE', 'LANCZOS', 'AVERAGE', 'MODE', 'MAX', 'MIN', 'MED', 'Q1', 'Q3');
CREATE TYPE geocube.dataset_status AS ENUM ('ACTIVE', 'TODELETE', 'INACTIVE');
CREATE TYPE geocube.storage_class AS ENUM ('STANDARD', 'INFREQUENT', 'ARCHIVE', 'DEEPARCHIVE');
CREATE TYPE geocube.task_state AS ENUM ('NEW', 'PENDING', 'DONE', 'FAILED', 'CANCELLED');
CREATE TYPE geocube.log_level AS ENUM ('INFO', 'DEBUG', 'WARN', 'ERROR');
CREATE TYPE geocube.color_point AS (value real, rgba bigint);

CREATE TABLE geocube.aoi (
    id uuid PRIMARY KEY, hash text UNIQUE, geom geometry(MultiPolygon, 4326));
CREATE TABLE geocube.records (
    id uuid PRIMARY KEY, name text NOT NULL, datetime timestamp NOT NULL, tags hstore NOT NULL,
    aoi_id uuid NOT NULL REFERENCES geocube.aoi (id) MATCH FULL, UNIQUE (name, tags, datetime));
CREATE TABLE geocube.palette (name text PRIMARY KEY, points geocube.color_point[] NOT NULL);
CREATE TABLE geocube.variable_definitions (
    id uuid PRIMARY KEY, name text NOT NULL UNIQUE, unit text NOT NULL, description text NOT NULL, bands text[],
    dtype geocube.datatypes NOT NULL, no_data float8 NOT NULL, min_value float8 NOT NULL, max_value float8 NOT NULL,
    palette text REFERENCES geocube.palette (name), resampling_alg geocube.resampling NOT NULL);
CREATE TABLE geocube.variable_instances (
    id uuid PRIMARY KEY, name text NOT NULL, metadata hstore,
    definition_id uuid REFERENCES geocube.variable_definitions (id) MATCH FULL, UNIQUE (name, definition_id));
CREATE TABLE geocube.consolidation_params (
    id uuid PRIMARY KEY, dtype geocube.datatypes NOT NULL, no_data float8 NOT NULL, min_value float8 NOT NULL,
    max_value float8 NOT NULL, exponent float8 NOT NULL, compression geocube.compression NOT NULL,
    creation_params hstore NOT NULL, resampling_alg geocube.resampling NOT NULL,
    storage_class geocube.storage_class NOT NULL);
CREATE TABLE geocube.containers (
    id serial NOT NULL, uri text PRIMARY KEY, managed boolean NOT NULL, storage_class geocube.storage_class);
CREATE TABLE geocube.datasets (
    id uuid PRIMARY KEY,
    record_id uuid NOT NULL REFERENCES geocube.records (id) MATCH FULL,
    instance_id uuid NOT NULL REFERENCES geocube.variable_instances (id) MATCH FULL,
    container_uri text NOT NULL REFERENCES geocube.containers (uri) MATCH FULL,
    locked_by_job_id uuid, geog geography(MultiPolygon, 0) NOT NULL, geom geometry(MultiPolygon, 4326) NOT NULL,
    shape geometry(MultiPolygon) NOT NULL, subdir text NOT NULL, bands smallint[] NOT NULL,
    status geocube.dataset_status NOT NULL, dtype geocube.data_types NOT NULL, no_data float8 NOT NULL,
    min_value float8 NOT NULL, max_value float8 NOT NULL, real_min_value float8 NOT NULL,
    real_max_value float8 NOT NULL, exponent float8 NOT NULL, overviews boolean NOT NULL);
CREATE TABLE geocube.layouts (
    name text PRIMARY KEY, grid_flags text[], grid_parameters hstore, block_x_size integer NOT NULL DEFAULT 256,
    block_y_size integer NOT NULL DEFAULT 256, max_records integer NOT NULL DEFAULT 1024,
    overviews_min_size integer NOT NULL, interlacing_pattern text NOT NULL);
CREATE TABLE geocube.container_layouts (
    container_uri text PRIMARY KEY
        REFERENCES geocube.containers (uri) MATCH FULL ON UPDATE CASCADE ON DELETE CASCADE,
    layout_name text NOT NULL REFERENCES geocube.layouts (name) MATCH FULL);
CREATE TABLE geocube.grids (name text PRIMARY KEY, description text NOT NULL);
CREATE TABLE geocube.cells (
    id text NOT NULL, grid text NOT NULL REFERENCES geocube.grids (name) MATCH FULL, crs text NOT NULL,
    srid integer NOT NULL, coordinates geography(Polygon, 0), PRIMARY KEY (id, grid),
    CONSTRAINT geometry_valid_check CHECK (ST_IsValid(coordinates::geometry)));
CREATE TABLE geocube.jobs (
    id uuid PRIMARY KEY, name text NOT NULL UNIQUE, creation_ts timestamp NOT NULL, last_update_ts timestamp NOT NULL,
    payload jsonb NOT NULL, state text NOT NULL, type text NOT NULL, active_tasks integer NOT NULL,
    failed_tasks integer NOT NULL, execution_level integer NOT NULL DEFAULT 0, waiting boolean NOT NULL DEFAULT false);
CREATE TABLE geocube.job_logs (
    id serial PRIMARY KEY,
    job_id uuid NOT NULL REFERENCES geocube.jobs (id) MATCH FULL ON UPDATE CASCADE ON DELETE CASCADE,
    time timestamp NOT NULL, status text, message text, severity geocube.log_level NOT NULL);
CREATE TABLE geocube.tasks (
    id uuid PRIMARY KEY, state geocube.task_state NOT NULL, payload bytea NOT NULL,
    job_id uuid NOT NULL REFERENCES geocube.jobs (id) MATCH FULL);
CREATE TABLE geocube.locked_datasets (
    dataset_id uuid PRIMARY KEY REFERENCES geocube.datasets (id) MATCH FULL,
    job_id uuid NOT NULL REFERENCES geocube.jobs (id) MATCH FULL ON DELETE CASCADE, flag integer NOT NULL);

CREATE INDEX idx_aoi_geom ON geocube.aoi USING gist (geom);
CREATE INDEX idx_records_aoi ON geocube.records (aoi_id);
CREATE INDEX idx_records_datetime ON geocube.records (datetime);
CREATE INDEX idx_instance_definition ON geocube.variable_instances (definition_id);
CREATE INDEX idx_containers_id ON geocube.containers (id);
CREATE INDEX idx_datasets_geog ON geocube.datasets USING gist (geog);
CREATE INDEX idx_datasets_geom ON geocube.datasets USING gist (geom);
CREATE INDEX idx_datasets_shape ON geocube.datasets USING gist (shape);
CREATE INDEX idx_datasets_container ON geocube.datasets (container_uri);
CREATE INDEX idx_datasets_record ON geocube.datasets (record_id);
CREATE INDEX idx_datasets_instance ON geocube.datasets (instance_id);
CREATE INDEX idx_datasets_locked ON geocube.datasets (locked_by_job_id);
CREATE INDEX idx_locked_datasets_job_id ON geocube.locked_datasets (job_id);
CREATE INDEX idx_tasks_job ON geocube.tasks (job_id);
CREATE INDEX idx_cells_coordinates ON geocube.cells USING gist (coordinates);
CREATE INDEX idx_cells_grid ON geocube.cells (grid);
