//! Places where a test ends or stalls the process: around every change of state and every call to the outside.
//!
//! With the feature `failpoints`, which no shipped program has, the variable `FAILPOINTS` says what happens where, in
//! the words of the crate `fail`: `order.rename.after=2*off->return` ends the process at the third passing, as by
//! SIGKILL, and `order.check.after=sleep(3000)` stalls it. Without the feature a place is nothing at all.

/// Marks a place. Its name is in `PLACES`.
macro_rules! failpoint {
    ($place:literal) => {
        #[cfg(feature = "failpoints")]
        {
            crate::failpoint::arm();
            fail::fail_point!($place, |_| std::process::abort());
        }
    };
}

pub(crate) use failpoint;

/// Every place, in the order of the life of a job.
#[cfg(feature = "failpoints")]
pub const PLACES: &[&str] = &[
    // the call of a client
    "creation.commit.before",
    "creation.commit.after",
    "command.commit.before",
    "command.commit.after",
    // a message that was stored with its cause
    "outbox.publish.before",
    "outbox.publish.after",
    "outbox.mark.after",
    // an event of a job
    "event.begin.before",
    "event.commit.before",
    "event.commit.after",
    // its entry action
    "action.begin.after",
    "action.step.before",
    "action.step.after",
    "action.end.before",
    "action.end.after",
    "action.failure.before",
    "action.return.before",
    "action.lease.after",
    "output.check.before",
    "output.check.after",
    "output.index.before",
    "marker.write.before",
    "marker.write.after",
    "marker.delete.before",
    "marker.delete.after",
    "rollback.delete.before",
    "rollback.delete.after",
    "deletion.delete.before",
    "deletion.delete.after",
    // an order at the worker
    "order.acquire.before",
    "order.acquire.after",
    "order.write.before",
    "order.write.after",
    "order.note.before",
    "order.note.after",
    "order.upload.after",
    "order.check.after",
    "order.rename.after",
    "order.discard.before",
    "order.discard.after",
    "order.forget.after",
    "order.lease.after",
    "order.finish.before",
    "order.finish.after",
    "order.publish.after",
    "order.mark.after",
    "order.release.before",
    "order.release.after",
    // the result of a task
    "result.commit.before",
    "result.commit.after",
    // the sweeper
    "sweep.messages.before",
    "sweep.messages.after",
    "sweep.actions.before",
    "sweep.actions.after",
    "sweep.orders.before",
    "sweep.orders.after",
    "sweep.results.before",
    "sweep.results.after",
    "sweep.cancellations.before",
    "sweep.cancellations.after",
    "sweep.files.before",
    "sweep.files.after",
    // an order that was given up
    "surrender.acquire.after",
    "surrender.finish.after",
    "surrender.mark.before",
];

/// Reads `FAILPOINTS` once.
#[cfg(feature = "failpoints")]
pub(crate) fn arm() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    // the scenario ends with the process
    ONCE.call_once(|| std::mem::forget(fail::FailScenario::setup()));
}

#[cfg(test)]
#[cfg(feature = "failpoints")]
mod tests {
    use super::PLACES;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// Names of the places below a folder.
    fn marked(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                marked(&path, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let calls = text.split("failpoint!(\"").skip(1);
            found.extend(calls.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
    }

    #[test]
    fn the_list_of_places_is_that_of_the_code() {
        let mut found = Vec::new();
        marked(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut found,
        );
        // this file writes the text that is looked for
        found.retain(|name| name.contains('.') && !name.contains('('));
        let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
        let listed: BTreeSet<&str> = PLACES.iter().copied().collect();
        assert_eq!(listed.len(), PLACES.len(), "a place is listed twice");
        let unlisted: Vec<_> = found.difference(&listed).collect();
        let unmarked: Vec<_> = listed.difference(&found).collect();
        assert!(
            unlisted.is_empty() && unmarked.is_empty(),
            "not in the list: {unlisted:?}; not in the code: {unmarked:?}"
        );
    }
}
