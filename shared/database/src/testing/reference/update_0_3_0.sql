-- What the upgrade to 0.3.0 changes.
DROP INDEX geocube.record_name_idx, geocube.definition_name_idx, geocube.ix_geocube_locked_datasets_job_id;
CREATE INDEX idx_records_aoi ON geocube.records (aoi_id);
CREATE INDEX idx_instance_definition ON geocube.variable_instances (definition_id);
CREATE INDEX idx_datasets_container ON geocube.datasets (container_uri);
CREATE INDEX idx_datasets_record ON geocube.datasets (record_id);
CREATE INDEX idx_datasets_instance ON geocube.datasets (instance_id);
CREATE INDEX idx_locked_datasets_job_id ON geocube.locked_datasets (job_id);
CREATE INDEX idx_tasks_job ON geocube.tasks (job_id);
ALTER TABLE geocube.jobs
    ADD COLUMN execution_level integer NOT NULL DEFAULT 0,
    ADD COLUMN waiting boolean NOT NULL DEFAULT false,
    ADD COLUMN logs jsonb;
ALTER TABLE geocube.layouts DROP COLUMN id;
ALTER TABLE geocube.consolidation_params RENAME COLUMN downsampling_alg TO resampling_alg;
ALTER TABLE geocube.consolidation_params ADD COLUMN overviews_min_size integer NOT NULL DEFAULT -1;
UPDATE geocube.consolidation_params SET overviews_min_size = 0 WHERE NOT overviews;
ALTER TABLE geocube.consolidation_params DROP COLUMN overviews;
ALTER TABLE geocube.datasets
    ALTER COLUMN geog TYPE geography(MultiPolygon, 0) USING ST_Multi(geog::geometry)::geography,
    ALTER COLUMN geom TYPE geometry(MultiPolygon, 4326) USING ST_Multi(geom),
    ALTER COLUMN shape TYPE geometry(MultiPolygon) USING ST_Multi(shape);
CREATE TABLE geocube.container_layouts (
    container_uri text PRIMARY KEY
        REFERENCES geocube.containers (uri) MATCH FULL ON UPDATE CASCADE ON DELETE CASCADE,
    layout_name text NOT NULL REFERENCES geocube.layouts (name) MATCH FULL);
CREATE TABLE geocube.grids (name text PRIMARY KEY, description text NOT NULL);
CREATE TABLE geocube.cells (
    id text NOT NULL, grid text NOT NULL REFERENCES geocube.grids (name) MATCH FULL, crs text NOT NULL,
    srid integer NOT NULL, coordinates geography(Polygon, 0), PRIMARY KEY (id, grid));
CREATE INDEX idx_cells_coordinates ON geocube.cells USING gist (coordinates);
CREATE INDEX idx_cells_grid ON geocube.cells (grid);
