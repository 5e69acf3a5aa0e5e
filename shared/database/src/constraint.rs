//! Violated constraints as errors that the caller understands: the one table of them.

use domain::{Entity, Error};
use sqlx::postgres::PgDatabaseError;

/// The error of the caller behind a refusal of the server, if there is one.
pub(crate) fn domain_error(error: &PgDatabaseError) -> Option<Error> {
    let key = error.detail().and_then(Key::parse);
    match error.code() {
        "23505" => unique(error.constraint()?, key?),
        "23503" => foreign(error.table()?, error.message(), key?),
        "23514" => Some(Error::invalid(match error.constraint() {
            Some("geometry_valid_check") => {
                "Invalid Cell.coordinates: expected a valid polygon, violates geometry_valid_check"
                    .to_owned()
            }
            other => format!(
                "a value violates the check {}",
                other.unwrap_or("of its column")
            ),
        })),
        "54000" => Some(Error::invalid(
            "what must be unique, such as name and tags of a record, is too long: an index holds at most about 2600 bytes of it",
        )),
        // a value that is out of the range of its column, or malformed
        code if code.starts_with("22") => {
            // what is checked before is told by its field: this one got past
            tracing::warn!(
                code,
                table = error.table(),
                "a value cannot be stored: {}",
                error.message()
            );
            Some(Error::invalid(format!(
                "a value cannot be stored: {}",
                error.message()
            )))
        }
        _ => None,
    }
}

fn unique(constraint: &str, key: Key) -> Option<Error> {
    let Key { columns: _, values } = key;
    let named = |entity| Error::already_exists(entity, "name", &values);
    // two-column keys end with the second value, which never holds ", "
    let first = || {
        values
            .rsplit_once(", ")
            .map_or(values.as_str(), |(first, _)| first)
    };
    Some(match constraint {
        "aoi_hash_key" => Error::already_exists(Entity::Aoi, "hash", &values),
        "records_name_tags_datetime_key" => Error::already_exists(Entity::Record, "", &values),
        "variable_definitions_name_key" => named(Entity::Variable),
        "variable_instances_name_definition_id_key" => {
            Error::already_exists(Entity::Instance, "name", first())
        }
        "palette_pkey" => named(Entity::Palette),
        "layouts_pkey" | "layouts_name_key" => named(Entity::Layout),
        "grids_pkey" => named(Entity::Grid),
        "cells_pkey" => Error::already_exists(Entity::Cell, "id for gridName", &values),
        "jobs_name_key" => named(Entity::Job),
        "containers_pkey" => Error::already_exists(Entity::Container, "uri", &values),
        "locked_datasets_pkey" => Error::AlreadyExists {
            entity: Entity::LockedDataset,
            text: format!("Dataset is already locked: {values}"),
            id: values,
        },
        _ => return None,
    })
}

/// `table` is the one that refers to another, whichever side was changed.
fn foreign(table: &str, message: &str, key: Key) -> Option<Error> {
    let Key { columns, values } = key;
    let in_use = |owner, dependent, key| Error::InUse {
        owner,
        dependent,
        key,
        id: values.clone(),
    };
    Some(match (table, columns.as_str()) {
        ("records", "aoi_id") => Error::not_found(Entity::Aoi, "id", values),
        ("datasets", "record_id") => Error::not_found(Entity::Dataset, "record_id", values),
        ("datasets", "instance_id") => Error::not_found(Entity::VariableInstance, "id", values),
        ("variable_definitions", "palette") => Error::not_found(Entity::Palette, "name", values),
        ("variable_instances", "definition_id") => Error::not_found(Entity::Variable, "id", values),
        ("container_layouts", "layout_name") => Error::not_found(Entity::Layout, "name", values),
        ("container_layouts", "name") => in_use(Entity::Layouts, Entity::ContainerLayouts, "name"),
        ("variable_instances", "id") => in_use(Entity::Variable, Entity::VariableInstances, "id"),
        ("datasets", "id") if message.contains("variable_instances") => {
            in_use(Entity::VariableInstances, Entity::Datasets, "id")
        }
        ("datasets", "id") if message.contains("records") => {
            in_use(Entity::Records, Entity::Datasets, "id")
        }
        ("locked_datasets", "dataset_id") => Error::not_found(Entity::Dataset, "id", values),
        ("tasks" | "job_logs" | "locked_datasets", "job_id") => {
            Error::not_found(Entity::Job, "id", values)
        }
        _ => return None,
    })
}

/// Columns and values of a detail such as `Key (name)=(ndvi) already exists.`, in any language.
#[derive(Debug, PartialEq)]
struct Key {
    columns: String,
    values: String,
}

impl Key {
    fn parse(detail: &str) -> Option<Self> {
        let (before, after) = detail.split_once(")=(")?;
        let (_, columns) = before.split_once('(')?;
        let (values, _) = after.rsplit_once(')')?;
        Some(Self {
            columns: columns.to_owned(),
            values: values.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, unique};

    fn key(columns: &str, values: &str) -> Key {
        Key {
            columns: columns.to_owned(),
            values: values.to_owned(),
        }
    }

    #[test]
    fn keys_are_found_in_details() {
        for (detail, expected) in [
            ("Key (name)=(v/ndvi) already exists.", key("name", "v/ndvi")),
            (
                r#"Key (name, tags, datetime)=(rec, "a"=>"(b)=(c)", 2020-01-01 00:00:00) already exists."#,
                key(
                    "name, tags, datetime",
                    r#"rec, "a"=>"(b)=(c)", 2020-01-01 00:00:00"#,
                ),
            ),
            ("La clé « (name)=(x) » existe déjà.", key("name", "x")),
        ] {
            assert_eq!(Key::parse(detail), Some(expected), "{detail}");
        }
        assert_eq!(Key::parse("nothing of the kind"), None);
    }

    #[test]
    fn texts_follow_the_contract() {
        for (constraint, values, text) in [
            (
                "records_name_tags_datetime_key",
                r#"rec, "a"=>"b", 2020-01-01 00:00:00"#,
                r#"Record with : rec, "a"=>"b", 2020-01-01 00:00:00"#,
            ),
            (
                "variable_definitions_name_key",
                "v/ndvi",
                "Variable with name: v/ndvi",
            ),
            (
                "variable_instances_name_definition_id_key",
                "master, 0f8fad5b-d9cb-469f-a165-70867728950e",
                "Instance with name: master",
            ),
            ("cells_pkey", "a, g2", "Cell with id for gridName: a, g2"),
            ("locked_datasets_pkey", "x", "Dataset is already locked: x"),
            ("layouts_name_key", "l", "Layout with name: l"),
        ] {
            let error = unique(constraint, key("", values)).unwrap();
            assert_eq!(error.to_string(), text);
        }
    }
}
