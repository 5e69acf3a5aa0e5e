//! Resampling kernels.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Resampling kernel, with the names of GDAL and the numbers of the wire contract.
///
/// `UNDEFINED` (0) of the wire is `Option::None` here: the default of the variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[repr(u8)]
pub enum Resampling {
    /// Nearest neighbour.
    Near = 1,
    /// Bilinear.
    Bilinear = 2,
    /// Cubic convolution.
    Cubic = 3,
    /// Cubic B-spline.
    CubicSpline = 4,
    /// Lanczos windowed sinc.
    Lanczos = 5,
    /// Mean of the contributing pixels.
    Average = 6,
    /// Most frequent value.
    Mode = 7,
    /// Largest value.
    Max = 8,
    /// Smallest value.
    Min = 9,
    /// Median.
    Med = 10,
    /// First quartile.
    Q1 = 11,
    /// Third quartile.
    Q3 = 12,
}

impl Resampling {
    /// Every kernel, in the order of the wire numbers.
    pub const ALL: [Self; 12] = [
        Self::Near,
        Self::Bilinear,
        Self::Cubic,
        Self::CubicSpline,
        Self::Lanczos,
        Self::Average,
        Self::Mode,
        Self::Max,
        Self::Min,
        Self::Med,
        Self::Q1,
        Self::Q3,
    ];

    /// Kernel of a wire number; `None` for 0 (undefined) and outside the enumeration.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kernel| kernel.number() == number)
    }

    /// Wire number, from 1.
    pub fn number(self) -> i32 {
        self as i32
    }

    /// Upper-case name, as stored and as GDAL knows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Near => "NEAR",
            Self::Bilinear => "BILINEAR",
            Self::Cubic => "CUBIC",
            Self::CubicSpline => "CUBICSPLINE",
            Self::Lanczos => "LANCZOS",
            Self::Average => "AVERAGE",
            Self::Mode => "MODE",
            Self::Max => "MAX",
            Self::Min => "MIN",
            Self::Med => "MED",
            Self::Q1 => "Q1",
            Self::Q3 => "Q3",
        }
    }

    /// Reads an upper-case name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kernel| kernel.name() == name)
    }

    /// Kernel that builds the overviews of a file whose pixels came from this one.
    ///
    /// Interpolating kernels are followed by the mean. The order statistics cannot build overviews
    /// in GDAL and fall back to the nearest pixel.
    pub fn for_overviews(self) -> Self {
        match self {
            Self::Bilinear | Self::Cubic | Self::CubicSpline | Self::Lanczos | Self::Average => {
                Self::Average
            }
            Self::Mode => Self::Mode,
            Self::Near | Self::Max | Self::Min | Self::Med | Self::Q1 | Self::Q3 => Self::Near,
        }
    }
}

impl fmt::Display for Resampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Resampling {
    /// Accepts the upper-case name or the wire number.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::names::name_or_number(
            deserializer,
            "a resampling kernel",
            Self::from_name,
            Self::from_number,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Resampling;

    #[test]
    fn numbers_follow_the_contract() {
        for (index, kernel) in Resampling::ALL.into_iter().enumerate() {
            assert_eq!(kernel.number(), index as i32 + 1);
            assert_eq!(Resampling::from_name(kernel.name()), Some(kernel));
            assert_eq!(
                serde_json::to_string(&kernel).unwrap(),
                format!("\"{kernel}\"")
            );
        }
        assert_eq!(Resampling::from_number(0), None);
        assert_eq!(Resampling::from_number(13), None);
    }
}
