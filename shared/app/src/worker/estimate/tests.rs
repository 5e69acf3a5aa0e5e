use super::super::files::tests::order;
use super::{Failed, Plan, available, needed, plan};
use domain::job::ConsolidationOrder;
use std::path::Path;

fn small() -> ConsolidationOrder {
    order("/data/x.tif", "gs://bucket/source.tif", "")
}

#[test]
fn copies_are_given_up_first_then_records_in_parallel_then_the_order() {
    let order = small();
    let [one, four] = [1, 4].map(|parallel| needed(&order, parallel) as u64);
    assert!(one < four);
    let copied = 1000;
    let planned = |copies, parallel| Some(Plan { copies, parallel });
    for (available, expected) in [
        (u64::MAX, planned(true, 4)),
        (four + copied, planned(true, 4)),
        (four + copied - 1, planned(false, 4)),
        (four, planned(false, 4)),
        (four - 1, planned(false, 1)),
        (one, planned(false, 1)),
        (one - 1, None),
        (0, None),
    ] {
        let found = plan(&order, 4, available, copied);
        assert_eq!(found.as_ref().ok(), expected.as_ref(), "{available}");
        if let Err(failed) = found {
            let Failed::ForGood(text) = failed else {
                panic!("{failed:?}")
            };
            let told = format!("insufficient scratch: {one} bytes needed, {available} available");
            assert_eq!(text, told);
        }
    }
    assert_eq!(plan(&order, 0, u64::MAX, 0).ok(), planned(true, 1));
}

#[test]
fn the_space_grows_with_what_is_written() {
    let order = small();
    let raw = 256 * 256;
    // tiles with overviews and the file made of them, then what is in work
    assert_eq!(needed(&order, 1), 3 * (raw + raw / 3));
    let mut flat = order.clone();
    flat.container.overviews_min_size = 0;
    assert_eq!(needed(&flat, 2), 4 * raw);
    let mut twice = flat.clone();
    twice.records.push(twice.records[0].clone());
    assert_eq!(needed(&twice, 1), 5 * raw);
}

#[test]
fn what_is_not_given_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(available(Some(7), folder.path()).ok(), Some(7));
    let volume = rustix::fs::statvfs(folder.path()).unwrap();
    let total = volume.f_blocks * volume.f_frsize;
    let measured = available(None, folder.path()).unwrap();
    assert!(
        0 < measured && measured <= total / 10 * 9,
        "{measured} of {total}"
    );
    assert!(matches!(
        available(None, Path::new("/nowhere/at/all")),
        Err(Failed::ForNow(text)) if text.contains("/nowhere/at/all")
    ));
}
