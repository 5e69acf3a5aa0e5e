use domain::StorageClass;

/// Name of a class at Amazon. All but the last are readable at once.
pub(super) fn name(class: StorageClass) -> &'static str {
    match class {
        StorageClass::Standard => "STANDARD",
        StorageClass::Infrequent => "STANDARD_IA",
        StorageClass::Archive => "GLACIER_IR",
        StorageClass::DeepArchive => "DEEP_ARCHIVE",
    }
}

/// Class of a name; none is told of objects in the standard class.
pub(super) fn parse(name: Option<&str>) -> Option<StorageClass> {
    match name {
        None | Some("STANDARD" | "INTELLIGENT_TIERING" | "REDUCED_REDUNDANCY") => {
            Some(StorageClass::Standard)
        }
        Some("STANDARD_IA" | "ONEZONE_IA") => Some(StorageClass::Infrequent),
        Some("GLACIER_IR" | "GLACIER") => Some(StorageClass::Archive),
        Some("DEEP_ARCHIVE") => Some(StorageClass::DeepArchive),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_name_that_is_read_back() {
        for class in StorageClass::ALL {
            assert_eq!(parse(Some(name(class))), Some(class));
        }
        assert_eq!(parse(None), Some(StorageClass::Standard));
        assert_eq!(parse(Some("OUTPOSTS")), None);
    }
}
