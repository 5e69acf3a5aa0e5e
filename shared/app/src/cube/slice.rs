//! Slices of a cube: which datasets are merged into which image.

use domain::{DatasetSource, Record, RecordFilters, RecordId};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// The records of a cube.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CubeSelection {
    /// One slice per record that passes the filters, by time then id.
    Filters(RecordFilters),
    /// One slice per group, in the order of the request; the records of a group are merged, the
    /// last one on top.
    Groups(Vec<Vec<RecordId>>),
}

impl Default for CubeSelection {
    /// Every record.
    fn default() -> Self {
        Self::Filters(RecordFilters::default())
    }
}

/// A record and its datasets, bottom to top.
#[derive(Clone, Debug)]
pub struct RecordDatasets {
    /// The record, without geometry.
    pub record: Arc<Record>,
    /// Its datasets within the extent of the request.
    pub sources: Vec<DatasetSource>,
}

impl From<database::dataset::RecordDatasets> for RecordDatasets {
    fn from(found: database::dataset::RecordDatasets) -> Self {
        let sources = found
            .datasets
            .into_iter()
            .map(|dataset| dataset.source)
            .collect();
        Self {
            record: Arc::new(found.record),
            sources,
        }
    }
}

/// One image of a cube.
#[derive(Clone, Debug)]
pub struct Slice {
    /// Records that have datasets, in group order.
    pub records: Vec<Arc<Record>>,
    /// Datasets, bottom to top.
    pub sources: Vec<DatasetSource>,
}

/// Groups the datasets that the catalogue found into slices.
///
/// `found` is sorted by time then id. A group without any dataset gives no slice. A record that
/// is twice in one group counts once, at its last place; it may be in several groups.
pub fn group(selection: &CubeSelection, found: Vec<RecordDatasets>) -> Vec<Slice> {
    match selection {
        CubeSelection::Filters(_) => found
            .into_iter()
            .map(|RecordDatasets { record, sources }| Slice {
                records: vec![record],
                sources,
            })
            .collect(),
        CubeSelection::Groups(groups) => {
            let by_id: HashMap<RecordId, &RecordDatasets> = found
                .iter()
                .map(|datasets| (datasets.record.id, datasets))
                .collect();
            groups
                .iter()
                .filter_map(|group| merge_group(group, &by_id))
                .collect()
        }
    }
}

fn merge_group(group: &[RecordId], by_id: &HashMap<RecordId, &RecordDatasets>) -> Option<Slice> {
    // what is painted last stays on top: the last place of a repeated record counts
    let mut seen = HashSet::new();
    let mut members: Vec<_> = group
        .iter()
        .rev()
        .filter(|id| seen.insert(**id))
        .filter_map(|id| by_id.get(id))
        .collect();
    members.reverse();
    (!members.is_empty()).then(|| Slice {
        records: members
            .iter()
            .map(|member| Arc::clone(&member.record))
            .collect(),
        sources: members
            .iter()
            .flat_map(|member| member.sources.iter().cloned())
            .collect(),
    })
}

/// Tags of an image file: a tag that has one value in all records keeps its name, the others are
/// named `<key>.<index of the record>`.
pub fn merged_tags(records: &[Arc<Record>]) -> BTreeMap<String, String> {
    let mut holders: HashMap<(&String, &String), usize> = HashMap::new();
    for tag in records.iter().flat_map(|record| record.tags.as_map()) {
        *holders.entry(tag).or_default() += 1;
    }
    let mut merged = BTreeMap::new();
    for (index, record) in records.iter().enumerate() {
        for (key, value) in record.tags.as_map() {
            let shared = holders.get(&(key, value)) == Some(&records.len());
            let name = if shared {
                key.clone()
            } else {
                format!("{key}.{index}")
            };
            merged.insert(name, value.clone());
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::{CubeSelection, RecordDatasets, group, merged_tags};
    use domain::{
        AoiId, Bands, DType, DataFormat, DataMapping, DatasetSource, Instant, Record,
        RecordFilters, RecordId, Tags, Uri,
    };
    use std::collections::BTreeMap;
    use std::sync::Arc;

    fn record(tags: &[(&str, &str)]) -> Arc<Record> {
        let tags: BTreeMap<_, _> = tags
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        Arc::new(Record {
            id: RecordId::new(),
            name: "r".to_owned(),
            time: Instant::from_timestamp(0, 0).unwrap(),
            tags: Tags::try_new(tags).unwrap(),
            aoi_id: AoiId::new(),
            aoi: None,
        })
    }

    fn datasets(record: &Arc<Record>, paths: &[&str]) -> RecordDatasets {
        let format = DataFormat::try_new(DType::UInt8, f64::NAN, 0.0, 255.0).unwrap();
        let source = |path: &&str| DatasetSource {
            uri: Uri::parse(*path).unwrap(),
            subdir: String::new(),
            bands: Bands::first(1),
            mapping: DataMapping::identity(format),
        };
        RecordDatasets {
            record: Arc::clone(record),
            sources: paths.iter().map(source).collect(),
        }
    }

    fn paths(selection: &CubeSelection, found: Vec<RecordDatasets>) -> Vec<Vec<String>> {
        let slices = group(selection, found);
        slices
            .iter()
            .map(|slice| {
                slice
                    .sources
                    .iter()
                    .map(|source| source.uri.to_string())
                    .collect()
            })
            .collect()
    }

    #[test]
    fn filters_give_one_slice_per_record_in_catalogue_order() {
        let (a, b) = (record(&[]), record(&[]));
        let found = vec![datasets(&a, &["/1", "/2"]), datasets(&b, &["/3"])];
        let selection = CubeSelection::Filters(RecordFilters::default());
        assert_eq!(paths(&selection, found), [vec!["/1", "/2"], vec!["/3"]]);
    }

    #[test]
    fn groups_keep_the_order_of_the_request_and_drop_what_is_empty_or_repeated() {
        let (a, b, absent) = (record(&[]), record(&[]), RecordId::new());
        let found = vec![datasets(&a, &["/1"]), datasets(&b, &["/2"])];
        let selection = CubeSelection::Groups(vec![
            vec![b.id, a.id, b.id],
            vec![absent],
            vec![a.id, absent],
            vec![],
        ]);
        assert_eq!(paths(&selection, found), [vec!["/1", "/2"], vec!["/1"]]);
    }

    #[test]
    fn tags_that_differ_carry_the_index_of_their_record() {
        let records = [
            record(&[("sat", "S2"), ("orbit", "8")]),
            record(&[("sat", "S2"), ("orbit", "108"), ("x", "y")]),
        ];
        let merged = merged_tags(&records);
        let expected = [
            ("orbit.0", "8"),
            ("orbit.1", "108"),
            ("sat", "S2"),
            ("x.1", "y"),
        ];
        assert!(
            merged
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str()))
                .eq(expected)
        );
        assert_eq!(records[0].tags.as_map()["orbit"], "8");
    }
}
