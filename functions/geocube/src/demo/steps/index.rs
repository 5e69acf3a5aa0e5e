//! Indexing: the catalogue learns which files hold what.

use std::time::Instant;

use anyhow::{Context, bail};
use rpc::pb::{Container, Dataset, IndexDatasetsRequest};
use tonic::Code;

use super::{Job, count, done};
use crate::demo::client::refusal;
use crate::demo::scene::Scene;

impl Job<'_> {
    /// Indexes every image where it lies; the service never owns it.
    ///
    /// # Errors
    /// A refusal of the server, with what to do when it may not read the files.
    pub async fn index(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        for (scene, record) in self.kind.scenes.iter().zip(&self.records) {
            let container = self.container(scene, record)?;
            let request = IndexDatasetsRequest {
                container: Some(container),
            };
            if let Err(status) = self.client.grpc.index_datasets(request).await {
                let error =
                    refusal(&status).context(format!("{} was not indexed", scene.path.display()));
                if status.code() == Code::InvalidArgument {
                    bail!(
                        "{error:#}\nIf the server may not read the file: start it with --local, or with --allowedPaths"
                    );
                }
                return Err(error);
            }
        }
        done(
            started,
            &format!("indexed {}", count(self.records.len(), "dataset")),
        );
        Ok(())
    }

    fn container(&self, scene: &Scene, record: &str) -> anyhow::Result<Container> {
        let dformat = self.data_format(scene.no_data.unwrap_or(f64::NAN));
        let dataset = Dataset {
            record_id: record.to_owned(),
            instance_id: self.instance.clone(),
            container_subdir: String::new(),
            bands: (1..=scene.bands as i64).collect(),
            real_min_value: dformat.min_value,
            real_max_value: dformat.max_value,
            dformat: Some(dformat),
            exponent: 1.0,
        };
        let path = scene.path.to_str();
        Ok(Container {
            uri: path.context("a path that is not UTF-8")?.to_owned(),
            managed: false,
            datasets: vec![dataset],
        })
    }
}
