//! What is in the catalogue: messages that name it get past the look-ups.

use crate::catalogue::layout;
use crate::harness::Server;
use crate::harness::catalogue::{UNKNOWN, dataset, format, rectangle};
use crate::harness::raster::{Raster, have_gdal};
use futures::stream;
use prost_reflect::{DynamicMessage, Value};
use rpc::pb::{self, data_format::Dtype};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Things that were stored to be deleted.
static DOOMED: AtomicUsize = AtomicUsize::new(0);

/// One of each.
#[derive(Clone, Debug)]
pub struct Known {
    pub record: String,
    pub instance: String,
    pub variable: String,
    /// The name of the variable.
    pub name: String,
    pub aoi: String,
    pub uri: String,
    pub layout: String,
    pub grid: String,
    pub job: String,
}

fn bytes() -> pb::DataFormat {
    format(Dtype::UInt8, 0., 0., 1.)
}

impl Known {
    /// Nothing is there.
    pub fn nothing() -> Self {
        let id = || UNKNOWN.to_owned();
        Self {
            record: id(),
            instance: id(),
            variable: id(),
            name: "absent".to_owned(),
            aoi: id(),
            uri: "/tmp/absent.tif".to_owned(),
            layout: "a".to_owned(),
            grid: "a".to_owned(),
            job: id(),
        }
    }

    /// Stores one of each; `None`, said on standard error, without the programs of GDAL.
    pub async fn stored(server: &Server) -> Option<Self> {
        if !have_gdal() {
            return None;
        }
        let (variable, instance) = server.variable("v", bytes(), 1).await;
        let record = server.record("r", 0).await;
        // where the plausible transform lies: a few metres beside the origin
        let raster = Raster {
            origin: (0., 2.),
            pixel: 1.,
            ..Raster::utm("Byte", 4, 4, vec![1.; 16])
        };
        raster.write(&server.path("a.tif"));
        let uri = server.uri("a.tif");
        let image = dataset(&record, &instance, bytes(), &[1]);
        server.index(&uri, vec![image]).await.unwrap();
        server.palette("a").await;
        let params = pb::ConsolidationParams {
            dformat: Some(bytes()),
            exponent: 1.,
            resampling_alg: pb::Resampling::Near.into(),
            ..Default::default()
        };
        let config = pb::ConfigConsolidationRequest {
            variable_id: variable.clone(),
            consolidation_params: Some(params),
        };
        server.client().config_consolidation(config).await.unwrap();
        create_layout(server, "stored").await;
        create_grid(server, "stored").await;
        Some(Self {
            aoi: server.some_aoi().await,
            job: job(server, &variable, &record).await,
            record,
            instance,
            variable,
            name: "v".to_owned(),
            uri,
            layout: "stored".to_owned(),
            grid: "stored".to_owned(),
        })
    }

    /// The same, but for what a method may delete: this is stored anew for each call, with an image or
    /// without one.
    pub async fn for_call(&self, server: &Server, path: &str, with_image: bool) -> Self {
        let (_, method) = path.rsplit_once('/').unwrap();
        if !method.starts_with("Delete") || self.record == UNKNOWN {
            return self.clone();
        }
        let name = format!("doomed-{}", DOOMED.fetch_add(1, Ordering::Relaxed));
        let mut doomed = self.clone();
        match method {
            "DeleteLayout" => {
                create_layout(server, &name).await;
                doomed.layout = name;
            }
            "DeleteGrid" => {
                create_grid(server, &name).await;
                doomed.grid = name;
            }
            _ => {
                (doomed.variable, doomed.instance) = server.variable(&name, bytes(), 1).await;
                doomed.record = server.record(&name, 0).await;
                if with_image {
                    let file = format!("{name}.tif");
                    std::fs::copy(&self.uri, server.path(&file)).unwrap();
                    doomed.uri = server.uri(&file);
                    let image = dataset(&doomed.record, &doomed.instance, bytes(), &[1]);
                    server.index(&doomed.uri, vec![image]).await.unwrap();
                }
                doomed.name = name;
            }
        }
        doomed
    }

    /// Puts the names of these things in the place of those of `others`.
    pub fn rename(&self, message: &mut DynamicMessage, others: &Self) {
        let pairs = [
            (&others.record, &self.record),
            (&others.instance, &self.instance),
            (&others.variable, &self.variable),
            (&others.uri, &self.uri),
            (&others.layout, &self.layout),
            (&others.grid, &self.grid),
        ];
        for (_, value) in message.fields_mut() {
            rename(value, &pairs);
        }
    }
}

fn rename(value: &mut Value, pairs: &[(&String, &String)]) {
    match value {
        Value::String(text) => {
            let renamed = pairs.iter().find(|(from, to)| *from == text && from != to);
            if let Some((_, to)) = renamed {
                text.clone_from(to);
            }
        }
        Value::List(values) => values.iter_mut().for_each(|value| rename(value, pairs)),
        Value::Message(message) => {
            for (_, value) in message.fields_mut() {
                rename(value, pairs);
            }
        }
        _ => {}
    }
}

async fn create_layout(server: &Server, name: &str) {
    let request = pb::CreateLayoutRequest {
        layout: Some(layout(name)),
    };
    server.client().create_layout(request).await.unwrap();
}

async fn create_grid(server: &Server, name: &str) {
    let outline = rectangle(0., 0., 1., 1.).polygons[0].linearrings[0].clone();
    let cell = pb::Cell {
        id: "a".to_owned(),
        crs: "epsg:32631".to_owned(),
        coordinates: Some(outline),
    };
    let grid = pb::Grid {
        name: name.to_owned(),
        cells: vec![cell],
        ..Default::default()
    };
    let pieces = stream::iter([pb::CreateGridRequest { grid: Some(grid) }]);
    server.client().create_grid(pieces).await.unwrap();
}

/// A deletion that nobody carries on, of an image of its own.
async fn job(server: &Server, variable: &str, record: &str) -> String {
    Raster::utm("Byte", 4, 4, vec![1.; 16]).write(&server.path("b.tif"));
    let instance = server.instantiate(variable, "other").await.unwrap();
    let image = dataset(record, &instance, bytes(), &[1]);
    server
        .index(&server.uri("b.tif"), vec![image])
        .await
        .unwrap();
    let request = pb::DeleteDatasetsRequest {
        job_name: "stored".to_owned(),
        instance_ids: vec![instance],
        execution_level: pb::ExecutionLevel::ExecutionAsynchronous.into(),
        ..Default::default()
    };
    let answer = server.client().delete_datasets(request).await.unwrap();
    answer.into_inner().job.unwrap().id
}
