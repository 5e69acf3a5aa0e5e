//! From text to a handle, without the readers of GDAL that follow file names and addresses.

use super::{files, traditional};
use crate::ffi::capture;
use gdal::spatial_ref::SpatialRef;
use std::fmt;

/// Longest accepted text, in bytes.
const LONGEST: usize = 64 << 10;

/// How a reference system was given.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Definition {
    Epsg(u32),
    Proj(String),
    Wkt(String),
}

impl Definition {
    /// Sorts the text into one of the forms, without asking PROJ.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!(
                "{} bytes are too many, expected at most {LONGEST}",
                text.len()
            ));
        }
        if text.contains('\0') {
            return Err("expected a text without NUL".to_owned());
        }
        let code = |digits: &str| match digits.parse::<i64>() {
            Ok(code @ 1..=0x7fff_ffff) => Ok(Self::Epsg(code as u32)),
            Ok(_) => Err("expected a positive EPSG code".to_owned()),
            Err(_) => Err("expected EPSG:<code>".to_owned()),
        };
        if text.parse::<i64>().is_ok() {
            return code(text);
        }
        if text
            .get(..4)
            .is_some_and(|head| head.eq_ignore_ascii_case("epsg"))
        {
            return code(text.get(5..).unwrap_or_default());
        }
        if text.trim().is_empty() {
            return Err("expected an EPSG code, a PROJ text or a WKT".to_owned());
        }
        files::refuse(text)?;
        Ok(if text.starts_with('+') {
            Self::Proj(text.to_owned())
        } else {
            Self::Wkt(text.to_owned())
        })
    }

    /// Makes a handle.
    pub(super) fn build(&self) -> Result<SpatialRef, String> {
        let (handle, captured) = capture(|| match self {
            Self::Epsg(code) => SpatialRef::from_epsg(*code),
            Self::Proj(text) => SpatialRef::from_proj4(text),
            Self::Wkt(text) => SpatialRef::from_wkt(text),
        });
        match handle {
            Ok(handle) => Ok(traditional(handle)),
            Err(_) if captured.failed() => Err(captured.text()),
            Err(_) => Err("not understood".to_owned()),
        }
    }

    /// The EPSG code given, or found in the definition.
    pub(super) fn srid(&self, handle: &SpatialRef) -> i32 {
        if let Self::Epsg(code) = self {
            return *code as i32;
        }
        let mut copy = handle.clone();
        let (code, _) = capture(|| {
            // Fails for what EPSG does not have; the code is then absent.
            let _unknown = copy.auto_identify_epsg();
            match (copy.auth_name(), copy.auth_code()) {
                (Some(authority), Ok(code)) if authority.eq_ignore_ascii_case("EPSG") => code,
                _ => 0,
            }
        });
        code
    }
}

impl fmt::Display for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Epsg(code) => write!(f, "EPSG:{code}"),
            Self::Proj(text) | Self::Wkt(text) => f.write_str(text),
        }
    }
}
