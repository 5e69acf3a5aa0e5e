//! Footprints of records.

use crate::{Result, convert};
use domain::{Aoi, AoiGeometry, AoiId, Entity, Error};
use sqlx::PgConnection;
use uuid::Uuid;

/// What the database says of an area that neither crosses nor overlaps itself.
const VALID: &str = "Valid Geometry";

/// Stores a footprint. One that crosses or overlaps itself is stored as it is, and the log says so.
///
/// # Errors
/// [`Error::AlreadyExists`] with the id of the stored footprint, also when somebody else stores it
/// at the same time.
pub async fn create(conn: &mut PgConnection, aoi: &AoiGeometry) -> Result<AoiId> {
    let (id, hash) = (AoiId::new(), aoi.hash());
    let state: Option<String> = sqlx::query_scalar(
        "INSERT INTO geocube.aoi (id, hash, geom) VALUES ($1, $2, ST_GeomFromEWKB($3))
         ON CONFLICT (hash) DO NOTHING RETURNING ST_IsValidReason(geom)",
    )
    .bind(id.uuid())
    .bind(&hash)
    .bind(convert::lonlat(aoi.polygons()))
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(state) = state {
        if state != VALID {
            tracing::warn!(aoi = %id, reason = state, "the footprint that was created is not a valid area");
        }
        return Ok(id);
    }
    match find(conn, &hash).await? {
        Some(stored) => Err(Error::already_exists(Entity::Aoi, "id", stored).into()),
        // removed between the two statements
        None => Err(crate::Error::LostRace("the footprint")),
    }
}

/// Id of the footprint with this hash.
pub async fn find(conn: &mut PgConnection, hash: &str) -> Result<Option<AoiId>> {
    let id: Option<Uuid> = sqlx::query_scalar("SELECT id FROM geocube.aoi WHERE hash = $1")
        .bind(hash)
        .fetch_optional(conn)
        .await?;
    Ok(id.map(AoiId::from))
}

/// Geometry of a footprint.
///
/// # Errors
/// [`Error::NotFound`] `AOI with id: <id>`.
pub async fn get(conn: &mut PgConnection, id: AoiId) -> Result<Aoi> {
    let geom: Option<Vec<u8>> = sqlx::query_scalar(
        "SELECT ST_AsEWKB(geom) FROM geocube.aoi WHERE id = $1 AND geom IS NOT NULL",
    )
    .bind(id.uuid())
    .fetch_optional(conn)
    .await?;
    let geom = geom.ok_or_else(|| Error::not_found(Entity::Aoi, "id", id))?;
    Ok(convert::geometry(&geom)?.0)
}
