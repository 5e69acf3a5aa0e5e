//! Containers: files that hold datasets.

use crate::{Dataset, DatasetStatus, Entity, Error, Result, Uri};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Class of an object in its store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[repr(u8)]
pub enum StorageClass {
    /// Hot.
    #[default]
    Standard = 0,
    /// Read about once a month.
    Infrequent = 1,
    /// Read about once a quarter.
    Archive = 2,
    /// Read about once a year.
    DeepArchive = 3,
}

impl StorageClass {
    /// Every class, in the order of the wire numbers.
    pub const ALL: [Self; 4] = [
        Self::Standard,
        Self::Infrequent,
        Self::Archive,
        Self::DeepArchive,
    ];

    /// Class of a wire number.
    pub fn from_number(number: i32) -> Option<Self> {
        usize::try_from(number)
            .ok()
            .and_then(|index| Self::ALL.get(index).copied())
    }

    /// Stored name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "STANDARD",
            Self::Infrequent => "INFREQUENT",
            Self::Archive => "ARCHIVE",
            Self::DeepArchive => "DEEPARCHIVE",
        }
    }

    /// Reads a stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

impl<'de> Deserialize<'de> for StorageClass {
    /// Accepts the upper-case name or the wire number.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::names::name_or_number(
            deserializer,
            "a storage class",
            Self::from_name,
            Self::from_number,
        )
    }
}

/// A file and its datasets.
#[derive(Clone, Debug, PartialEq)]
pub struct Container {
    /// Location, as given by the caller that registered it.
    pub uri: Uri,
    /// Whether the service owns the file and may delete it.
    pub managed: bool,
    /// Class of the object.
    pub storage_class: StorageClass,
    /// What is indexed of it.
    pub datasets: Vec<Dataset>,
}

impl Container {
    /// Adds a dataset next to those that are there. Answers whether it is new: an identical one
    /// that is there already makes the call a success without effect.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when the container has a dataset that is not active, or another one
    /// over one of the bands of the same sub-dataset.
    pub fn add(&mut self, new: Dataset) -> Result<bool> {
        let is_active = |present: &&Dataset| present.status == DatasetStatus::Active;
        if let Some(present) = self.datasets.iter().find(|present| !is_active(present)) {
            let reason = format!("with the status {}", present.status.name());
            return Err(conflict(&new, present.status.name().to_owned(), &reason));
        }
        let bands: HashSet<_> = new.source.bands.numbers().iter().collect();
        for present in &self.datasets {
            let source = &present.source;
            let shares_band = || {
                source
                    .bands
                    .numbers()
                    .iter()
                    .any(|band| bands.contains(band))
            };
            if source.subdir != new.source.subdir || !shares_band() {
                continue;
            }
            let Some(reason) = difference(present, &new) else {
                return Ok(false);
            };
            let id = format!("{}/{}", new.source.subdir, new.source.bands);
            return Err(conflict(&new, id, &reason));
        }
        self.datasets.push(new);
        Ok(true)
    }
}

/// First difference between two datasets of the same bands, `None` when they are the same.
fn difference(present: &Dataset, new: &Dataset) -> Option<String> {
    if present.record_id != new.record_id {
        Some(format!("of another record ({})", present.record_id))
    } else if present.instance_id != new.instance_id {
        Some(format!("of another instance ({})", present.instance_id))
    } else if present.source.mapping != new.source.mapping {
        Some("with another datamapping".to_owned())
    } else if present.status != new.status {
        Some(format!(
            "with a different internal status ({})",
            present.status.name()
        ))
    } else if present.source.bands != new.source.bands {
        Some("with a different set of bands".to_owned())
    } else if present.overviews != new.overviews {
        Some("with different overviews".to_owned())
    } else if present.srid != new.srid || present.shape != new.shape {
        Some("with different shape".to_owned())
    } else {
        None
    }
}

fn conflict(new: &Dataset, id: String, reason: &str) -> Error {
    let source = &new.source;
    let text = format!(
        "A dataset {reason} already refers to the container {}, the subdir '{}' and one of the bands among: {}",
        source.uri, source.subdir, source.bands
    );
    Error::AlreadyExists {
        entity: Entity::LockedDataset,
        id,
        text,
    }
}

