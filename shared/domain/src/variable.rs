//! Variables: kinds of data, and their instances.

use crate::{
    DType, DataFormat, Error, InstanceId, Resampling, Result, VariableId, check_name,
    check_segment, names,
};
use std::collections::{BTreeMap, BTreeSet};

/// Free notes of an instance.
pub type Metadata = BTreeMap<String, String>;

/// Longest unit, in bytes.
const MAX_UNIT_BYTES: usize = 512;

/// Longest description, in bytes.
const MAX_DESCRIPTION_BYTES: usize = 64 << 10;

/// Most bands: datasets number theirs in 16 bits.
const MAX_BANDS: usize = i16::MAX as usize;

/// Largest sum of the bytes of all keys and values of the notes of one instance.
const MAX_METADATA_BYTES: usize = 64 << 10;

/// Checks the size of the notes of an instance.
///
/// # Errors
/// [`Error::Invalid`] that names the `field`.
pub fn check_metadata(field: &str, metadata: &Metadata) -> Result<()> {
    check_bytes(field, metadata_bytes(metadata), MAX_METADATA_BYTES)
}

fn metadata_bytes(metadata: &Metadata) -> usize {
    metadata
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum()
}

fn check_bytes(field: &str, bytes: usize, most: usize) -> Result<()> {
    if bytes > most {
        return Err(Error::invalid(format!(
            "Invalid {field}: {bytes} bytes, expected at most {most}"
        )));
    }
    Ok(())
}

/// A flavour of a variable, for example one processing chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// Identifier.
    pub id: InstanceId,
    /// Name, unique within its variable.
    pub name: String,
    /// Free notes.
    pub metadata: Metadata,
}

impl Instance {
    /// Checks what a change has changed: the rest may be older than today's rules.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a malformed new name, or for notes that grow beyond their bound.
    pub fn check_change(&self, before: &Self) -> Result<()> {
        if self.name != before.name {
            check_segment("Instance.name", &self.name)?;
        }
        if metadata_bytes(&self.metadata) > metadata_bytes(&before.metadata) {
            check_metadata("Instance.metadata", &self.metadata)?;
        }
        Ok(())
    }
}

/// A kind of data with its instances.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Identifier.
    pub id: VariableId,
    /// Definition.
    pub definition: NewVariable,
    /// Instances: all of them, or the one that the variable was looked up by.
    pub instances: Vec<Instance>,
}

/// Definition of a variable.
#[derive(Clone, Debug, PartialEq)]
pub struct NewVariable {
    /// Unique name.
    pub name: String,
    /// Unit of the values.
    pub unit: String,
    /// Free text.
    pub description: String,
    /// Output format of the data.
    pub format: DataFormat,
    /// Names of the bands.
    pub bands: Vec<String>,
    /// Name of the colour ramp of tiles.
    pub palette: Option<String>,
    /// Kernel used where the request names none.
    pub resampling: Resampling,
}

impl NewVariable {
    /// Checks a definition.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the first field that breaks a rule.
    pub fn check(&self) -> Result<()> {
        check_name("Variable.name", &self.name)?;
        self.check_unit()?;
        self.check_description()?;
        self.check_palette()?;
        if self.format.dtype == DType::Undefined {
            return Err(Error::invalid(
                "Variable.dformat.dtype: expected a defined data type",
            ));
        }
        check_bands(&self.bands)
    }

    /// Checks what a change has changed: the rest may be older than today's rules.
    fn check_change(&self, before: &Self) -> Result<()> {
        if self.name != before.name {
            check_name("Variable.name", &self.name)?;
        }
        if self.unit != before.unit {
            self.check_unit()?;
        }
        if self.description != before.description {
            self.check_description()?;
        }
        if self.palette != before.palette {
            self.check_palette()?;
        }
        Ok(())
    }

    fn check_unit(&self) -> Result<()> {
        check_bytes("Variable.unit", self.unit.len(), MAX_UNIT_BYTES)
    }

    fn check_description(&self) -> Result<()> {
        check_bytes(
            "Variable.description",
            self.description.len(),
            MAX_DESCRIPTION_BYTES,
        )
    }

    fn check_palette(&self) -> Result<()> {
        let Some(palette) = &self.palette else {
            return Ok(());
        };
        check_name("Variable.palette", palette)?;
        if self.bands.len() != 1 {
            return Err(Error::invalid(
                "Variable.palette: expected exactly one band when a palette is given",
            ));
        }
        Ok(())
    }
}

fn check_bands(bands: &[String]) -> Result<()> {
    if bands.is_empty() {
        return Err(Error::invalid("Variable.bands: expected at least one band"));
    }
    if bands.len() > MAX_BANDS {
        return Err(Error::invalid(format!(
            "Variable.bands: {} bands, expected at most {MAX_BANDS}",
            bands.len()
        )));
    }
    if bands.len() > 1 && bands.iter().any(String::is_empty) {
        return Err(Error::invalid(
            "Variable.bands: expected no empty name when there are several bands",
        ));
    }
    if bands.iter().collect::<BTreeSet<_>>().len() < bands.len() {
        return Err(Error::invalid("Variable.bands: expected different names"));
    }
    if bands
        .iter()
        .any(|band| band.len() > names::MAX_NAME_BYTES || band.contains('\0'))
    {
        return Err(Error::invalid(
            "Variable.bands: expected names of at most 512 bytes without NUL",
        ));
    }
    Ok(())
}

