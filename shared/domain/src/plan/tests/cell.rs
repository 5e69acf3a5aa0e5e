use super::{at, base, cell, dataset, in_group, needed, target, uri};
use crate::footprint::valid_shape;
use crate::job::{Message, parse_message};
use crate::plan::{
    CellPlan, CellTarget, Need, PlanDataset, drop_full_containers, plan_cell, split_in_containers,
};
use crate::{DatasetId, DatasetStatus, Error, MultiPolygon, RecordId, Resampling, Result, Ring};
use proptest::prelude::*;
use std::collections::BTreeSet;

#[expect(clippy::unnecessary_wraps, reason = "the planner asks for a result")]
fn shape(group: &[PlanDataset]) -> Result<Option<MultiPolygon>> {
    let shapes: Vec<_> = group
        .iter()
        .map(|input| input.dataset.shape.clone())
        .collect();
    Ok(valid_shape(&shapes, &cell().ring_in_crs()))
}

fn plan(
    max_records: u32,
    need: &Need,
    inputs: Vec<PlanDataset>,
    reused: Vec<PlanDataset>,
) -> CellPlan {
    let (target, cell, base) = (target(max_records), cell(), base());
    plan_cell(&at(&target, &cell, &base), need, inputs, reused, shape).unwrap()
}

fn days(count: i64) -> Vec<PlanDataset> {
    (0..count)
        .map(|day| dataset(&format!("gs://b/{day}.tif"), day))
        .collect()
}

fn records(plan: &CellPlan) -> Vec<usize> {
    plan.orders
        .iter()
        .map(|order| order.records.len())
        .collect()
}

#[test]
fn records_are_cut_into_files_in_order() {
    for (count, max_records, expected) in [
        (25, 10, vec![10, 10, 5]),
        (10, 10, vec![10]),
        (11, 10, vec![10, 1]),
        (3, 1, vec![1, 1, 1]),
    ] {
        let plan = plan(max_records, &needed(&[]), days(count), vec![]);
        assert_eq!(records(&plan), expected);
        assert_eq!(plan.records(), count as usize);
    }
    let cut: Vec<Vec<u8>> = split_in_containers(vec![1, 2, 3], 0).collect();
    assert_eq!(cut, [[1], [2], [3]]);
}

#[test]
fn an_order_says_all_that_the_worker_needs() {
    let plan = plan(10, &needed(&[]), days(1), vec![]);
    let order = &plan.orders[0];
    assert_eq!(
        order.container.uri.as_str(),
        in_group(&order.task_id.to_string())
    );
    assert_eq!(order.container.bands_count, 3);
    assert_eq!(
        (order.container.block_x_size, order.container.block_y_size),
        (256, 512)
    );
    assert_eq!(order.container.interlacing_pattern, "L=0>T>I>P;I>L=1:>T>P");
    assert_eq!(order.container.overview_resampling, Resampling::Average);
    assert_eq!(order.container.size, cell().size);
    let shape = order.records[0].valid_shape.as_ref().unwrap();
    assert_eq!(shape.srid, 32632);
    assert_eq!(
        order.records[0].date_time.to_string(),
        "2020-01-01T00:00:00Z"
    );
    let task = plan.tasks().next().unwrap();
    assert_eq!(task.id, order.task_id);
    let read = parse_message(&task.payload).unwrap();
    assert_eq!(read, Message::Order(Box::new(order.clone())));
    let message = plan.message("3/-7", &Ring::default()).unwrap();
    assert_eq!(
        message,
        format!(
            "Prepare 1 container(s) with 1 record(s) and 1 dataset(s) (Cell:3/-7, geographic: []) (id:{})",
            task.id
        )
    );
}

