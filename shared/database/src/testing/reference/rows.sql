-- Rows of every table as release 1.1.0 leaves them, the odd ones included. Ids end with 01, 02, …
INSERT INTO geocube.aoi VALUES
    -- the square of 1 degree at 0 0, under the hash of its bytes
    ('a0000000-0000-4000-8000-000000000001', '2606548915053d4db1adb322b28b59d280cacf7d',
     'SRID=4326;MULTIPOLYGON(((0 0,0 1,1 1,1 0,0 0)))'),
    -- a hole, and a second part
    ('a0000000-0000-4000-8000-000000000002', '0000000000000000000000000000000000000002',
     'SRID=4326;MULTIPOLYGON(((0 0,0 4,4 4,4 0,0 0),(1 1,2 1,2 2,1 2,1 1)),((7 7,7 8,8 8,7 7)))');

INSERT INTO geocube.records VALUES
    ('b0000000-0000-4000-8000-000000000001', 'S2A_20200101', '2020-01-01 10:30:31.123457',
     'constellation=>SENTINEL2, cloud=>"12,5 %", "a \"b\"=>c"=>"d\\e", empty=>"", gone=>NULL',
     'a0000000-0000-4000-8000-000000000001'),
    ('b0000000-0000-4000-8000-000000000002', 'S2B_20200102', '2020-01-02', '', 'a0000000-0000-4000-8000-000000000002'),
    ('b0000000-0000-4000-8000-000000000003', 'S2B_20200102', '2020-01-02', 'k=>v', 'a0000000-0000-4000-8000-000000000002'),
    ('b0000000-0000-4000-8000-000000000004', 'before_1970', '1969-12-31 23:59:59.999999', '"été"=>"日本"',
     'a0000000-0000-4000-8000-000000000001');

INSERT INTO geocube.palette VALUES
    ('ramp', ARRAY[ROW(0, 4278190080)::geocube.color_point, ROW(0.333333, 4286513152)::geocube.color_point,
                   ROW(1, 4294901760)::geocube.color_point]);

INSERT INTO geocube.variable_definitions VALUES
    ('c0000000-0000-4000-8000-000000000001', 'ndvi', 'none', 'vegetation', '{ndvi}', 'FLOAT32', 'NaN', -1, 1, 'ramp', 'BILINEAR'),
    ('c0000000-0000-4000-8000-000000000002', 'rgb', '', '', '{r,g,b}', 'UINT8', 0, 1, 255, NULL, 'CUBIC'),
    ('c0000000-0000-4000-8000-000000000003', 'unused', '', '', NULL, 'COMPLEX64', 'NaN', 0, 1, NULL, 'NEAR');

INSERT INTO geocube.variable_instances VALUES
    ('d0000000-0000-4000-8000-000000000001', 'master', NULL, 'c0000000-0000-4000-8000-000000000001'),
    ('d0000000-0000-4000-8000-000000000002', 'v2', 'note=>"of 2020", gone=>NULL', 'c0000000-0000-4000-8000-000000000001'),
    ('d0000000-0000-4000-8000-000000000003', 'master', '', 'c0000000-0000-4000-8000-000000000002');

INSERT INTO geocube.consolidation_params (id, dtype, no_data, min_value, max_value, exponent, compression,
    creation_params, resampling_alg, storage_class) VALUES
    ('c0000000-0000-4000-8000-000000000001', 'INT16', -10001, -10000, 10000, 1, 'CUSTOM',
     'COMPRESS=>ZSTD, ZLEVEL=>"3"', 'AVERAGE', 'INFREQUENT'),
    ('e0000000-0000-4000-8000-000000000001', 'INT16', -10001, -10000, 10000, 1, 'LOSSLESS', '', 'BILINEAR', 'STANDARD');

-- FOLDER stands for the folder of the files
INSERT INTO geocube.containers (uri, managed, storage_class) VALUES
    ('FOLDER/old.tif', false, 'STANDARD'),
    ('FOLDER/managed/m.tif', true, 'ARCHIVE'),
    ('FOLDER/empty.tif', false, NULL),
    ('gs://bucket/far.tif', true, 'STANDARD'),
    ('/elsewhere/a.tif', false, 'STANDARD');

-- two datasets of one record over each other: the ids are not in the order of the statement
INSERT INTO geocube.datasets (id, record_id, instance_id, container_uri, geog, geom, shape, subdir, bands, status, dtype,
    no_data, min_value, max_value, real_min_value, real_max_value, exponent, overviews)
SELECT id::uuid, record::uuid, instance::uuid, uri, area::geography, area, shape, subdir, bands::smallint[],
    status::geocube.dataset_status, dtype::geocube.data_types, no_data, min, max, rmin, rmax, exponent, overviews
