use super::{INSTANCE, base, dataset, in_group, uri};
use crate::plan::{BaseUri, CellFolders, PlanDataset, leave_to_other_cells};
use crate::{InstanceId, RecordId};

fn neighbour() -> BaseUri {
    let instance = InstanceId::parse(INSTANCE).unwrap();
    BaseUri::try_new(&uri("gs://BaseName2"), "L", "4/-7", instance, None).unwrap()
}

fn of_record(mut input: PlanDataset, record: RecordId) -> PlanDataset {
    input.dataset.record_id = record;
    input
}

/// Name, files and their records, whether something of the last one lies in the cell, and which are kept.
type Case<'a> = (&'a str, &'a [(&'a str, RecordId)], bool, &'a [usize]);

#[test]
fn what_other_cells_hold_is_left_to_them_when_this_cell_holds_the_record_too() {
    let here = in_group("a");
    let there = format!("{}/b.tif", neighbour().uri());
    let unknown = there.replace("/4/", "/5/");
    let (base, neighbour) = (base(), neighbour());
    let folders = CellFolders::new([&base, &neighbour]);
    let (first, second) = (RecordId::new(), RecordId::new());
    let cases: [Case<'_>; 6] = [
        ("own", &[(&here, first)], true, &[0]),
        ("both", &[(&there, first), (&here, first)], true, &[1]),
        (
            "lacking here",
            &[(&here, first), (&there, second)],
            true,
            &[0, 1],
        ),
        (
            "lacking here, but outside",
            &[(&here, first), (&there, second)],
            false,
            &[0],
        ),
        (
            "an image of the record",
            &[(&here, first), ("gs://b/c.tif", first)],
            false,
            &[0, 1],
        ),
        (
            "no cell of the job",
            &[(&here, first), (&unknown, first)],
            false,
            &[0, 1],
        ),
    ];
    for (name, files, has_share, expected) in cases {
        let input = |(file, record): &(&str, RecordId)| of_record(dataset(file, 0), *record);
        let inputs: Vec<PlanDataset> = files.iter().map(input).collect();
        let kept = leave_to_other_cells(inputs.clone(), &base, &folders, |_| Ok(has_share));
        let expected: Vec<PlanDataset> = expected.iter().map(|at| inputs[*at].clone()).collect();
        assert_eq!(kept.unwrap(), expected, "{name}");
    }
}

#[test]
fn a_file_tells_the_cell_that_it_was_made_for() {
    let instance = InstanceId::parse(INSTANCE).unwrap();
    let record = RecordId::new();
    for (collapse, file, cell) in [
        (
            None,
            format!("gs://b/root/L/c/1.5/-7/{INSTANCE}/a.tif"),
            Some("c/1.5/-7"),
        ),
        (
            Some(record),
            format!("gs://b/root/L/3/-7/{INSTANCE}/{record}/a.tif"),
            Some("3/-7"),
        ),
        (
            Some(record),
            format!("gs://b/root/L/3/-7/{INSTANCE}/a.tif"),
            None,
        ),
        (
            None,
            format!("gs://b/root/L/3/-7/{INSTANCE}/{record}/a.tif"),
            None,
        ),
        (None, format!("gs://b/root/L2/3/-7/{INSTANCE}/a.tif"), None),
        (None, format!("gs://b/root/L/{INSTANCE}/a.tif"), None),
        (None, "gs://b/root/L".to_owned(), None),
    ] {
        let found = BaseUri::cell_of(&uri(&file), &uri("gs://b/root/"), "L", instance, collapse);
        assert_eq!(found.unwrap().as_deref(), cell, "{file}");
    }
}
