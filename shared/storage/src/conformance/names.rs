use super::Suite;
use crate::StorageExt;

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
}
