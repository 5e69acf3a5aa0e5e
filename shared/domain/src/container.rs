//! Containers: files that hold datasets.

mod additions;

pub use additions::Additions;

use crate::{Dataset, Uri};
use serde::{Deserialize, Serialize};

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
    /// The container, to which datasets are to be added.
    pub fn additions(self) -> Additions {
        Additions::to(self)
    }
}
