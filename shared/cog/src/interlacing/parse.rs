use super::{Axis, Loop, Part, Selection};
use crate::PatternError;

/// Longest text of a pattern; useful ones have less than 100 characters.
const MAX_LENGTH: usize = 4096;

pub(super) fn parts(text: &str) -> Result<Vec<Part>, PatternError> {
    if text.is_empty() {
        return refuse("it is empty, expected four levels R, B, Z, T separated by '>'");
    }
    if text.len() > MAX_LENGTH {
        return refuse(format!("it is longer than {MAX_LENGTH} characters"));
    }
    text.split(';').map(part).collect()
}

fn part(text: &str) -> Result<Part, PatternError> {
    let loops = text.split('>').map(level).collect::<Result<Vec<_>, _>>()?;
    let found = loops.len();
    let Ok(loops) = Part::try_from(loops) else {
        return refuse(format!(
            "'{text}' has {found} level(s), expected each of R, B, Z, T once"
        ));
    };
    for (at, one) in loops.iter().enumerate() {
        if loops[..at].iter().any(|before| before.axis == one.axis) {
            let letter = one.axis.letter();
            return refuse(format!(
                "'{text}' has {letter} twice, expected each of R, B, Z, T once"
            ));
        }
    }
    let position = |axis| loops.iter().position(|one| one.axis == axis);
    if position(Axis::Tile) < position(Axis::Zoom) {
        return refuse(format!("'{text}' has T before Z, expected Z first"));
    }
    Ok(loops)
}

fn level(text: &str) -> Result<Loop, PatternError> {
    let (letter, chosen) = match text.split_once('=') {
        Some((letter, chosen)) => (letter, Some(chosen)),
        None => (text, None),
    };
    let axis = match letter {
        "R" | "I" => Axis::Record,
        "B" | "P" => Axis::Band,
        "Z" | "L" => Axis::Zoom,
        "T" => Axis::Tile,
        other => return refuse(format!("unknown level '{other}', expected R, B, Z or T")),
    };
    let selection = match chosen {
        None => Selection::All,
        Some(_) if axis == Axis::Tile => {
            return refuse(format!("'{text}': T takes no selection"));
        }
        Some(chosen) => selection(text, chosen)?,
    };
    Ok(Loop { axis, selection })
}

fn selection(level: &str, chosen: &str) -> Result<Selection, PatternError> {
    let Some((from, to)) = chosen.split_once(':') else {
        let values = chosen
            .split(',')
            .map(|value| index(level, value))
            .collect::<Result<_, _>>()?;
        return Ok(Selection::List(values));
    };
    let from = if from.is_empty() {
        0
    } else {
        index(level, from)?
    };
    let to = if to.is_empty() {
        None
    } else {
        Some(index(level, to)?)
    };
    if to.is_some_and(|to| to < from) {
        return refuse(format!("'{level}' is an inverted range"));
    }
    Ok(Selection::Range(from, to))
}

/// Digits only: `parse` alone would take a sign.
fn index(level: &str, text: &str) -> Result<u64, PatternError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(value) if digits => Ok(value),
        _ => refuse(format!(
            "'{level}': '{text}' is not an index, expected 0 or more"
        )),
    }
}

fn refuse<T>(why: impl Into<String>) -> Result<T, PatternError> {
    Err(PatternError { why: why.into() })
}

impl Axis {
    fn letter(self) -> char {
        match self {
            Self::Record => 'R',
            Self::Band => 'B',
            Self::Zoom => 'Z',
            Self::Tile => 'T',
        }
    }
}
