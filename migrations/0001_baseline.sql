-- The schema of release 1.1.0: created in an empty database, recognised in one that has it already.
--
-- An existing schema is adopted in place when it is at 1.1.0, installed at once or by upgrades, and when
-- no job is under way. Otherwise the migration stops with SQLSTATE 55000 and says what to do first.

CREATE EXTENSION IF NOT EXISTS hstore;
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE SCHEMA IF NOT EXISTS geocube;

DO $baseline$
DECLARE
    missing text;
    unfinished text;
    messages bigint := 0;
BEGIN
    IF to_regclass('geocube.records') IS NOT NULL THEN
        missing := CASE
            WHEN to_regclass('geocube.container_layouts') IS NULL THEN '0.3.0, 0.6.0 and 1.1.0'
            WHEN to_regclass('geocube.job_logs') IS NULL THEN '0.6.0 and 1.1.0'
            WHEN NOT EXISTS (
                SELECT FROM pg_attribute
                WHERE attrelid = to_regclass('geocube.consolidation_params')
                    AND attname = 'creation_params' AND NOT attisdropped
            ) THEN '1.1.0'
        END;
        IF missing IS NOT NULL THEN
            RAISE EXCEPTION 'the schema geocube is older than 1.1.0: apply the upgrade script(s) % first', missing
                USING ERRCODE = 'object_not_in_prerequisite_state';
        END IF;

        SELECT string_agg(format('%s (%s, %s)', name, id, state), ', ' ORDER BY name)
        INTO unfinished
        FROM geocube.jobs
        WHERE state NOT IN ('DONE', 'FAILED', 'DONEBUTUNTIDY');
        IF unfinished IS NOT NULL THEN
            RAISE EXCEPTION 'the database cannot be adopted while jobs are under way, finish or cancel them first: %', unfinished
                USING ERRCODE = 'object_not_in_prerequisite_state';
        END IF;

        IF to_regclass('pgq_jobs') IS NOT NULL THEN
            SELECT count(*) INTO messages FROM pgq_jobs WHERE ran_at IS NULL;
        END IF;
        IF messages > 0 THEN
            RAISE EXCEPTION 'the database cannot be adopted while % message(s) wait in pgq_jobs: empty the table first', messages
                USING ERRCODE = 'object_not_in_prerequisite_state';
        END IF;
        RETURN;
    END IF;

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

    -- footprints
    CREATE TABLE geocube.aoi (
        id uuid PRIMARY KEY,
        hash text,
        geom geometry(MultiPolygon, 4326),
        CONSTRAINT aoi_hash_key UNIQUE (hash)
    );
    CREATE INDEX idx_aoi_geom ON geocube.aoi USING gist (geom);

    -- data-takes
    CREATE TABLE geocube.records (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        datetime timestamp without time zone NOT NULL,
        tags hstore NOT NULL,
        aoi_id uuid NOT NULL REFERENCES geocube.aoi (id) MATCH FULL,
        CONSTRAINT records_name_tags_datetime_key UNIQUE (name, tags, datetime)
    );
    CREATE INDEX idx_records_aoi ON geocube.records (aoi_id);
    CREATE INDEX idx_records_datetime ON geocube.records (datetime);

    CREATE TABLE geocube.palette (
        name text PRIMARY KEY,
        points geocube.color_point[] NOT NULL
    );

    -- variables and their instances
    CREATE TABLE geocube.variable_definitions (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        unit text NOT NULL,
        description text NOT NULL,
        bands text[],
        dtype geocube.datatypes NOT NULL,
        no_data double precision NOT NULL,
        min_value double precision NOT NULL,
        max_value double precision NOT NULL,
        palette text REFERENCES geocube.palette (name),
        resampling_alg geocube.resampling NOT NULL,
        CONSTRAINT variable_definitions_name_key UNIQUE (name)
    );
    CREATE TABLE geocube.variable_instances (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        metadata hstore,
        definition_id uuid REFERENCES geocube.variable_definitions (id) MATCH FULL,
        CONSTRAINT variable_instances_name_definition_id_key UNIQUE (name, definition_id)
    );
    CREATE INDEX idx_instance_definition ON geocube.variable_instances (definition_id);

    -- encoding of consolidated files, of a variable or of a job
    CREATE TABLE geocube.consolidation_params (
        id uuid PRIMARY KEY,
        dtype geocube.datatypes NOT NULL,
        no_data double precision NOT NULL,
        min_value double precision NOT NULL,
        max_value double precision NOT NULL,
        exponent double precision NOT NULL,
        compression geocube.compression NOT NULL,
        creation_params hstore NOT NULL,
        resampling_alg geocube.resampling NOT NULL,
        storage_class geocube.storage_class NOT NULL
    );

    -- files
    CREATE TABLE geocube.containers (
        id serial NOT NULL,
        uri text PRIMARY KEY,
        managed boolean NOT NULL,
        storage_class geocube.storage_class
    );
    CREATE INDEX idx_containers_id ON geocube.containers (id);

    -- indexed images
    CREATE TABLE geocube.datasets (
        id uuid PRIMARY KEY,
        record_id uuid NOT NULL REFERENCES geocube.records (id) MATCH FULL,
        instance_id uuid NOT NULL REFERENCES geocube.variable_instances (id) MATCH FULL,
        container_uri text NOT NULL REFERENCES geocube.containers (uri) MATCH FULL,
        locked_by_job_id uuid,
        geog geography(MultiPolygon, 4326) NOT NULL,
        geom geometry(MultiPolygon, 4326) NOT NULL,
        shape geometry(MultiPolygon) NOT NULL,
        subdir text NOT NULL,
        bands smallint[] NOT NULL,
        status geocube.dataset_status NOT NULL,
        dtype geocube.data_types NOT NULL,
        no_data double precision NOT NULL,
        min_value double precision NOT NULL,
        max_value double precision NOT NULL,
        real_min_value double precision NOT NULL,
        real_max_value double precision NOT NULL,
        exponent double precision NOT NULL,
        overviews boolean NOT NULL
    );
    CREATE INDEX idx_datasets_geog ON geocube.datasets USING gist (geog);
    CREATE INDEX idx_datasets_geom ON geocube.datasets USING gist (geom);
    CREATE INDEX idx_datasets_shape ON geocube.datasets USING gist (shape);
    CREATE INDEX idx_datasets_container ON geocube.datasets (container_uri);
    CREATE INDEX idx_datasets_record ON geocube.datasets (record_id);
    CREATE INDEX idx_datasets_instance ON geocube.datasets (instance_id);
    CREATE INDEX idx_datasets_locked ON geocube.datasets (locked_by_job_id);

    -- organisation of consolidated files
    CREATE TABLE geocube.layouts (
        name text PRIMARY KEY,
        grid_flags text[],
        grid_parameters hstore,
        block_x_size integer NOT NULL DEFAULT 256,
        block_y_size integer NOT NULL DEFAULT 256,
        max_records integer NOT NULL DEFAULT 1024,
        overviews_min_size integer NOT NULL,
        interlacing_pattern text NOT NULL
    );
    CREATE TABLE geocube.container_layouts (
        container_uri text PRIMARY KEY
            REFERENCES geocube.containers (uri) MATCH FULL ON UPDATE CASCADE ON DELETE CASCADE,
        layout_name text NOT NULL REFERENCES geocube.layouts (name) MATCH FULL
    );

    -- custom grids
    CREATE TABLE geocube.grids (
        name text PRIMARY KEY,
        description text NOT NULL
    );
    CREATE TABLE geocube.cells (
        id text NOT NULL,
        grid text NOT NULL REFERENCES geocube.grids (name) MATCH FULL,
        crs text NOT NULL,
        srid integer NOT NULL,
        coordinates geography(Polygon, 4326),
        PRIMARY KEY (id, grid),
        CONSTRAINT geometry_valid_check CHECK (ST_IsValid(coordinates::geometry))
    );
    CREATE INDEX idx_cells_coordinates ON geocube.cells USING gist (coordinates);
    CREATE INDEX idx_cells_grid ON geocube.cells (grid);

    -- jobs
    CREATE TABLE geocube.jobs (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        creation_ts timestamp without time zone NOT NULL,
        last_update_ts timestamp without time zone NOT NULL,
        payload jsonb NOT NULL,
        state text NOT NULL,
        type text NOT NULL,
        active_tasks integer NOT NULL,
        failed_tasks integer NOT NULL,
        execution_level integer NOT NULL DEFAULT 0,
        waiting boolean NOT NULL DEFAULT false,
        CONSTRAINT jobs_name_key UNIQUE (name)
    );
    CREATE TABLE geocube.job_logs (
        id serial PRIMARY KEY,
        job_id uuid NOT NULL REFERENCES geocube.jobs (id) MATCH FULL ON UPDATE CASCADE ON DELETE CASCADE,
        "time" timestamp without time zone NOT NULL,
        status text,
        message text,
        severity geocube.log_level NOT NULL
    );
    CREATE TABLE geocube.tasks (
        id uuid PRIMARY KEY,
        state geocube.task_state NOT NULL,
        payload bytea NOT NULL,
        job_id uuid NOT NULL REFERENCES geocube.jobs (id) MATCH FULL
    );
    CREATE INDEX idx_tasks_job ON geocube.tasks (job_id);

    -- at most one job holds a dataset
    CREATE TABLE geocube.locked_datasets (
        dataset_id uuid PRIMARY KEY REFERENCES geocube.datasets (id) MATCH FULL,
        job_id uuid NOT NULL REFERENCES geocube.jobs (id) MATCH FULL ON DELETE CASCADE,
        flag integer NOT NULL
    );
    CREATE INDEX idx_locked_datasets_job_id ON geocube.locked_datasets (job_id);
END
$baseline$;
