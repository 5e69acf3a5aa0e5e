//! Tokens that are replaced while the service runs.

use super::Tokens;
use secrecy::{ExposeSecret, SecretString};
use std::sync::{Arc, PoisonError, RwLock};

/// The tokens in force. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct LiveTokens(Arc<RwLock<Arc<Tokens>>>);

/// What became of tokens that were read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// They are in force from now on.
    Yes,
    /// They are in force already.
    Same,
    /// There is none: a service that asks for tokens never stops to ask.
    WouldOpen,
}

impl LiveTokens {
    /// Puts tokens in force.
    pub fn new(tokens: Tokens) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(tokens))))
    }

    /// The tokens in force now.
    pub fn get(&self) -> Arc<Tokens> {
        // a value is replaced as a whole, so that a panic elsewhere leaves no half of one
        let tokens = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&tokens)
    }

    /// Puts other tokens in force, unless that would open the service.
    pub fn replace(&self, tokens: Tokens) -> Replaced {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if are_same(&held, &tokens) {
            return Replaced::Same;
        }
        if tokens.is_open() {
            return Replaced::WouldOpen;
        }
        *held = Arc::new(tokens);
        Replaced::Yes
    }
}

impl From<&Tokens> for LiveTokens {
    fn from(tokens: &Tokens) -> Self {
        Self::new(tokens.clone())
    }
}

fn are_same(one: &Tokens, other: &Tokens) -> bool {
    let texts = |tokens: &Tokens| {
        let Tokens { user, admin, event } = tokens.clone();
        [user, admin, event]
            .map(|token| token.map(|token: SecretString| token.expose_secret().to_owned()))
    };
    texts(one) == texts(other)
}

#[cfg(test)]
mod tests {
    use super::{LiveTokens, Replaced};
    use crate::config::Tokens;
    use secrecy::ExposeSecret;

    fn tokens(user: Option<&str>) -> Tokens {
        Tokens {
            user: user.map(Into::into),
            ..Tokens::default()
        }
    }

    #[test]
    fn tokens_are_replaced_for_all_who_share_them_and_never_by_none() {
        let live = LiveTokens::default();
        assert!(live.get().is_open());
        assert_eq!(live.replace(tokens(None)), Replaced::Same);
        let shared = live.clone();
        for (given, replaced, held) in [
            (Some("one"), Replaced::Yes, "one"),
            (Some("one"), Replaced::Same, "one"),
            (None, Replaced::WouldOpen, "one"),
            (Some("two"), Replaced::Yes, "two"),
        ] {
            assert_eq!(live.replace(tokens(given)), replaced);
            assert_eq!(shared.get().user.as_ref().unwrap().expose_secret(), held);
        }
    }
}
