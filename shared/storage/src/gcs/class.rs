use domain::StorageClass;

/// Name of a class at Google.
pub(super) fn name(class: StorageClass) -> &'static str {
    match class {
        StorageClass::Standard => "STANDARD",
        StorageClass::Infrequent => "NEARLINE",
        StorageClass::Archive => "COLDLINE",
        StorageClass::DeepArchive => "ARCHIVE",
    }
}

/// Class of a name, the names of before 2019 included.
pub(super) fn parse(name: &str) -> Option<StorageClass> {
    match name {
        "STANDARD" | "REGIONAL" | "MULTI_REGIONAL" | "DURABLE_REDUCED_AVAILABILITY" => {
            Some(StorageClass::Standard)
        }
        "NEARLINE" => Some(StorageClass::Infrequent),
        "COLDLINE" => Some(StorageClass::Archive),
        "ARCHIVE" => Some(StorageClass::DeepArchive),
        _ => None,
    }
}

/// Whether a class is told, and none of ours.
pub(super) fn is_unknown(name: &str) -> bool {
    !name.is_empty() && parse(name).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_name_that_is_read_back() {
        for class in StorageClass::ALL {
            assert_eq!(parse(name(class)), Some(class));
        }
        assert_eq!(parse("REGIONAL"), Some(StorageClass::Standard));
        assert_eq!(parse("FROZEN"), None);
        let unknown = ["FROZEN", "", "STANDARD"].map(is_unknown);
        assert_eq!(unknown, [true, false, false]);
    }
}
