mod order;
mod parse;
#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

pub use order::{LevelShape, Shape, TileOrder, TileRef, order};

use crate::PatternError;

/// Physical order of the tiles of all the images of a file.
///
/// A pattern is one or more parts separated by `;`, each of four nested loops separated by `>`, the outermost
/// first: `R` records, `B` bands, `Z` zoom levels (0 is full resolution), `T` tiles. `R`, `B` and `Z` may be
/// restricted: `Z=0`, `Z=1:`, `R=2,5`. `I`, `P` and `L` are older names of `R`, `B` and `Z`.
///
/// ```
/// let pattern = cog::InterlacingPattern::parse("Z=0>T>R>B;R>Z=1:>T>B")?;
/// assert_eq!(pattern.to_string(), "Z=0>T>R>B;R>Z=1:>T>B");
/// # Ok::<(), cog::PatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterlacingPattern {
    text: String,
    parts: Vec<Part>,
}

/// Four nested loops, the outermost first.
type Part = [Loop; 4];

#[derive(Debug, Clone, PartialEq, Eq)]
struct Loop {
    axis: Axis,
    selection: Selection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Axis {
    Record,
    Band,
    Zoom,
    Tile,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Selection {
    All,
    List(Vec<u64>),
    /// From the first to before the second; without the second, to the end.
    Range(u64, Option<u64>),
}

impl InterlacingPattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// The text begins with `InterlacingPattern is incorrect: ` and names what was expected.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        Ok(Self {
            text: text.to_owned(),
            parts: parse::parts(text)?,
        })
    }

    /// The text as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for InterlacingPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for InterlacingPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        Self::parse(text)
    }
}