/// Changes of a variable; `None` keeps an attribute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VariableUpdate {
    /// New name.
    pub name: Option<String>,
    /// New unit, empty to clear it.
    pub unit: Option<String>,
    /// New description, empty to clear it.
    pub description: Option<String>,
    /// New palette, empty to clear it.
    pub palette: Option<String>,
    /// New default kernel.
    pub resampling: Option<Resampling>,
}

impl VariableUpdate {
    /// The definition after the change.
    ///
    /// # Errors
    /// [`Error::Invalid`] when what is changed breaks a rule.
    pub fn apply(self, before: &NewVariable) -> Result<NewVariable> {
        let after = NewVariable {
            name: self.name.unwrap_or_else(|| before.name.clone()),
            unit: self.unit.unwrap_or_else(|| before.unit.clone()),
            description: self
                .description
                .unwrap_or_else(|| before.description.clone()),
            palette: match self.palette {
                None => before.palette.clone(),
                Some(name) => Some(name).filter(|name| !name.is_empty()),
            },
            resampling: self.resampling.unwrap_or(before.resampling),
            ..before.clone()
        };
        after.check_change(before)?;
        Ok(after)
    }
}

#[cfg(test)]
mod tests {
    use super::{Instance, Metadata, NewVariable, VariableUpdate};
    use crate::{DType, DataFormat, InstanceId, Resampling};

    fn variable(bands: &[&str]) -> NewVariable {
        NewVariable {
            name: "v/ndvi".to_owned(),
            unit: String::new(),
            description: String::new(),
            format: DataFormat::try_new(DType::Float32, f64::NAN, -1.0, 1.0).unwrap(),
            bands: bands.iter().map(|band| (*band).to_owned()).collect(),
            palette: None,
            resampling: Resampling::Near,
        }
    }

    #[test]
    fn several_bands_need_different_names() {
        for (bands, fits) in [
            (&[""][..], true),
            (&["r", "g", "b"], true),
            (&[], false),
            (&["r", ""], false),
            (&["r", "r"], false),
        ] {
            assert_eq!(variable(bands).check().is_ok(), fits, "{bands:?}");
        }
    }

    #[test]
    fn texts_and_bands_are_bounded_where_they_change() {
        let with = |unit: usize, description: usize| NewVariable {
            unit: "u".repeat(unit),
            description: "d".repeat(description),
            ..variable(&["a"])
        };
        for (unit, description, refused) in [
            (512, 65_536, None),
            (
                513,
                0,
                Some("Invalid Variable.unit: 513 bytes, expected at most 512"),
            ),
            (
                0,
                65_537,
                Some("Invalid Variable.description: 65537 bytes, expected at most 65536"),
            ),
        ] {
            let after = with(unit, description);
            let update = VariableUpdate {
                unit: Some(after.unit.clone()),
                description: Some(after.description.clone()),
                ..Default::default()
            };
            let text = after.check().err().map(|error| error.to_string());
            assert_eq!(text.as_deref(), refused);
            let changed = update.clone().apply(&variable(&["a"]));
            assert_eq!(changed.is_err(), refused.is_some());
            // it was stored before there was a bound
            assert_eq!(update.apply(&after).unwrap(), after);
        }
        for (count, fits) in [(32_767, true), (32_768, false)] {
            let names: Vec<String> = (0..count).map(|band| band.to_string()).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            assert_eq!(variable(&names).check().is_ok(), fits, "{count}");
        }
    }

    #[test]
    fn notes_may_shrink_but_not_grow_beyond_their_bound() {
        let instance = |bytes: usize| Instance {
            id: InstanceId::new(),
            name: "master".to_owned(),
            metadata: Metadata::from([("k".to_owned(), "v".repeat(bytes - 1))]),
        };
        for (before, after, fits) in [
            (1, 65_536, true),
            (1, 65_537, false),
            (70_000, 69_999, true),
            (70_000, 70_000, true),
            (70_000, 70_001, false),
        ] {
            let checked = instance(after).check_change(&instance(before));
            assert_eq!(checked.is_ok(), fits, "{before} {after}");
        }
    }

    #[test]
    fn palettes_belong_to_single_bands() {
        let palette = Some("ramp".to_owned());
        assert!(
            NewVariable {
                palette: palette.clone(),
                ..variable(&["a"])
            }
            .check()
            .is_ok()
        );
        assert!(
            NewVariable {
                palette,
                ..variable(&["a", "b"])
            }
            .check()
            .is_err()
        );
    }

    #[test]
    fn updates_keep_what_is_absent_and_check_what_changes() {
        let before = NewVariable {
            palette: Some("ramp".to_owned()),
            ..variable(&["a"])
        };
        assert_eq!(VariableUpdate::default().apply(&before).unwrap(), before);
        let cleared = VariableUpdate {
            palette: Some(String::new()),
            ..Default::default()
        }
        .apply(&before)
        .unwrap();
        assert_eq!(cleared.palette, None);
        assert!(
            VariableUpdate {
                name: Some(String::new()),
                ..Default::default()
            }
            .apply(&before)
            .is_err()
        );
    }

    #[test]
    fn what_is_older_than_the_rules_does_not_keep_the_rest_from_changing() {
        let rename = VariableUpdate {
            name: Some("new".to_owned()),
            ..Default::default()
        };
        let draw = VariableUpdate {
            palette: Some("ramp".to_owned()),
            ..Default::default()
        };
        for bands in [&[][..], &["r", "r"], &["r", ""]] {
            let before = NewVariable {
                name: "an old name".to_owned(),
                ..variable(bands)
            };
            let after = rename.clone().apply(&before).unwrap();
            assert_eq!((after.name.as_str(), &after.bands), ("new", &before.bands));
            assert!(draw.clone().apply(&before).is_err(), "{bands:?}");
        }
    }
}
