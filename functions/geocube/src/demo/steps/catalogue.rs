//! What has to be known before anything can be indexed.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use anyhow::{Context, ensure};
use prost_types::Timestamp;
use rpc::pb::consolidation_params::Compression;
use rpc::pb::{
    Aoi, ConfigConsolidationRequest, ConsolidationParams, Coord, CreateAoiRequest,
    CreateLayoutRequest, CreateRecordsRequest, CreateVariableRequest, InstantiateVariableRequest,
    Layout, LinearRing, NewRecord, Polygon, Resampling, Variable,
};
use tonic::Code;

use super::{Job, count, done};
use crate::demo::client::{Client, refusal};
use crate::demo::scene::Scene;

/// Records of one call.
const BATCH: usize = 1000;
/// Sides of a block of consolidated files.
const BLOCK: i64 = 256;

impl Job<'_> {
    /// Registers footprints and records.
    ///
    /// # Errors
    /// A refusal of the server.
    pub async fn create_records(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        let mut footprints = HashMap::new();
        let mut records = Vec::new();
        for scene in &self.kind.scenes {
            let ring = ring(scene)?;
            let key: Vec<u32> = ring
                .iter()
                .flat_map(|at| [at.lon.to_bits(), at.lat.to_bits()])
                .collect();
            let aoi_id = if let Some(id) = footprints.get(&key) {
                String::clone(id)
            } else {
                let id = create_footprint(&mut self.client, ring).await?;
                footprints.insert(key, id.clone());
                id
            };
            records.push(NewRecord {
                name: format!("demo-{}/{}", self.suffix, scene.name),
                time: Some(Timestamp {
                    seconds: scene.time.timestamp(),
                    nanos: scene.time.timestamp_subsec_nanos().cast_signed(),
                }),
                tags: BTreeMap::from([
                    ("source".to_owned(), "geocube-demo".to_owned()),
                    ("run".to_owned(), self.suffix.clone()),
                ]),
                aoi_id,
            });
        }
        for batch in records.chunks(BATCH) {
            let request = CreateRecordsRequest {
                records: batch.to_vec(),
            };
            let answer = self.client.grpc.create_records(request).await;
            let ids = answer.map_err(|status| refusal(&status))?.into_inner().ids;
            ensure!(ids.len() == batch.len(), "fewer ids than records");
            self.records.extend(ids);
        }
        let (footprints, records) = (footprints.len(), self.records.len());
        let what = format!(
            "created {} and {}",
            count(footprints, "footprint"),
            count(records, "record")
        );
        done(started, &what);
        Ok(())
    }

    /// Creates the variable, its instance, the layout, and says how consolidated files are encoded.
    ///
    /// # Errors
    /// A refusal of the server.
    pub async fn create_variable(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        let name = format!("demo-{}", self.suffix);
        let bands = match self.kind.bands {
            1 => vec!["value".to_owned()],
            3 => ["red", "green", "blue"].map(str::to_owned).to_vec(),
            bands => (1..=bands).map(|band| format!("band{band}")).collect(),
        };
        let variable = Variable {
            name: name.clone(),
            description: "images of `geocube demo`".to_owned(),
            dformat: Some(self.data_format(self.kind.no_data())),
            bands,
            resampling_alg: Resampling::Near.into(),
            ..Variable::default()
        };
        let request = CreateVariableRequest {
            variable: Some(variable),
        };
        let answer = self.client.grpc.create_variable(request).await;
        self.variable = answer.map_err(|status| refusal(&status))?.into_inner().id;
        let request = InstantiateVariableRequest {
            variable_id: self.variable.clone(),
            instance_name: "original".to_owned(),
            instance_metadata: BTreeMap::new(),
        };
        let answer = self.client.grpc.instantiate_variable(request).await;
        let instance = answer
            .map_err(|status| refusal(&status))?
            .into_inner()
            .instance;
        self.instance = instance.context("no instance was returned")?.id;

        let layout = self.layout();
        let request = CreateLayoutRequest {
            layout: Some(layout),
        };
        let answer = self.client.grpc.create_layout(request).await;
        answer.map_err(|status| refusal(&status))?;
        let request = ConfigConsolidationRequest {
            variable_id: self.variable.clone(),
            consolidation_params: Some(ConsolidationParams {
                dformat: Some(self.data_format(self.kind.no_data())),
                exponent: 1.0,
                resampling_alg: Resampling::Near.into(),
                compression: Compression::Lossless.into(),
                ..ConsolidationParams::default()
            }),
        };
        let answer = self.client.grpc.config_consolidation(request).await;
        answer.map_err(|status| refusal(&status))?;
        let what = format!(
            "created the variable {name} ({}, {}), a layout on {} at {} per pixel, lossless consolidation",
            count(self.kind.bands, "band"),
            self.kind.dtype,
            self.grid.crs_text,
            self.grid.resolution,
        );
        done(started, &what);
        Ok(())
    }

    /// Square cells on the grid of the images.
    fn layout(&self) -> Layout {
        let sides = self
            .kind
            .scenes
            .iter()
            .map(|scene| scene.size.width.max(scene.size.height));
        let cell = if sides.max().unwrap_or(0) > 2048 {
            2048
        } else {
            512
        };
        let parameters = [
            ("grid", "regular".to_owned()),
            ("crs", self.grid.crs_text.clone()),
            ("cell_size", cell.to_string()),
            ("resolution", self.grid.resolution.to_string()),
            ("ox", self.grid.origin.x.to_string()),
            ("oy", self.grid.origin.y.to_string()),
        ];
        Layout {
            name: self.layout.clone(),
            grid_parameters: parameters
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
            block_x_size: BLOCK,
            block_y_size: BLOCK,
            max_records: 1000,
            overviews_min_size: -1,
            interlacing_pattern: "Z=0>T>R>B;R>Z=1:>T>B".to_owned(),
            ..Layout::default()
        }
    }
}

fn ring(scene: &Scene) -> anyhow::Result<Vec<Coord>> {
    let corners = scene.corners()?;
    Ok(corners
        .into_iter()
        .map(|corner| Coord {
            lon: corner.x as f32,
            lat: corner.y as f32,
        })
        .collect())
}

/// A footprint that is known already is as good.
async fn create_footprint(client: &mut Client, points: Vec<Coord>) -> anyhow::Result<String> {
    let polygon = Polygon {
        linearrings: vec![LinearRing { points }],
    };
    let request = CreateAoiRequest {
        aoi: Some(Aoi {
            polygons: vec![polygon],
        }),
    };
    match client.grpc.create_aoi(request).await {
        Ok(answer) => Ok(answer.into_inner().id),
        Err(status) if status.code() == Code::AlreadyExists => {
            let id = status.message().rsplit(' ').next().unwrap_or_default();
            Ok(id.to_owned())
        }
        Err(status) => Err(refusal(&status)),
    }
}