FROM (VALUES
    ('f0000000-0000-4000-8000-000000000002', 'b0000000-0000-4000-8000-000000000001',
     'd0000000-0000-4000-8000-000000000001', 'FOLDER/managed/m.tif',
     'SRID=4326;MULTIPOLYGON(((1.7 45.1,1.7 45.2,1.8 45.2,1.8 45.1,1.7 45.1)))'::geometry,
     'SRID=32631;MULTIPOLYGON(((400000 4999500,400000 5000000,401000 5000000,401000 4999500,400000 4999500)))'::geometry,
     '', '{1}', 'ACTIVE', 'FLOAT32', 'NaN'::float8, -1::float8, 1::float8, -1::float8, 1::float8, 1::float8, false),
    ('f0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000001',
     'd0000000-0000-4000-8000-000000000001', 'FOLDER/old.tif',
     'SRID=4326;MULTIPOLYGON(((1.7 45.1,1.7 45.2,1.8 45.2,1.8 45.1,1.7 45.1)))',
     'SRID=32631;MULTIPOLYGON(((400000 4999500,400000 5000000,401000 5000000,401000 4999500,400000 4999500)))',
     '', '{1}', 'ACTIVE', 'FLOAT32', 'NaN', -1, 1, -1, 1, 1, false),
    -- cut by the date line, a shape of an unknown reference system, several bands of a directory
    ('f0000000-0000-4000-8000-000000000003', 'b0000000-0000-4000-8000-000000000002',
     'd0000000-0000-4000-8000-000000000003', 'gs://bucket/far.tif',
     'SRID=4326;MULTIPOLYGON(((170 -10,170 10,180 10,180 -10,170 -10)),((-180 -10,-180 10,-170 10,-170 -10,-180 -10)))',
     'SRID=0;MULTIPOLYGON(((0 0,0 10,10 10,10 0,0 0)))',
     'GTIFF_DIR:2', '{3,1,2}', 'ACTIVE', 'UINT16', 0, 1, 10000, 1, 255, 0.5, true),
    ('f0000000-0000-4000-8000-000000000004', 'b0000000-0000-4000-8000-000000000003',
     'd0000000-0000-4000-8000-000000000003', '/elsewhere/a.tif',
     'SRID=4326;MULTIPOLYGON(((0 0,0 1,1 1,1 0,0 0)))', 'SRID=4326;MULTIPOLYGON(((0 0,0 1,1 1,1 0,0 0)))',
     '', '{1,2,3}', 'TODELETE', 'UINT8', 0, 1, 255, 1, 255, 1, false)
) AS given (id, record, instance, uri, area, shape, subdir, bands, status, dtype, no_data, min, max, rmin, rmax, exponent,
    overviews);

INSERT INTO geocube.layouts (name, grid_flags, grid_parameters, block_x_size, block_y_size, max_records,
    overviews_min_size, interlacing_pattern) VALUES
    ('tiles', '{flag}', 'grid=>regular, crs=>"epsg:32631", cell_size=>"4096", resolution=>"10"', 512, 512, 100, 256,
     'Z=0>T>R>B;R>Z=1:>T>B');
INSERT INTO geocube.container_layouts VALUES ('FOLDER/managed/m.tif', 'tiles');

INSERT INTO geocube.grids VALUES ('parcels', 'fields of a farm');
INSERT INTO geocube.cells VALUES
    ('north', 'parcels', 'epsg:32631', 32631, 'POLYGON((2 45,2 46,3 46,3 45,2 45))'),
    ('south', 'parcels', '+proj=laea', 0, 'POLYGON((2 43,2 44,3 44,3 43,2 43))');

INSERT INTO geocube.jobs VALUES
    ('e0000000-0000-4000-8000-000000000001', 'done job', '2023-01-01', '2023-01-02 00:00:00.000001',
     '{"layout": "tiles", "instance_id": "d0000000-0000-4000-8000-000000000001", "params_id": "e0000000-0000-4000-8000-000000000001"}',
     'DONE', 'CONSOLIDATION', 0, 0, 9, false),
    ('e0000000-0000-4000-8000-000000000002', 'untidy job', '2023-02-01', '2023-02-02', '{}', 'DONEBUTUNTIDY', 'DELETION', 1, 1, 0, false),
    ('e0000000-0000-4000-8000-000000000003', '', '2023-03-01', '2023-03-02', '{}', 'FAILED', 'DELETION', 0, 0, 0, true);
INSERT INTO geocube.job_logs (job_id, time, status, message, severity) VALUES
    ('e0000000-0000-4000-8000-000000000001', '2023-01-01', 'OFTHEPAST', 'created', 'INFO'),
    ('e0000000-0000-4000-8000-000000000001', '2023-01-02', 'DONE', NULL, 'DEBUG'),
    ('e0000000-0000-4000-8000-000000000002', '2023-02-02', NULL, 'a file stays', 'ERROR');
INSERT INTO geocube.tasks VALUES
    ('90000000-0000-4000-8000-000000000001', 'FAILED', convert_to('FOLDER/gone.tif', 'UTF8'), 'e0000000-0000-4000-8000-000000000002'),
    ('90000000-0000-4000-8000-000000000002', 'DONE', '\x0dff8300010c0101', 'e0000000-0000-4000-8000-000000000001');
-- locks that a crash left behind, one of them without its copy in the row of the dataset
INSERT INTO geocube.locked_datasets VALUES
    ('f0000000-0000-4000-8000-000000000004', 'e0000000-0000-4000-8000-000000000003', 1),
    ('f0000000-0000-4000-8000-000000000003', 'e0000000-0000-4000-8000-000000000002', 1);
UPDATE geocube.datasets SET locked_by_job_id = 'e0000000-0000-4000-8000-000000000003'
WHERE id = 'f0000000-0000-4000-8000-000000000004';
