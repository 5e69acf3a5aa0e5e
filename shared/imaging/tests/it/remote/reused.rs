//! Remote files that are what consolidation would make.

use super::{Bucket, moved};
use crate::reuse::{fitting, record, spec, tiles, write};
use crate::scene::{Scene, file_values, plain, source};
use crate::tools::text;
use domain::DType;

#[test]
fn wp28_a_fitting_file_in_a_bucket_is_made_again() {
    let scene = Scene::new();
    let bucket = Bucket::new();
    let mapping = plain(DType::UInt16, 0.0);
    let file = fitting(&scene, mapping);
    let uri = bucket.put("fitting.tif", &file);
    let remote = moved(&source(&file, &[1, 2], mapping), &uri);
    let order = spec(vec![record(vec![remote])], mapping);
    let made = write(&order, &scene, "made.tif");
    assert_ne!(tiles(&made, 0), tiles(&file, 0));
    assert_eq!(file_values(&text(&made)), file_values(&text(&file)));
}
