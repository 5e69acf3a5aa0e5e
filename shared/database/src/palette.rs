//! Colour ramps.

use crate::Result;
use domain::{ColorPoint, Entity, Palette};
use sqlx::PgConnection;

/// Stores a palette; storing the same one again is a success.
///
/// # Errors
/// [`domain::Error::AlreadyExists`] `Palette with name: <name>` when the name has other points,
/// unless `replace`.
pub async fn create(conn: &mut PgConnection, palette: &Palette, replace: bool) -> Result<()> {
    let values: Vec<f32> = palette.points().iter().map(|point| point.value).collect();
    let colors: Vec<i64> = palette
        .points()
        .iter()
        .map(|point| packed(point.rgba))
        .collect();
    let sql = if replace {
        "INSERT INTO geocube.palette (name, points)
         SELECT $1, array_agg(ROW(value, rgba)::geocube.color_point ORDER BY position)
         FROM UNNEST($2::real[], $3::bigint[]) WITH ORDINALITY AS knots (value, rgba, position)
         ON CONFLICT (name) DO UPDATE SET points = EXCLUDED.points"
    } else {
        "INSERT INTO geocube.palette (name, points)
         SELECT $1, array_agg(ROW(value, rgba)::geocube.color_point ORDER BY position)
         FROM UNNEST($2::real[], $3::bigint[]) WITH ORDINALITY AS knots (value, rgba, position)
         ON CONFLICT (name) DO NOTHING"
    };
    let stored = sqlx::query(sql)
        .bind(&palette.name)
        .bind(&values)
        .bind(&colors)
        .execute(&mut *conn)
        .await?;
    if stored.rows_affected() == 1 {
        return Ok(());
    }
    let present = knots(conn, &palette.name).await?;
    if present.is_some_and(|(v, c)| v == values && c == colors) {
        return Ok(());
    }
    Err(domain::Error::already_exists(Entity::Palette, "name", &palette.name).into())
}

/// A palette from the arrays of its points.
///
/// # Errors
/// [`domain::Error::Precondition`] when none of them can be used.
pub(crate) fn assembled(name: &str, values: Vec<f32>, colors: Vec<i64>) -> Result<Palette> {
    let point = |(value, color): (f32, i64)| ColorPoint {
        value,
        rgba: unpacked(color),
    };
    let points = values.into_iter().zip(colors).map(point).collect();
    Ok(Palette::from_stored(name.to_owned(), points)?)
}

async fn knots(conn: &mut PgConnection, name: &str) -> Result<Option<(Vec<f32>, Vec<i64>)>> {
    Ok(sqlx::query_as(
        "SELECT ARRAY(SELECT value FROM UNNEST(points)), ARRAY(SELECT rgba FROM UNNEST(points))
         FROM geocube.palette WHERE name = $1",
    )
    .bind(name)
    .fetch_optional(conn)
    .await?)
}

/// alpha * 2^24 + red * 2^16 + green * 2^8 + blue
fn packed([red, green, blue, alpha]: [u8; 4]) -> i64 {
    i64::from(u32::from_be_bytes([alpha, red, green, blue]))
}

fn unpacked(color: i64) -> [u8; 4] {
    let [alpha, red, green, blue] = (color as u32).to_be_bytes();
    [red, green, blue, alpha]
}

#[cfg(test)]
mod tests {
    use super::{packed, unpacked};

    #[test]
    fn colours_are_packed_with_alpha_first() {
        for (rgba, stored) in [([0, 0, 0, 255], 4278190080), ([255, 0, 0, 255], 4294901760)] {
            assert_eq!(packed(rgba), stored);
            assert_eq!(unpacked(stored), rgba);
        }
    }
}
