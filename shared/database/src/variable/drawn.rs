use super::{DEFINITION, INSTANCE, WithInstance};
use crate::{Result, palette};
use domain::{Entity, Error, InstanceId, Palette, Variable};
use sqlx::PgConnection;

/// The variable of an instance, with that instance alone, and the palette that draws it: one query, as maps ask for
/// them with every tile.
///
/// # Errors
/// [`Error::NotFound`] `Variable Instance with id: <id>`, or `Palette with name: <name>`; [`Error::Precondition`] for a palette
/// that cannot be used.
pub async fn get_drawn(
    conn: &mut PgConnection,
    id: InstanceId,
) -> Result<(Variable, Option<Palette>)> {
    let row: Option<DrawnRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "SELECT {DEFINITION}, {INSTANCE},
             p.name IS NOT NULL AS has_palette,
             ARRAY(SELECT coalesce(value, 'NaN') FROM UNNEST(p.points)) AS positions,
             ARRAY(SELECT coalesce(rgba, 0) FROM UNNEST(p.points)) AS colors
         FROM geocube.variable_definitions v
             JOIN geocube.variable_instances i ON i.definition_id = v.id
             LEFT JOIN geocube.palette p ON p.name = v.palette
         WHERE i.id = $1"
    )))
    .bind(id.uuid())
    .fetch_optional(conn)
    .await?;
    let row = row.ok_or_else(|| Error::not_found(Entity::VariableInstance, "id", id))?;
    let variable = Variable::try_from(row.found)?;
    let palette = match &variable.definition.palette {
        None => None,
        Some(name) if !row.has_palette => {
            return Err(Error::not_found(Entity::Palette, "name", name).into());
        }
        Some(name) => Some(palette::assembled(name, row.positions, row.colors)?),
    };
    Ok((variable, palette))
}

#[derive(sqlx::FromRow)]
struct DrawnRow {
    #[sqlx(flatten)]
    found: WithInstance,
    has_palette: bool,
    positions: Vec<f32>,
    colors: Vec<i64>,
}