#[test]
fn full_containers_are_left_alone_wherever_they_come() {
    let (a, b) = (in_group("a"), in_group("b"));
    let sorted = vec![
        dataset(&a, 0),
        dataset(&a, 1),
        dataset("gs://b/n.tif", 2),
        dataset(&b, 3),
        dataset(&b, 4),
    ];
    let new = sorted[2].dataset.id;
    let reuse = [uri(&a), uri(&b)];
    let ids = |kept: Vec<PlanDataset>| {
        kept.iter()
            .map(|input| input.dataset.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(drop_full_containers(sorted.clone(), &reuse, 2)), [new]);
    assert_eq!(drop_full_containers(sorted.clone(), &reuse, 3).len(), 5);
    assert_eq!(drop_full_containers(sorted.clone(), &[], 2).len(), 5);
    // more than full: the layout became smaller since
    assert_eq!(ids(drop_full_containers(sorted.clone(), &reuse, 1)), [new]);
    // a new record in between: the container is written again
    let mut mixed = sorted;
    mixed.swap(1, 2);
    assert_eq!(drop_full_containers(mixed, &reuse, 2).len(), 3);
}

#[test]
fn containers_that_are_not_full_are_completed() {
    let a = in_group("a");
    let reused: Vec<PlanDataset> = (0..3).map(|day| dataset(&a, 2 * day)).collect();
    let mut inputs = vec![dataset("gs://b/n.tif", 3), reused[1].clone()];
    let mut others = reused.clone();
    others.push(PlanDataset {
        dataset: crate::Dataset {
            status: DatasetStatus::ToDelete,
            ..dataset(&a, 9).dataset
        },
        ..dataset(&a, 9)
    });
    let plan = plan(10, &needed(&[&a]), inputs.clone(), others);
    assert_eq!(records(&plan), [4]);
    assert_eq!(plan.consolidated.len(), 4);
    let order: Vec<RecordId> = plan.orders[0]
        .records
        .iter()
        .map(|record| record.id)
        .collect();
    inputs.truncate(1);
    inputs.extend(reused);
    inputs.sort_by_key(|input| input.record_time);
    let expected: Vec<RecordId> = inputs.iter().map(|input| input.dataset.record_id).collect();
    assert_eq!(order, expected);
}

#[test]
fn datasets_of_a_record_form_one_mosaic_the_latest_on_top() {
    let mut inputs = days(3);
    let record_id = inputs[0].dataset.record_id;
    let time = inputs[0].record_time;
    for (input, position) in inputs.iter_mut().zip([7, 5, 6]) {
        input.dataset.record_id = record_id;
        input.record_time = time;
        input.position = position;
    }
    let plan = plan(10, &needed(&[]), inputs, vec![]);
    assert_eq!(records(&plan), [1]);
    let files: Vec<&str> = plan.orders[0].records[0]
        .datasets
        .iter()
        .map(|dataset| dataset.source.uri.as_str())
        .collect();
    assert_eq!(files, ["gs://b/1.tif", "gs://b/2.tif", "gs://b/0.tif"]);
}

#[test]
fn records_with_nothing_in_the_cell_are_left_out() {
    let mut inputs = days(3);
    inputs[1].dataset.shape = super::square(100.0, 50.0).into();
    let outside = inputs[1].dataset.id;
    let some = plan(10, &needed(&[]), inputs.clone(), vec![]);
    assert_eq!(records(&some), [2]);
    assert_eq!(some.nothing_here, [outside]);
    assert!(!some.consolidated.contains(&outside));
    let none = plan(10, &needed(&[]), vec![inputs.remove(1)], vec![]);
    assert!(none.orders.is_empty() && none.consolidated.is_empty());
    assert_eq!(none.message("3/-7", &Ring::default()), None);
}

#[test]
fn a_collapse_makes_one_record_and_spares_no_container() {
    let a = in_group("a");
    let (target, cell, base) = (target(2), cell(), base());
    let record = RecordId::new();
    let time = dataset(&a, 8).record_time;
    let at = CellTarget {
        collapse: Some((record, time)),
        ..at(&target, &cell, &base)
    };
    let inputs = vec![dataset(&a, 0), dataset(&a, 1), dataset("gs://b/n.tif", 2)];
    let plan = plan_cell(&at, &needed(&[&a]), inputs, vec![], shape).unwrap();
    assert_eq!(records(&plan), [1]);
    let collapsed = &plan.orders[0].records[0];
    assert_eq!((collapsed.id, collapsed.datasets.len()), (record, 3));
    let empty = plan_cell(&at, &needed(&[]), vec![], vec![], shape).unwrap();
    assert!(empty.orders.is_empty());
}

#[test]
fn a_shape_that_cannot_be_computed_stops_the_planning() {
    let (target, cell, base) = (target(2), cell(), base());
    let refuse = |_: &[PlanDataset]| Err(Error::invalid("no such projection"));
    let plan = plan_cell(
        &at(&target, &cell, &base),
        &needed(&[]),
        days(1),
        vec![],
        refuse,
    );
    assert!(plan.is_err());
}

#[test]
fn a_hundred_thousand_datasets_are_planned_quickly() {
    let (target, cell, base) = (target(50), cell(), base());
    let first = dataset("gs://b/0.tif", 0);
    let inputs: Vec<PlanDataset> = (0..100_000)
        .map(|position| {
            let mut input = first.clone();
            input.dataset.id = DatasetId::new();
            input.dataset.record_id = RecordId::new();
            input.position = position;
            input
        })
        .collect();
    let start = std::time::Instant::now();
    let area = |_: &[PlanDataset]| Ok(Some(MultiPolygon::default()));
    let plan = plan_cell(
        &at(&target, &cell, &base),
        &needed(&[]),
        inputs,
        vec![],
        area,
    )
    .unwrap();
    assert_eq!(plan.orders.len(), 2000);
    assert!(start.elapsed().as_secs() < 10);
}

proptest! {
    #[test]
    fn no_dataset_is_lost(
        given in prop::collection::vec((0..4usize, 0..6i64, 0..3usize), 0..30),
        max_records in 1..5u32,
    ) {
        let files = [in_group("a"), in_group("b"), "gs://b/x.tif".to_owned(), "gs://b/y.tif".to_owned()];
        let ids: Vec<RecordId> = (0..18).map(|_| RecordId::new()).collect();
        let inputs: Vec<PlanDataset> = given
            .iter()
            .map(|(file, day, record)| {
                let mut input = dataset(&files[*file], *day);
                input.dataset.record_id = ids[*day as usize * 3 + record];
                input
            })
            .collect();
        let need = needed(&[&files[0], &files[1]]);
        let plan = plan(max_records, &need, inputs.clone(), inputs.clone());
        let consolidated: BTreeSet<DatasetId> = plan.consolidated.iter().copied().collect();
        prop_assert_eq!(consolidated.len(), plan.consolidated.len());
        let sources: usize = plan.orders.iter().flat_map(|order| &order.records)
            .map(|record| record.datasets.len()).sum();
        prop_assert_eq!(sources, consolidated.len());
        let mut seen = BTreeSet::new();
        for order in &plan.orders {
            prop_assert!((1..=max_records as usize).contains(&order.records.len()));
            prop_assert!(order.records.is_sorted_by_key(|record| (record.date_time, record.id)));
            for record in &order.records {
                prop_assert!(seen.insert(record.id), "a record in two files");
            }
        }
        for input in &inputs {
            let file = input.dataset.source.uri.as_str();
            let outside = file == files[2] || file == files[3];
            prop_assert!(!outside || consolidated.contains(&input.dataset.id));
        }
    }
}
