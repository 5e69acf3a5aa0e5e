//! In which passes a source is painted.

use crate::raster::Raster;

/// What of a source is painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    /// Its data.
    Data,
    /// Samples without data as the values that they are: below all data of images that have no sample for holes.
    Ground,
    /// The ground, then the data, by one read of each window: for the only source of an image.
    Both,
}

impl Layer {
    /// A window as each pass paints it.
    pub(super) fn of(self, raster: Raster) -> Vec<(bool, Raster)> {
        let mut passes: Vec<_> = match self.passes() {
            [ground] => vec![(*ground, raster)],
            passes => passes
                .iter()
                .map(|ground| (*ground, raster.clone()))
                .collect(),
        };
        for (ground, raster) in &mut passes {
            if *ground {
                raster.forget_hole();
            }
        }
        passes
    }

    /// From below: whether samples without data count as values.
    pub(super) fn passes(self) -> &'static [bool] {
        match self {
            Self::Data => &[false],
            Self::Ground => &[true],
            Self::Both => &[true, false],
        }
    }
}
