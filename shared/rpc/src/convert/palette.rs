//! Palettes.

use super::required;
use crate::pb;
use domain::{ColorPoint, Error, Palette, Result};

/// Reads a palette to create.
pub(crate) fn palette_from(palette: Option<pb::Palette>) -> Result<Palette> {
    let palette = required("palette", palette)?;
    let points = palette
        .colors
        .iter()
        .map(color_point)
        .collect::<Result<_>>()?;
    Palette::try_new(palette.name, points)
}

fn color_point(point: &pb::ColorPoint) -> Result<ColorPoint> {
    let channel = |name: &str, value: u32| {
        u8::try_from(value).map_err(|_| {
            Error::invalid(format!(
                "Invalid Palette.colors.{name}: {value}, expected 0 to 255"
            ))
        })
    };
    let rgba = [
        channel("r", point.r)?,
        channel("g", point.g)?,
        channel("b", point.b)?,
        channel("a", point.a)?,
    ];
    Ok(ColorPoint {
        value: point.value,
        rgba,
    })
}
