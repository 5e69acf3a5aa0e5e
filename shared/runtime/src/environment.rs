//! The environment as data, so that nothing below `main` reads that of the process.

use std::collections::BTreeMap;

/// Environment variables by name. Empty values count as unset, as container tools cannot leave a variable out.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables of this process; those that are not UTF-8 are left out.
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The value of a variable, `None` when unset or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        Self(variables.filter(|(_, value)| !value.is_empty()).collect())
    }
}

/// The variable that carries a flag: `GEOCUBE_` and the name in upper snake case. A new word begins at each change from
/// lower to upper case; `-` and `.` become `_`.
pub(crate) fn variable_of(flag: &str) -> String {
    let mut variable = String::from("GEOCUBE_");
    let mut after_lower = false;
    for letter in flag.chars() {
        if after_lower && letter.is_ascii_uppercase() {
            variable.push('_');
        }
        after_lower = letter.is_ascii_lowercase();
        variable.push(if matches!(letter, '-' | '.') {
            '_'
        } else {
            letter.to_ascii_uppercase()
        });
    }
    variable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_have_their_variable() {
        for (flag, variable) in [
            ("maxConnectionAge", "GEOCUBE_MAX_CONNECTION_AGE"),
            ("with-gcs", "GEOCUBE_WITH_GCS"),
            ("pod.cost.path", "GEOCUBE_POD_COST_PATH"),
            ("dbName", "GEOCUBE_DB_NAME"),
            ("workers", "GEOCUBE_WORKERS"),
            ("local-download-max-mb", "GEOCUBE_LOCAL_DOWNLOAD_MAX_MB"),
        ] {
            assert_eq!(variable_of(flag), variable);
        }
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let environment = Environment::from_iter([("A", ""), ("B", "b")]);
        assert_eq!(environment.get("A"), None);
        assert_eq!(environment.get("B"), Some("b"));
    }
}
