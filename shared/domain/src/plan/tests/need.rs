use super::{base, dataset, format, in_group, square, target, uri};
use crate::plan::{BaseUri, PlanDataset, meets_cell, needs_consolidation, overviews_count};
use crate::{Bands, DType, DataMapping, InstanceId, RecordId, TaskId};

fn with_bands(mut input: PlanDataset, bands: &[i64]) -> PlanDataset {
    input.dataset.source.bands = Bands::try_new(bands).unwrap();
    input
}

fn with_dtype(mut input: PlanDataset, dtype: DType) -> PlanDataset {
    input.dataset.source.mapping = DataMapping::identity(format(dtype));
    input
}

#[test]
fn only_datasets_outside_the_cell_or_out_of_date_need_work() {
    let outside = || dataset("gs://BaseName1/1.tiff", 0);
    let (a, b) = (in_group("a"), in_group("b"));
    let cases: [(Vec<PlanDataset>, bool, &[&str]); 9] = [
        (vec![], false, &[]),
        (vec![outside()], true, &[]),
        (vec![with_dtype(dataset(&a, 0), DType::Int16)], true, &[]),
        (vec![with_bands(dataset(&a, 0), &[2, 3, 4])], true, &[]),
        (vec![dataset(&a, 0)], false, &[&a]),
        (vec![dataset(&a, 0), dataset(&a, 1)], false, &[&a]),
        (vec![dataset(&b, 0), dataset(&a, 1)], false, &[&b, &a]),
        (
            vec![dataset(&a, 0), dataset(&b, 1), outside()],
            true,
            &[&a, &b],
        ),
        // one dataset out of date condemns its container, wherever it comes in the list
        (
            vec![
                dataset(&a, 0),
                with_bands(dataset(&a, 1), &[2, 3, 4]),
                dataset(&b, 2),
            ],
            true,
            &[&b],
        ),
    ];
    for (number, (inputs, need, reuse)) in cases.into_iter().enumerate() {
        let verdict = needs_consolidation(&inputs, &target(10), &base());
        let reuse: Vec<_> = reuse.iter().map(|text| uri(text)).collect();
        assert_eq!(
            (verdict.need, verdict.reuse),
            (need, reuse),
            "case {number}"
        );
    }
}

#[test]
fn files_are_in_a_folder_of_the_cell_and_the_instance() {
    let instance = InstanceId::new();
    let record = RecordId::new();
    let task = TaskId::new();
    for (collapse, folder) in [
        (None, format!("gs://b/root/L/3/-7/{instance}")),
        (
            Some(record),
            format!("gs://b/root/L/3/-7/{instance}/{record}"),
        ),
    ] {
        let base = BaseUri::try_new(&uri("gs://b/root/"), "L", "3/-7", instance, collapse).unwrap();
        assert_eq!(base.uri().as_str(), folder);
        assert_eq!(
            base.file(task).unwrap().as_str(),
            format!("{folder}/{task}.tif")
        );
        assert!(base.holds(&base.file(task).unwrap()));
    }
    let odd = BaseUri::try_new(&uri("/data"), "a//b", "./1/2", instance, None).unwrap();
    assert_eq!(odd.uri().as_str(), format!("/data/a/b/1/2/{instance}"));
    for (layout, cell) in [("", "1/2"), ("L", "/"), ("L", ".."), ("..", "1/2")] {
        assert!(BaseUri::try_new(&uri("/data"), layout, cell, instance, None).is_err());
    }
}

#[test]
fn sub_folders_and_similar_names_are_not_in_the_folder() {
    let base = base();
    let folder = base.uri().as_str();
    for (file, held) in [
        (format!("{folder}/a.tif"), true),
        (format!("{folder}//a.tif"), true),
        (format!("{folder}/{}/a.tif", RecordId::new()), false),
        (format!("{folder}2/a.tif"), false),
        (folder.to_owned(), false),
        (format!("{folder}/"), false),
        ("gs://BaseName2/a.tif".to_owned(), false),
        (
            folder.replace("gs://BaseName2", "gs://BaseName3") + "/a.tif",
            false,
        ),
    ] {
        assert_eq!(base.holds(&uri(&file)), held, "{file}");
    }
}

#[test]
fn overviews_halve_until_both_sides_fit() {
    for (width, height, min_size, count) in [
        (4096, 4096, 256, 4),
        (5000, 100, 256, 5),
        (100, 5000, 256, 5),
        (256, 256, 256, 0),
        (257, 10, 256, 1),
        (4096, 4096, 0, 0),
        (4096, 4096, -1, 4),
        (u32::MAX, 1, 1, 31),
        (0, 0, 1, 0),
    ] {
        assert_eq!(overviews_count(width, height, min_size), count);
    }
}

#[test]
fn sharing_an_edge_is_not_enough() {
    let input = dataset("gs://b/a.tif", 0).dataset;
    let edge = square(100.0, 100.0);
    assert!(!meets_cell(&input, 32632, &edge));
    assert!(meets_cell(&input, 32632, &square(99.0, 100.0)));
    assert!(meets_cell(&input, 32631, &edge));
    assert!(meets_cell(&input, 0, &edge));
}

#[test]
fn holes_marked_by_nan_are_equal() {
    let target = target(1);
    assert!(target.mapping.format.no_data.is_nan());
    assert!(target.fits(&dataset("gs://b/a.tif", 0).dataset.source));
    assert_eq!(target.interlacing_pattern, "L=0>T>I>P;I>L=1:>T>P");
}