#[cfg(test)]
mod tests {
    use super::{Container, StorageClass};
    use crate::{
        Bands, DType, DataFormat, DataMapping, Dataset, DatasetId, DatasetSource, DatasetStatus,
        Error, InstanceId, MultiPolygon, RecordId, Uri,
    };

    fn dataset(bands: &[i64]) -> Dataset {
        let format = DataFormat::try_new(DType::UInt8, f64::NAN, 0.0, 255.0).unwrap();
        Dataset {
            id: DatasetId::new(),
            record_id: RecordId::new(),
            instance_id: InstanceId::new(),
            source: DatasetSource {
                uri: Uri::parse("/a.tif").unwrap(),
                subdir: String::new(),
                bands: Bands::try_new(bands).unwrap(),
                mapping: DataMapping::identity(format),
            },
            status: DatasetStatus::Active,
            overviews: false,
            shape: MultiPolygon::default(),
            srid: 32631,
        }
    }

    fn container(datasets: Vec<Dataset>) -> Container {
        Container {
            uri: Uri::parse("/a.tif").unwrap(),
            managed: false,
            storage_class: StorageClass::Standard,
            datasets,
        }
    }

    #[test]
    fn the_same_dataset_again_changes_nothing() {
        let first = dataset(&[1]);
        let mut container = container(vec![first.clone()]);
        assert!(
            !container
                .add(Dataset {
                    id: DatasetId::new(),
                    ..first
                })
                .unwrap()
        );
        assert_eq!(container.datasets.len(), 1);
    }

    #[test]
    fn other_bands_and_other_directories_stand_side_by_side() {
        let first = dataset(&[1]);
        let mut container = container(vec![first.clone()]);
        assert!(container.add(dataset(&[2, 3])).unwrap());
        let mut directory = first;
        directory.source.subdir = "GTIFF_DIR:1".to_owned();
        assert!(container.add(directory).unwrap());
        assert_eq!(container.datasets.len(), 3);
    }

    #[test]
    fn a_conflict_names_the_first_difference() {
        let first = dataset(&[1, 2]);
        let mut exponent = first.clone();
        exponent.source.mapping.exponent = 2.0;
        let mut subset = first.clone();
        subset.source.bands = Bands::try_new(&[2]).unwrap();
        let other = |id| Dataset {
            record_id: id,
            ..first.clone()
        };
        for (new, reason) in [
            (
                other(RecordId::new()),
                format!(
                    "A dataset of another record ({}) already refers",
                    first.record_id
                ),
            ),
            (
                Dataset {
                    instance_id: InstanceId::new(),
                    ..first.clone()
                },
                format!(
                    "A dataset of another instance ({}) already refers",
                    first.instance_id
                ),
            ),
            (
                exponent,
                "A dataset with another datamapping already refers".to_owned(),
            ),
            (
                subset,
                "A dataset with a different set of bands already refers".to_owned(),
            ),
            (
                Dataset {
                    overviews: true,
                    ..first.clone()
                },
                "A dataset with different overviews already refers".to_owned(),
            ),
            (
                Dataset {
                    srid: 0,
                    ..first.clone()
                },
                "A dataset with different shape already refers".to_owned(),
            ),
        ] {
            let Err(Error::AlreadyExists { id, text, .. }) =
                container(vec![first.clone()]).add(new)
            else {
                panic!("no conflict for {reason}");
            };
            assert!(text.starts_with(&reason), "{text}");
            assert!(id == "/1-2" || id == "/2", "{id}");
        }
    }

    #[test]
    fn nothing_is_added_beside_a_dataset_that_goes_away() {
        let leaving = Dataset {
            status: DatasetStatus::ToDelete,
            ..dataset(&[1])
        };
        let Err(Error::AlreadyExists { id, text, .. }) =
            container(vec![leaving]).add(dataset(&[5]))
        else {
            panic!("added beside a dataset to delete");
        };
        assert_eq!(id, "TODELETE");
        assert_eq!(
            text,
            "A dataset with the status TODELETE already refers to the container /a.tif, the subdir '' and one of the bands among: 5"
        );
    }
}
