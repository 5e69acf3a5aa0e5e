//! Definitions that make PROJ open files: a caller must not have it open any.

/// Words that do; none of them is needed to name a reference system.
const FORBIDDEN: [&str; 11] = [
    "+init",
    "init=",
    "pipeline",
    "geoidgrids",
    "grids=",
    "proj4_grids",
    "proj-based",
    "catalog=",
    "model=",
    "parameterfile",
    "file=",
];

/// The one use of grids that reads nothing, part of the definition of EPSG:3857.
const NO_GRIDS: &str = "+nadgrids=@null";

/// The same where a well-known text shifts its datum by it.
const NO_SHIFT: &str = "\"proj4_grids\",\"@null\"]";

/// Refuses a PROJ or well-known text that refers to files.
///
/// # Errors
/// The word that does.
pub(super) fn refuse(text: &str) -> Result<(), String> {
    let lower = text.to_ascii_lowercase();
    let is_wkt = !text.starts_with('+');
    let mut rest = String::with_capacity(lower.len());
    for (index, piece) in lower.split(NO_GRIDS).enumerate() {
        if index > 0 && !ends_a_value(piece, is_wkt) {
            rest.push_str(NO_GRIDS);
        }
        rest.push_str(piece);
    }
    if is_wkt {
        rest.retain(|letter| !letter.is_whitespace());
        rest = rest.replace(NO_SHIFT, "]");
    }
    match FORBIDDEN.into_iter().find(|word| rest.contains(word)) {
        None => Ok(()),
        Some(word) => Err(format!(
            "{word:?} is not accepted: a definition must not refer to files"
        )),
    }
}

/// Whether no further name can follow the one before: PROJ has lists of them, and drops spaces around commas.
fn ends_a_value(rest: &str, is_wkt: bool) -> bool {
    let next = rest.trim_start();
    let is_spaced = next.len() < rest.len();
    // two quotes are one within a value
    let is_quoted = is_wkt && (rest.starts_with("\"]") || rest.starts_with("\","));
    let begins = |letter: char| letter == '+' || letter.is_ascii_alphabetic();
    rest.is_empty() || is_quoted || is_spaced && (next.is_empty() || next.starts_with(begins))
}
