//! Custom grids: named sets of cells.

use crate::{Result, answer, convert, filter};
use domain::{MultiPolygon, Pattern, Polygon};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use std::sync::Arc;

/// A cell of a custom grid.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredCell {
    /// Unique within its grid.
    pub id: String,
    /// Reference system, as the caller wrote it.
    pub crs: Arc<str>,
    /// EPSG code of the reference system, 0 when unknown.
    pub srid: i32,
    /// Outline in longitude and latitude.
    pub outline: Polygon,
}

/// Name and description of a grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GridSummary {
    /// Unique name.
    pub name: String,
    /// Free text.
    pub description: String,
}

/// The part of an area that lies on a cell.
#[derive(Clone, Debug, PartialEq)]
pub struct CellPart {
    /// Id of the cell.
    pub id: String,
    /// Reference system of the cell, as the caller wrote it.
    pub crs: String,
    /// Whether the cell lies on both sides of the dateline, or touches it.
    pub crosses_dateline: bool,
    /// Part of the area, in longitude and latitude.
    pub area: MultiPolygon,
}

/// Stores a grid with its cells; to be run in a transaction.
///
/// # Errors
/// [`domain::Error::AlreadyExists`] `Grid with name: <name>`, or
/// `Cell with id for gridName: <cell>, <grid>` for a cell given twice; [`domain::Error::Invalid`] for
/// an outline that crosses itself.
pub async fn create(
    conn: &mut PgConnection,
    grid: &GridSummary,
    cells: &[StoredCell],
) -> Result<()> {
    sqlx::query("INSERT INTO geocube.grids (name, description) VALUES ($1, $2)")
        .bind(&grid.name)
        .bind(&grid.description)
        .execute(&mut *conn)
        .await?;
    for cells in cells.chunks(CHUNK) {
        insert_cells(conn, &grid.name, cells).await?;
    }
    Ok(())
}

/// Cells that one statement stores, so that the bound on its time does not bound the grid.
const CHUNK: usize = 10_000;

