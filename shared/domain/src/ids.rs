//! Typed identifiers.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    str::FromStr,
    time::{SystemTime, UNIX_EPOCH},
};
use uuid::{Builder, Uuid};

/// Random bits below the milliseconds since 1970, in the layout of version 4. Indexes grow at their
/// end by such identifiers, where wholly random ones would touch a page each.
fn grown() -> Uuid {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since_1970.map_or(0, |elapsed| elapsed.as_millis() as u64);
    let mut bytes = Uuid::new_v4().into_bytes();
    bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    Builder::from_random_bytes(bytes).into_uuid()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $label:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new identifier (version 4), later ones being larger as far as milliseconds tell them apart.
            #[expect(clippy::new_without_default, reason = "a random value is no default")]
            pub fn new() -> Self {
                Self(grown())
            }

            /// Reads the hyphenated, bare, braced or `urn:uuid:` form, in any letter case.
            ///
            /// # Errors
            /// [`Error::Invalid`] that names the kind of identifier and the text.
            pub fn parse(text: &str) -> Result<Self> {
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|cause| Error::invalid(format!(concat!("Invalid ", $label, " {:.64}: {}"), text, cause)))
            }

            /// The bare value, for a database driver.
            pub fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(value: Uuid) -> Self {
                Self(value)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(/// Footprint of records.
    AoiId, "AOI.uuid");
id!(/// Data-take.
    RecordId, "Record.uuid");
id!(/// Kind of data.
    VariableId, "Variable.uuid");
id!(/// Flavour of a variable.
    InstanceId, "Instance.uuid");
id!(/// Indexed image; never shown to clients.
    DatasetId, "Dataset.uuid");
id!(/// Job.
    JobId, "Job.uuid");
id!(/// Unit of work of a job.
    TaskId, "Task.uuid");
id!(/// Job event, the same on each delivery.
    EventId, "Event.uuid");
id!(/// One run of a task or of an entry action: the fencing token of its lease.
    RunId, "Run.uuid");

#[cfg(test)]
mod tests {
    use super::RecordId;

    #[test]
    fn four_spellings_of_a_uuid_give_the_same_id() {
        let canonical = "0f8fad5b-d9cb-469f-a165-70867728950e";
        for text in [
            canonical.to_owned(),
            canonical.to_uppercase(),
            format!("{{{canonical}}}"),
            format!("urn:uuid:{canonical}"),
            canonical.replace('-', ""),
        ] {
            assert_eq!(
                RecordId::parse(&text).unwrap().to_string(),
                canonical,
                "{text}"
            );
        }
    }

    #[test]
    fn new_ids_differ_and_grow_with_time() {
        let ids: Vec<_> = (0..100).map(|_| RecordId::new()).collect();
        let distinct: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len());
        assert!(ids.iter().all(|id| id.uuid().get_version_num() == 4));
        std::thread::sleep(std::time::Duration::from_millis(2));
        let later = RecordId::new();
        assert!(ids.iter().all(|id| *id < later));
    }

    #[test]
    fn other_texts_are_refused_with_the_name_of_the_field() {
        for text in ["", "abc", "0f8fad5b-d9cb-469f-a165-70867728950", "\0"] {
            let error = RecordId::parse(text).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("Invalid Record.uuid {text}")),
                "{error}"
            );
        }
    }
}
