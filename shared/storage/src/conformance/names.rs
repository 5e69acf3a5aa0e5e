use domain::Uri;

use super::Suite;
use crate::{Error, StorageExt, UploadOptions};

impl Suite {
    pub(super) async fn names_may_hold_any_letters(&self) {
        let names = [
            "été/日本 🛰.tif",
            "with space & ?=#+%20.tif",
            "a..b/.hidden",
            "quote'\"\\.tif",
        ];
        for name in names {
            let uri = self.put(name, name.as_bytes()).await;
            assert_eq!(self.all(&uri).await, name.as_bytes(), "{name}");
        }
        for name in names {
            self.remove(&self.uri(name)).await;
        }
    }

    /// Whatever a name means elsewhere: queries, fragments, encoded letters.
    pub(super) async fn a_name_is_no_other_name(&self) {
        for (name, other) in [
            ("alike/a?b", "alike/a"),
            ("alike/a#b", "alike/a"),
            ("alike/%61", "alike/a"),
            ("alike/a+b", "alike/a b"),
            ("alike/a%20b", "alike/a b"),
            ("alike/a%2Fb", "alike/a/b"),
            ("alike/a%00", "alike/a"),
            ("alike/A", "alike/a"),
            ("alike/vsicurl/x", "vsicurl/x"),
        ] {
            let uri = self.put(name, name.as_bytes()).await;
            assert_eq!(self.all(&uri).await, name.as_bytes(), "{name}");
            let other = self.uri(other);
            let exists = self.store.exists(&other).await;
            assert!(!exists.expect("the store answers"), "{name} is {other}");
            self.remove(&uri).await;
        }
    }

    /// Where such names cannot be, they are refused, or spell the name without the empty parts.
    pub(super) async fn a_name_with_empty_parts_is_its_own_or_refused(&self) {
        let plain = self.uri("parts/a");
        let exists = async || {
            let exists = self.store.exists(&plain).await;
            exists.expect("the store answers")
        };
        for name in ["parts//a", "parts/a/"] {
            let uri = format!("{}/{name}", self.base.as_str().trim_end_matches('/'));
            let uri = Uri::parse(uri).expect("names of the suite are valid");
            let options = UploadOptions::default();
            let put = self.store.upload(&uri, name.into(), &options).await;
            if self.capabilities.empty_names {
                put.expect("upload succeeds");
                assert_eq!(self.all(&uri).await, name.as_bytes(), "{name}");
                assert!(!exists().await, "{name} is another name");
                self.remove(&uri).await;
                continue;
            }
            match put {
                Ok(()) => {
                    assert!(exists().await, "{name} is the name without empty parts");
                    self.remove(&plain).await;
                }
                Err(Error::Invalid { .. }) => assert!(!exists().await, "{name} is refused"),
                Err(error) => panic!("{name}: {error}"),
            }
        }
    }
}
