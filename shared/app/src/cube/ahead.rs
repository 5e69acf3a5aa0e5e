//! Remote sources of the images of a cube, fetched together before the first of them is built.

use super::Slice;
use super::build::{ImageBuilder, Recipe};
use domain::{DatasetSource, Uri};
use imaging::Outages;
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Consecutive slices whose sources are fetched together: as many as fit in the memory for remote files.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    batches: Vec<Batch>,
    /// Batch of each slice, none without remote sources.
    of: Vec<Option<usize>>,
}

#[derive(Debug, Default)]
struct Batch {
    sources: Arc<Vec<DatasetSource>>,
    fetched: OnceCell<()>,
}

impl Ahead {
    /// Groups slices so that the sources of each group lie in at most so many remote files, or in those of one slice.
    pub(super) fn of(slices: &[Slice], most_files: usize) -> Self {
        let (mut ahead, mut files) = (Self::default(), HashSet::new());
        let mut batches: Vec<Vec<DatasetSource>> = Vec::new();
        for slice in slices {
            let is_remote = |source: &&DatasetSource| source.uri.is_remote();
            let remote = || slice.sources.iter().filter(is_remote);
            let uris: HashSet<&Uri> = remote().map(|source| &source.uri).collect();
            if uris.is_empty() {
                ahead.of.push(None);
                continue;
            }
            let more = uris.difference(&files).count();
            if batches.is_empty() || files.len() + more > most_files {
                batches.push(Vec::new());
                files.clear();
            }
            files.extend(uris);
            if let Some(batch) = batches.last_mut() {
                batch.extend(remote().cloned());
            }
            ahead.of.push(Some(batches.len() - 1));
        }
        let batch = |sources| Batch {
            sources: Arc::new(sources),
            fetched: OnceCell::new(),
        };
        ahead.batches = batches.into_iter().map(batch).collect();
        ahead
    }

    /// Fetches what the batch of a slice needs, once. What cannot be fetched is read, or fails, when it is needed.
    pub(super) async fn fetch(
        &self,
        slice: usize,
        builder: &ImageBuilder,
        recipe: &Arc<Recipe>,
        outages: &Outages,
    ) {
        let batch = self.of.get(slice).copied().flatten();
        let Some(batch) = batch.and_then(|batch| self.batches.get(batch)) else {
            return;
        };
        let fetch = || async {
            let (sources, recipe) = (Arc::clone(&batch.sources), Arc::clone(recipe));
            let outages = outages.clone();
            let fetched = builder.engine.run(move |abandoned| {
                let (target, kernel) = (&recipe.target, recipe.resampling);
                let prefetch = || imaging::prefetch(sources.iter(), target, kernel, abandoned);
                outages.shared_by(prefetch);
                Ok(())
            });
            if let Err(error) = fetched.await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "remote images are read one by one"
                );
            }
        };
        batch.fetched.get_or_init(fetch).await;
    }
}

#[cfg(test)]
mod tests {
    use super::{Ahead, Slice};
    use domain::{Bands, DType, DataFormat, DataMapping, DatasetSource, Uri};

    fn slice(uris: &[&str]) -> Slice {
        let format = DataFormat::try_new(DType::UInt8, 0.0, 0.0, 255.0).unwrap();
        let source = |uri: &&str| DatasetSource {
            uri: Uri::parse(*uri).unwrap(),
            subdir: String::new(),
            bands: Bands::first(1),
            mapping: DataMapping::identity(format),
        };
        Slice {
            records: Vec::new(),
            sources: uris.iter().map(source).collect(),
        }
    }

    #[test]
    fn slices_go_together_as_long_as_their_files_fit() {
        let slices = [
            slice(&["gs://b/1", "/local"]),
            slice(&["/local"]),
            slice(&["gs://b/1", "gs://b/2"]),
            slice(&["gs://b/2", "gs://b/3"]),
            slice(&["gs://b/4", "gs://b/5", "gs://b/6"]),
            slice(&[]),
            slice(&["gs://b/6"]),
        ];
        let ahead = Ahead::of(&slices, 2);
        let expected = [Some(0), None, Some(0), Some(1), Some(2), None, Some(3)];
        assert_eq!(ahead.of, expected);
        let sizes: Vec<_> = ahead
            .batches
            .iter()
            .map(|batch| batch.sources.len())
            .collect();
        assert_eq!(sizes, [3, 2, 3, 1]);
        let all = Ahead::of(&slices, usize::MAX);
        assert_eq!(all.batches.len(), 1);
    }
}
