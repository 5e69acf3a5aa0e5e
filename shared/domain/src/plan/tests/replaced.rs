use super::dataset;
use crate::DatasetId;
use crate::plan::{CellPlan, Replaced};

fn plan(consolidated: &[DatasetId], nothing_here: &[DatasetId]) -> CellPlan {
    CellPlan {
        orders: vec![],
        consolidated: consolidated.to_vec(),
        nothing_here: nothing_here.to_vec(),
    }
}

#[test]
fn a_dataset_rewritten_in_each_of_its_cells_goes() {
    let scene = dataset("gs://b/scene.tif", 0);
    let id = scene.dataset.id;
    let mut replaced = Replaced::default();
    replaced.visit(std::slice::from_ref(&scene), Some(&plan(&[id], &[])));
    replaced.visit(std::slice::from_ref(&scene), Some(&plan(&[id], &[])));
    // its outline meets a third cell, its pixels do not
    replaced.visit(std::slice::from_ref(&scene), Some(&plan(&[], &[id])));
    assert_eq!(replaced.finish(), (vec![id], vec![]));
}

#[test]
fn a_dataset_whose_own_cell_is_up_to_date_stays() {
    let (old, new) = (dataset("gs://b/a.tif", 0), dataset("gs://b/n.tif", 1));
    let (old_id, new_id) = (old.dataset.id, new.dataset.id);
    for own_cell_first in [true, false] {
        let mut replaced = Replaced::default();
        if own_cell_first {
            replaced.visit(std::slice::from_ref(&old), None);
        }
        replaced.visit(
            &[old.clone(), new.clone()],
            Some(&plan(&[old_id, new_id], &[])),
        );
        if !own_cell_first {
            replaced.visit(std::slice::from_ref(&old), None);
        }
        assert_eq!(replaced.finish(), (vec![new_id], vec![old_id]));
    }
}

#[test]
fn a_dataset_in_a_full_file_stays() {
    let (old, new) = (dataset("gs://b/a.tif", 0), dataset("gs://b/n.tif", 1));
    let (old_id, new_id) = (old.dataset.id, new.dataset.id);
    let mut replaced = Replaced::default();
    replaced.visit(&[old.clone(), new], Some(&plan(&[new_id], &[])));
    replaced.visit(std::slice::from_ref(&old), Some(&plan(&[old_id], &[])));
    assert_eq!(replaced.finish(), (vec![new_id], vec![old_id]));
}

#[test]
fn datasets_that_no_file_holds_are_neither_removed_nor_named() {
    let untouched = dataset("gs://b/a.tif", 0);
    let completed = DatasetId::new();
    let mut replaced = Replaced::default();
    replaced.visit(std::slice::from_ref(&untouched), None);
    // taken along from a container that was not full, without being a dataset of the job
    replaced.visit(&[], Some(&plan(&[completed], &[])));
    assert_eq!(replaced.finish(), (vec![completed], vec![]));
}
