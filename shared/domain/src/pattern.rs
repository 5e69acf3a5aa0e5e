//! Patterns of list filters.

/// A text filter: `*` stands for any run of characters, `?` for exactly one, and the suffix
/// `(?i)` asks for case-insensitive matching. Everything else is literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// No wildcard: equality.
    Exact(String),
    /// Operand of SQL `LIKE`, or of `ILIKE` when `ignore_case`.
    Like {
        /// `%`, `_` and `\` of the text are escaped by `\`.
        operand: String,
        /// Whether letter case is ignored.
        ignore_case: bool,
    },
}

impl Pattern {
    /// Reads a pattern; the empty text is `None`, no filter.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let (body, ignore_case) = match text.strip_suffix("(?i)") {
            Some(body) => (body, true),
            None => (text, false),
        };
        if !ignore_case && !body.contains(['*', '?']) {
            return Some(Self::Exact(text.to_owned()));
        }
        let mut operand = String::with_capacity(body.len() + 8);
        for character in body.chars() {
            match character {
                '*' => operand.push('%'),
                '?' => operand.push('_'),
                '%' | '_' | '\\' => operand.extend(['\\', character]),
                other => operand.push(other),
            }
        }
        Some(Self::Like {
            operand,
            ignore_case,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn wildcards_become_like_operands() {
        let like = |operand: &str, ignore_case| {
            Some(Pattern::Like {
                operand: operand.to_owned(),
                ignore_case,
            })
        };
        for (text, expected) in [
            ("", None),
            ("test_test", Some(Pattern::Exact("test_test".to_owned()))),
            ("%", Some(Pattern::Exact("%".to_owned()))),
            ("p*(?I)", like(r"p%(_I)", false)),
            ("test*test_", like(r"test%test\_", false)),
            ("test?test_(?i)", like(r"test_test\_", true)),
            ("test(?i)", like("test", true)),
            ("(?i)", like("", true)),
            ("100%*", like(r"100\%%", false)),
            (r"*\", like(r"%\\", false)),
        ] {
            assert_eq!(Pattern::parse(text), expected, "{text}");
        }
    }
}
