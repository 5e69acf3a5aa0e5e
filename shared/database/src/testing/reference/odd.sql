-- Rows that release 1.1.0 accepted and today's rules refuse; they go with those of rows.sql.
INSERT INTO geocube.palette VALUES
    ('dull', ARRAY[ROW(0, 4278190080)::geocube.color_point, ROW('NaN', 4286513152)::geocube.color_point,
                   ROW(1, 4294901760)::geocube.color_point]),
    ('blank', ARRAY[ROW('NaN', 4278190080)::geocube.color_point, ROW('NaN', 4294901760)::geocube.color_point]);

INSERT INTO geocube.variable_definitions VALUES
    ('c0000000-0000-4000-8000-000000000004', 'twice', '', '', '{b,b}', 'UINT8', 0, 1, 255, NULL, 'NEAR'),
    ('c0000000-0000-4000-8000-000000000005', 'dull', '', '', '{v}', 'FLOAT32', 'NaN', -1, 1, 'dull', 'NEAR'),
    ('c0000000-0000-4000-8000-000000000006', 'blank', '', '', '{v}', 'FLOAT32', 'NaN', -1, 1, 'blank', 'NEAR');

INSERT INTO geocube.variable_instances VALUES
    ('d0000000-0000-4000-8000-000000000005', 'master', NULL, 'c0000000-0000-4000-8000-000000000005'),
    ('d0000000-0000-4000-8000-000000000006', 'master', NULL, 'c0000000-0000-4000-8000-000000000006');

INSERT INTO geocube.containers (uri, managed, storage_class) VALUES
    ('https://h/a.tif', true, 'STANDARD'),
    ('/d/../a.tif', false, 'STANDARD');

INSERT INTO geocube.datasets (id, record_id, instance_id, container_uri, geog, geom, shape, subdir, bands, status, dtype,
    no_data, min_value, max_value, real_min_value, real_max_value, exponent, overviews)
SELECT id::uuid, record::uuid, 'd0000000-0000-4000-8000-000000000001', uri, area::geography, area, shape, '', '{1}',
    'ACTIVE', 'FLOAT32', 'NaN', -1, 1, -1, 1, 1, false
FROM (VALUES
    ('f0000000-0000-4000-8000-000000000008', 'b0000000-0000-4000-8000-000000000003', 'https://h/a.tif'),
    ('f0000000-0000-4000-8000-000000000009', 'b0000000-0000-4000-8000-000000000004', '/d/../a.tif')
) AS given (id, record, uri), (VALUES
    ('SRID=4326;MULTIPOLYGON(((1.7 45.1,1.7 45.2,1.8 45.2,1.8 45.1,1.7 45.1)))'::geometry,
     'SRID=32631;MULTIPOLYGON(((400000 4999500,400000 5000000,401000 5000000,401000 4999500,400000 4999500)))'::geometry)
) AS place (area, shape);
