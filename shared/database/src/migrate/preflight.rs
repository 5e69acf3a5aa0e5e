//! What has to hold before anything is written to a database.

use super::{VERSIONS, reference, refused};
use crate::Result;
use sqlx::PgConnection;

/// Oldest server, as it counts its versions.
const OLDEST_SERVER: i32 = 110_000;
/// Oldest `PostGIS`: intersections on the globe are wrong before.
const OLDEST_POSTGIS: (u32, u32) = (3, 1);
const EXTENSIONS: [&str; 3] = ["hstore", "postgis", "btree_gist"];
/// Schemas in which types and functions of extensions are looked for.
const SEARCHED: [&str; 3] = ["public", "geocube", "pg_catalog"];

/// An extension as the database and its server know it.
#[derive(Debug, sqlx::FromRow)]
struct Extension {
    name: String,
    /// Version in the database, if it is there, and the schema of its types.
    installed: Option<String>,
    schema: Option<String>,
    /// Version that the server would install, if it can.
    available: Option<String>,
}

/// Checks the server, its extensions, and whatever is in the way of an upgrade or an adoption.
///
/// # Errors
/// [`domain::Error::Precondition`] that says what to do first.
pub(super) async fn check(conn: &mut PgConnection) -> Result<()> {
    check_server(conn).await?;
    if let Some(version) = half_done(conn).await? {
        return Err(super::half_done(version));
    }
    if !super::has_versions(conn).await? {
        reference::check(conn).await?;
    }
    Ok(())
}

/// A migration that was begun and not ended.
pub(super) async fn half_done(conn: &mut PgConnection) -> Result<Option<i64>> {
    if !super::exists(conn, VERSIONS).await? {
        return Ok(None);
    }
    Ok(
        sqlx::query_scalar("SELECT min(version) FROM geocube._sqlx_migrations WHERE NOT success")
            .fetch_one(conn)
            .await?,
    )
}

async fn check_server(conn: &mut PgConnection) -> Result<()> {
    let server: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::int")
        .fetch_one(&mut *conn)
        .await?;
    if server < OLDEST_SERVER {
        return Err(refused(format!(
            "the server is PostgreSQL {}, expected 11 or later",
            server / 10_000
        )));
    }
    let extensions: Vec<Extension> = sqlx::query_as(
        "SELECT wanted.name, e.extversion AS installed, n.nspname::text AS schema, a.default_version AS available
         FROM UNNEST($1::text[]) AS wanted (name)
         LEFT JOIN pg_extension e ON e.extname = wanted.name
         LEFT JOIN pg_namespace n ON n.oid = e.extnamespace
         LEFT JOIN pg_available_extensions a ON a.name = wanted.name
         ORDER BY wanted.name",
    )
    .bind(EXTENSIONS.as_slice())
    .fetch_all(conn)
    .await?;
    match extensions.iter().find_map(fault) {
        Some(text) => Err(refused(text)),
        None => Ok(()),
    }
}

/// Why an extension cannot be used, with what to do.
fn fault(extension: &Extension) -> Option<String> {
    let Extension {
        name,
        installed,
        schema,
        available,
    } = extension;
    let Some(version) = installed.as_ref().or(available.as_ref()) else {
        return Some(format!(
            "the extension {name} is not available on the database server: install it there first{}",
            if name == "postgis" {
                " (PostGIS 3.1 or later)"
            } else {
                " (package postgresql-contrib)"
            }
        ));
    };
    if let Some(schema) = schema
        && !SEARCHED.contains(&schema.as_str())
    {
        return Some(format!(
            "the extension {name} lies in the schema {schema}, expected public or geocube: move it with ALTER EXTENSION {name} SET SCHEMA public"
        ));
    }
    if name == "postgis" && release(version).is_some_and(|release| release < OLDEST_POSTGIS) {
        return Some(match installed {
            Some(_) => format!(
                "the extension postgis of the database is {version}, expected 3.1 or later: install it on the server, then run SELECT postgis_extensions_upgrade()"
            ),
            None => format!(
                "the database server offers PostGIS {version}, expected 3.1 or later: install it there first"
            ),
        });
    }
    None
}

/// Major and minor number of a version such as `3.3.2` or `3.1dev`; `None` for any other text.
fn release(version: &str) -> Option<(u32, u32)> {
    let (major, rest) = version.split_once('.')?;
    let end = rest
        .find(|digit: char| !digit.is_ascii_digit())
        .unwrap_or(rest.len());
    Some((major.parse().ok()?, rest[..end].parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{Extension, fault};

    #[test]
    fn extensions_that_cannot_be_used_are_told_with_what_to_do() {
        for (name, installed, schema, available, fragment) in [
            ("hstore", None, None, Some("1.8"), None),
            ("hstore", Some("1.4"), Some("public"), None, None),
            ("hstore", None, None, None, Some("postgresql-contrib")),
            ("postgis", None, None, None, Some("PostGIS 3.1 or later")),
            ("postgis", None, None, Some("3.3.2"), None),
            (
                "postgis",
                Some("3.1.0"),
                Some("public"),
                Some("3.3.2"),
                None,
            ),
            ("postgis", Some("3.10.0"), Some("geocube"), None, None),
            ("postgis", Some("4.0"), Some("public"), None, None),
            ("postgis", Some("3.1dev"), Some("public"), None, None),
            ("postgis", Some("unpackaged"), Some("public"), None, None),
            (
                "postgis",
                Some("2.5.5"),
                Some("public"),
                Some("3.3.2"),
                Some("postgis_extensions_upgrade"),
            ),
            (
                "postgis",
                None,
                None,
                Some("3.0.9"),
                Some("offers PostGIS 3.0.9"),
            ),
            (
                "postgis",
                Some("3.3.2"),
                Some("gis"),
                Some("3.3.2"),
                Some("ALTER EXTENSION postgis SET SCHEMA public"),
            ),
        ] {
            let own = |text: Option<&str>| text.map(str::to_owned);
            let extension = Extension {
                name: name.to_owned(),
                installed: own(installed),
                schema: own(schema),
                available: own(available),
            };
            let found = fault(&extension);
            match fragment {
                None => assert_eq!(found, None, "{extension:?}"),
                Some(fragment) => {
                    let text = found.unwrap_or_default();
                    assert!(text.contains(fragment), "{extension:?}: {text}");
                }
            }
        }
    }
}
