-- Fills an empty catalogue with about :n datasets on the globe over ten years.
--
-- Place p is a square of one degree. Two places have :n / 20 dates, at most 5000, the others 128. Every fourth
-- date has two files. Identifiers are made from the numbers of place and date, so that clients can name them.
-- The files do not exist, but for those of the year 2019: all of them are one :image.
\set ON_ERROR_STOP on
SET search_path = public, geocube;
SET session_replication_role = replica;
SET maintenance_work_mem = '256MB';

-- indexes are faster to make afterwards
CREATE TEMP TABLE later AS
SELECT indexname, indexdef FROM pg_indexes i
WHERE schemaname = 'geocube' AND tablename IN ('datasets', 'records', 'containers')
    AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = i.indexname);
SELECT format('DROP INDEX geocube.%I', indexname) FROM later \gexec

CREATE TEMP TABLE plan AS
WITH places AS (
    SELECT p, CASE WHEN p < 2 THEN least(5000, :n / 20) ELSE 128 END AS dates
    FROM generate_series(0, 1 + (:n - least(5000, :n / 20) * 5 / 2) / 160) AS p
)
SELECT p, d, part, dates, md5('r' || p || '/' || d)::uuid AS record_id,
    p * 7919 % 360 - 180 AS x, p * 7919 / 360 * 53 % 140 - 70 AS y,
    timestamp '2015-01-01' + d * (3650.0 / dates) * interval '1 day' + p * interval '1 second' AS datetime,
    CASE
        WHEN d * (3650.0 / dates) BETWEEN 1461 AND 1826 THEN :'image'
        ELSE '/data/' || p || '/' || d || '_' || part || '.tif'
    END AS uri
FROM places, generate_series(0, dates - 1) AS d, generate_series(0, CASE WHEN d % 4 = 0 THEN 1 ELSE 0 END) AS part;

INSERT INTO aoi SELECT DISTINCT md5('a' || p)::uuid, md5('a' || p), ST_Multi(ST_MakeEnvelope(x, y, x + 1, y + 1, 4326))
FROM plan;
INSERT INTO records (id, name, datetime, tags, aoi_id)
SELECT record_id,
    format('S2%s_%s_T%s_%s', chr(65 + d % 2), to_char(datetime, 'YYYYMMDD'), lpad(p::text, 5, '0'), lpad(d::text, 4, '0')),
    datetime,
    hstore(ARRAY['tile', 'T' || lpad(p::text, 5, '0'), 'sat', 'S2' || chr(65 + d % 2), 'cloud', (d * 37 % 101)::text]),
    md5('a' || p)::uuid
FROM plan WHERE part = 0;
INSERT INTO containers (uri, managed, storage_class) SELECT DISTINCT uri, false, 'STANDARD'::storage_class FROM plan;
INSERT INTO datasets (id, record_id, instance_id, container_uri, geog, geom, shape, subdir, bands, status, dtype,
    no_data, min_value, max_value, real_min_value, real_max_value, exponent, overviews)
SELECT gen_random_uuid(), record_id, :'instance', uri, area::geography, area,
    ST_Multi(ST_MakeEnvelope(300000, 5000000, 409800, 5109800, 32632)), '', '{1}', 'ACTIVE', 'UINT16', 0, 0, 10000, 0,
    10000, 1, false
FROM (
    SELECT *, ST_Multi(ST_MakeEnvelope(x, y + part * 0.5, x + 1, y + part * 0.5 + 0.5, 4326)) AS area FROM plan
    -- in the order of time, as an archive grows
    ORDER BY datetime, part
) AS ordered;

SELECT indexdef FROM later \gexec
VACUUM (ANALYZE) geocube.aoi, geocube.records, geocube.containers, geocube.datasets;
\pset tuples_only on
\pset format unaligned
SELECT (SELECT count(*) FROM datasets), (SELECT count(*) FROM records), (SELECT max(p) FROM plan);