async fn insert_cells(conn: &mut PgConnection, grid: &str, cells: &[StoredCell]) -> Result<()> {
    let outline = |cell: &StoredCell| convert::lonlat(&MultiPolygon(vec![cell.outline.clone()]));
    sqlx::query(
        "INSERT INTO geocube.cells (id, grid, crs, srid, coordinates)
         SELECT id, $1, crs, srid, ST_GeometryN(ST_GeomFromEWKB(outline), 1)::geography
         FROM UNNEST($2::text[], $3::text[], $4::int[], $5::bytea[]) AS given (id, crs, srid, outline)",
    )
    .bind(grid)
    .bind(cells.iter().map(|cell| cell.id.as_str()).collect::<Vec<_>>())
    .bind(cells.iter().map(|cell| &*cell.crs).collect::<Vec<_>>())
    .bind(cells.iter().map(|cell| cell.srid).collect::<Vec<_>>())
    .bind(cells.iter().map(outline).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Grids by name.
///
/// # Errors
/// [`domain::Error::LimitExceeded`] when there are more than `most`, or more than fit into one answer.
pub async fn list(
    conn: &mut PgConnection,
    name: Option<&Pattern>,
    most: u32,
) -> Result<Vec<GridSummary>> {
    let mut sql = QueryBuilder::<Postgres>::new("SELECT name, description FROM geocube.grids");
    if let Some(name) = name {
        sql.push(" WHERE name");
        filter::push_match(&mut sql, name);
    }
    sql.push(" ORDER BY name LIMIT ")
        .push_bind(i64::from(most) + 1);
    let rows = sql.build_query_as().fetch(conn);
    let bytes = |(name, description): &(String, String)| name.len() + description.len();
    let rows = answer::collect(rows, "grids", most, bytes).await?;
    Ok(rows
        .into_iter()
        .map(|(name, description)| GridSummary { name, description })
        .collect())
}

/// Whether a grid exists.
pub async fn exists(conn: &mut PgConnection, name: &str) -> Result<bool> {
    Ok(
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM geocube.grids WHERE name = $1)")
            .bind(name)
            .fetch_one(conn)
            .await?,
    )
}

/// Deletes a grid with its cells; an unknown name is a success. To be run in a transaction.
pub async fn delete(conn: &mut PgConnection, name: &str) -> Result<()> {
    // the cells of a grid that is just being made are seen together with it, or not at all
    let locked = sqlx::query("SELECT FROM geocube.grids WHERE name = $1 FOR UPDATE")
        .bind(name)
        .fetch_optional(&mut *conn)
        .await?;
    if locked.is_none() {
        return Ok(());
    }
    for sql in [
        "DELETE FROM geocube.cells WHERE grid = $1",
        "DELETE FROM geocube.grids WHERE name = $1",
    ] {
        sqlx::query(sql).bind(name).execute(&mut *conn).await?;
    }
    Ok(())
}

/// Surface, in square degrees, up to which a part is what rounding leaves where two edges meet: some
/// centimetres each way.
const SLIVER: f64 = 1e-13;

/// Cells that are cut by one statement.
const CUT_AT_ONCE: i64 = 1000;

/// The cells of a grid that an area in longitude and latitude overlaps, by id, with the part of the
/// area on each; parts without any surface are left out. Some of them, those with the first ids `after` that one; and the id
/// after which the next ones are, `None` when these are the last.
///
/// The edges of the area are straight in longitude and latitude, those of a cell are great circles:
/// vertices are added on them, and the parts are cut in longitude and latitude, so that neighbours
/// in different reference systems leave no gap. A cell across the dateline is cut where longitudes
/// go on beyond 180, and its part comes in two. A cell around a pole is cut in the plane of its own
/// system, which is right for polar systems; one of an unknown system along great circles.
pub async fn cells_on(
    conn: &mut PgConnection,
    grid: &str,
    area: &MultiPolygon,
    after: Option<&str>,
) -> Result<(Vec<CellPart>, Option<String>)> {
    let rows: Vec<(String, String, bool, Option<Vec<u8>>)> = sqlx::query_as(CELLS_ON)
        .bind(grid)
        .bind(convert::lonlat(area))
        .bind(SLIVER)
        .bind(after)
        .bind(CUT_AT_ONCE)
        .fetch_all(conn)
        .await?;
    let are_more = rows.len() == CUT_AT_ONCE as usize;
    let next = rows.last().filter(|_| are_more).map(|(id, ..)| id.clone());
    let mut parts = Vec::new();
    for (id, crs, crosses_dateline, part) in rows {
        let Some(part) = part else {
            continue;
        };
        parts.push(CellPart {
            id,
            crs,
            crosses_dateline,
            area: convert::geometry(&part)?.0,
        });
    }
    Ok((parts, next))
}

/// Vertices 180 and -180 are one place, and both are found where a cell touches the dateline: it is
/// treated like one that crosses it. The steps of an area that is projected, or followed along great
/// circles, are of a degree.
const CELLS_ON: &str = "
WITH area AS MATERIALIZED (
    SELECT valid, ST_Union(valid, ST_Translate(valid, 360, 0)) AS beyond, ST_Segmentize(valid, 1) AS dense
    FROM (SELECT ST_MakeValid(ST_GeomFromEWKB($2)) AS valid) given
), found AS MATERIALIZED (
    SELECT c.id, c.crs, c.srid, c.coordinates,
        ST_Segmentize(c.coordinates, GREATEST(1000, ST_Perimeter(c.coordinates) / 4000))::geometry AS dense
    FROM geocube.cells c
    WHERE c.grid = $1
        AND geocube.cell_box(c.coordinates) && ST_Envelope(ST_MakeValid(ST_GeomFromEWKB($2)))
        AND ($4::text IS NULL OR c.id > $4)
    ORDER BY c.id LIMIT $5
), placed AS MATERIALIZED (
    SELECT found.*, CASE
        WHEN ST_XMax(dense) - ST_XMin(dense) <= 180 OR NOT EXISTS (
            SELECT FROM (
                SELECT ST_X(geom) - lag(ST_X(geom)) OVER (ORDER BY path) AS step FROM ST_DumpPoints(dense)
            ) steps WHERE abs(step) > 180
        ) THEN 'plain'
        WHEN ST_YMax(dense) < 90 AND ST_Covers(coordinates, 'POINT(0 90)'::geography)
            OR ST_YMin(dense) > -90 AND ST_Covers(coordinates, 'POINT(0 -90)'::geography)
        THEN CASE WHEN EXISTS (SELECT FROM spatial_ref_sys s WHERE s.srid = found.srid AND found.srid <> 0)
            THEN 'polar' ELSE 'globe' END
        ELSE 'dateline' END AS place
    FROM found
), cut AS (
    SELECT id, crs, place, CASE place
        WHEN 'plain' THEN ST_Intersection(placed.dense, area.valid)
        WHEN 'dateline'
        THEN ST_WrapX(ST_Intersection(ST_ShiftLongitude(placed.dense), area.beyond), 180, -360)
        WHEN 'polar' THEN ST_Transform(ST_Intersection(
            ST_Transform(placed.dense, srid), ST_MakeValid(ST_Transform(area.dense, srid))), 4326)
        ELSE ST_Intersection(coordinates, area.dense::geography)::geometry
        END AS geom
    FROM placed, area
), parts AS MATERIALIZED (
    SELECT id, crs, place, (
        SELECT ST_Collect(piece.geom) FROM ST_Dump(ST_CollectionExtract(cut.geom, 3)) piece
        WHERE ST_Area(piece.geom) > $3
    ) AS part FROM cut
)
SELECT id, crs, place = 'dateline', ST_AsEWKB(ST_Multi(part)) FROM parts ORDER BY id";
