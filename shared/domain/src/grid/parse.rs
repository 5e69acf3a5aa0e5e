//! Parameters of grids, checked once.

use super::{CustomGrid, Grid, GridSpec, RegularTiling, SingleCellTiling, Tiling};
use crate::{Error, Result, Size, check_segment};
use std::collections::BTreeMap;
use std::str::FromStr;

/// Largest side of a cell, in pixels.
const MAX_CELL_SIZE: u32 = 65_536;

/// Longest accepted reference system, in bytes; the longest WKT in use has a few thousand.
const MAX_CRS_BYTES: usize = 64 * 1024;

/// Smallest resolution: far below any use, far above what rounding makes of coordinates.
const MIN_RESOLUTION: f64 = 1e-12;

/// Largest resolution and origin, so that sums and products with indices of cells stay finite.
const MAX_COORDINATE: f64 = 1e12;

/// The two built-in kinds of tilings.
#[derive(Clone, Copy)]
enum Kind {
    Regular,
    SingleCell,
}

impl Kind {
    /// By name, in any case.
    fn by_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "regular" => Some(Self::Regular),
            "singlecell" => Some(Self::SingleCell),
            _ => None,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Regular => "RegularGrid",
            Self::SingleCell => "SingleCellGrid",
        }
    }
}

/// Whether the name belongs to a built-in grid.
pub(super) fn is_reserved(name: &str) -> bool {
    Kind::by_name(name).is_some()
}

/// The parameters of all kinds of grids.
const NAMES: [&str; 10] = [
    "grid",
    "subgrid",
    "crs",
    "resolution",
    "cell_size",
    "cell_x_size",
    "cell_y_size",
    "ox",
    "oy",
    "memory_limit",
];

/// Checks that some grid knows each parameter of a new layout. Those of layouts that are stored are
/// ignored where they are unknown.
///
/// # Errors
/// [`Error::Invalid`] with the first unknown name and those that are known.
pub fn check_parameter_names(parameters: &BTreeMap<String, String>) -> Result<()> {
    match parameters
        .keys()
        .find(|name| !NAMES.contains(&name.as_str()))
    {
        None => Ok(()),
        Some(unknown) => {
            let shown: String = unknown.chars().take(100).collect();
            Err(Error::invalid(format!(
                "invalid grid_parameters: unknown parameter {shown:?}, expected one of {}",
                NAMES.join(", ")
            )))
        }
    }
}

impl GridSpec {
    /// Reads the parameters of a layout; unknown ones are ignored, see [`check_parameter_names`].
    ///
    /// | parameter | regular | singlecell | name of a stored grid |
    /// |---|---|---|---|
    /// | `crs` | required | required | – |
    /// | `cell_size`, or `cell_x_size` and `cell_y_size` | required | – | for a regular `subgrid` |
    /// | `resolution` | required | required | required |
    /// | `ox`, `oy`, `memory_limit` | optional | – | for a regular `subgrid` |
    /// | `subgrid` | – | – | `regular` or `singlecell` (default) |
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the parameter and what was expected.
    pub fn parse(parameters: &BTreeMap<String, String>) -> Result<Self> {
        let Some(grid) = parameters.get("grid") else {
            return Err(Error::invalid("missing 'grid' in parameters"));
        };
        if let Some(kind) = Kind::by_name(grid) {
            let reader = Reader { kind, parameters };
            return Ok(Self::Plain(Grid {
                crs: reader.crs()?.into(),
                tiling: reader.tiling()?,
            }));
        }
        check_segment("grid", grid)?;
        let kind = match parameters.get("subgrid") {
            None => Kind::SingleCell,
            Some(name) => Kind::by_name(name).ok_or_else(|| {
                Error::invalid(format!(
                    "invalid subgrid: {name:?}, expected 'regular' or 'singlecell'"
                ))
            })?,
        };
        Ok(Self::Custom(CustomGrid {
            name: grid.clone(),
            tiling: Reader { kind, parameters }.tiling()?,
        }))
    }
}

/// Reads parameters; every error begins with the kind of grid.
struct Reader<'a> {
    kind: Kind,
    parameters: &'a BTreeMap<String, String>,
}

impl Reader<'_> {
    fn tiling(&self) -> Result<Tiling> {
        match self.kind {
            Kind::Regular => Ok(Tiling::Regular(RegularTiling {
                cell_size: self.cell_size()?,
                resolution: self.resolution()?,
                ox: self.origin("ox")?,
                oy: self.origin("oy")?,
                memory_limit: self.memory_limit()?,
            })),
            Kind::SingleCell => Ok(Tiling::SingleCell(SingleCellTiling {
                resolution: self.resolution()?,
            })),
        }
    }

    fn crs(&self) -> Result<&str> {
        let crs = self.required("crs")?;
        if crs.trim().is_empty() || crs.len() > MAX_CRS_BYTES {
            return Err(self.invalid("crs", crs, "an EPSG code, a PROJ text or a WKT"));
        }
        Ok(crs)
    }

    fn cell_size(&self) -> Result<Size> {
        let (x, y) = if self.parameters.contains_key("cell_size") {
            ("cell_size", "cell_size")
        } else {
            ("cell_x_size", "cell_y_size")
        };
        Ok(Size {
            width: self.cell_side(x)?,
            height: self.cell_side(y)?,
        })
    }

    fn cell_side(&self, key: &str) -> Result<u32> {
        let side: Option<u32> = self.parsed(key)?;
        side.filter(|side| (1..=MAX_CELL_SIZE).contains(side))
            .ok_or_else(|| {
                self.invalid(key, self.text(key), "an integer between 1 and 65536 pixels")
            })
    }

    fn resolution(&self) -> Result<f64> {
        let key = "resolution";
        self.parsed::<f64>(key)?
            .filter(|value| (MIN_RESOLUTION..=MAX_COORDINATE).contains(value))
            .ok_or_else(|| {
                self.invalid(
                    key,
                    self.text(key),
                    "a positive number between 1e-12 and 1e12",
                )
            })
    }

    fn origin(&self, key: &str) -> Result<f64> {
        if !self.parameters.contains_key(key) {
            return Ok(0.0);
        }
        self.parsed::<f64>(key)?
            .filter(|value| value.abs() <= MAX_COORDINATE)
            .ok_or_else(|| self.invalid(key, self.text(key), "a number between -1e12 and 1e12"))
    }

    fn memory_limit(&self) -> Result<Option<u64>> {
        let key = "memory_limit";
        if !self.parameters.contains_key(key) {
            return Ok(None);
        }
        match self.parsed(key)? {
            Some(limit) => Ok(Some(limit)),
            None => Err(self.invalid(key, self.text(key), "a number of bytes")),
        }
    }

    /// The value of a required parameter; `None` when it is malformed.
    fn parsed<T: FromStr>(&self, key: &str) -> Result<Option<T>> {
        Ok(self.required(key)?.trim().parse().ok())
    }

    fn required(&self, key: &str) -> Result<&str> {
        let label = self.kind.label();
        self.parameters.get(key).map(String::as_str).ok_or_else(|| {
            Error::invalid(format!("invalid {label}: missing '{key}' in parameters"))
        })
    }

    fn text(&self, key: &str) -> &str {
        self.parameters.get(key).map_or("", String::as_str)
    }

    fn invalid(&self, key: &str, found: &str, expected: &str) -> Error {
        let label = self.kind.label();
        let shown: String = found.chars().take(100).collect();
        Error::invalid(format!(
            "invalid {label}: {key} must be {expected}, found {shown:?}"
        ))
    }
}
