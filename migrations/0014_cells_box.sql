-- The rectangle in longitude and latitude that holds a stored cell, whose edges are great circles:
-- areas are straight in that plane. A cell across the dateline, or around a pole, is looked at by
-- every search.
CREATE FUNCTION geocube.cell_box(outline geography) RETURNS geometry
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT
AS $$
    SELECT CASE WHEN ST_XMax(dense) - ST_XMin(dense) > 180
        THEN ST_MakeEnvelope(-180, -90, 180, 90, 4326) ELSE ST_Envelope(dense) END
    FROM (
        SELECT ST_Segmentize(outline, GREATEST(1000, ST_Perimeter(outline) / 4000))::geometry AS dense
        OFFSET 0
    ) drawn
$$;
CREATE INDEX idx_cells_box ON geocube.cells USING gist (geocube.cell_box(coordinates));
