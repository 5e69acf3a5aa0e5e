//! The shared credentials file of AWS: sections of `name = value` lines.

use std::{io, path::Path};

/// The keys of one section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Keys {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) token: Option<String>,
}

/// Reads the keys of a profile.
pub(super) fn read(path: &Path, profile: &str) -> io::Result<Keys> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        io::Error::new(error.kind(), format!("reading {}: {error}", path.display()))
    })?;
    parse(&text, profile).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "{} has no aws_access_key_id and aws_secret_access_key in a section [{profile}]",
                path.display()
            ),
        )
    })
}

fn parse(text: &str, profile: &str) -> Option<Keys> {
    let (mut keys, mut inside) = (Keys::default(), false);
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            inside = section.trim_end_matches(']').trim() == profile;
            continue;
        }
        let Some((name, value)) = line.split_once('=').filter(|_| inside) else {
            continue;
        };
        let value = value.trim().to_owned();
        match name.trim().to_ascii_lowercase().as_str() {
            "aws_access_key_id" => keys.id = value,
            "aws_secret_access_key" => keys.secret = value,
            "aws_session_token" => keys.token = Some(value),
            _ => {}
        }
    }
    (!keys.id.is_empty() && !keys.secret.is_empty()).then_some(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# comment\n[other]\naws_access_key_id=a\naws_secret_access_key = b=c\n\n\
        [default]\nregion = x\nAWS_ACCESS_KEY_ID = id\naws_secret_access_key = s/e+c=\naws_session_token = t\n[half]\naws_access_key_id=x\n";

    #[test]
    fn keys_of_a_profile_are_found() {
        let keys = |id: &str, secret: &str, token: Option<&str>| Keys {
            id: id.into(),
            secret: secret.into(),
            token: token.map(Into::into),
        };
        for (profile, expected) in [
            ("default", Some(keys("id", "s/e+c=", Some("t")))),
            ("other", Some(keys("a", "b=c", None))),
            ("half", None),
            ("missing", None),
        ] {
            assert_eq!(parse(FILE, profile), expected, "{profile}");
        }
    }
}
