//! Things that a test needs in the catalogue before it begins.

use super::Server;
use rpc::pb::data_format::Dtype;
use rpc::pb::{self, Resampling};
use std::collections::BTreeMap;
use tonic::Status;

/// An identifier that nothing has.
pub const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

/// Seconds of 2020-01-01T00:00:00Z.
pub const YEAR_2020: i64 = 1_577_836_800;

/// A ring of (lon, lat).
pub fn ring(points: &[(f32, f32)]) -> pb::LinearRing {
    pb::LinearRing {
        points: points
            .iter()
            .map(|&(lon, lat)| pb::Coord { lon, lat })
            .collect(),
    }
}

/// A footprint of polygons, each given by its rings.
pub fn aoi(polygons: &[&[&[(f32, f32)]]]) -> pb::Aoi {
    let polygon = |rings: &&[&[(f32, f32)]]| pb::Polygon {
        linearrings: rings.iter().map(|points| ring(points)).collect(),
    };
    pb::Aoi {
        polygons: polygons.iter().map(polygon).collect(),
    }
}

/// A closed rectangle.
pub fn rectangle(west: f32, south: f32, east: f32, north: f32) -> pb::Aoi {
    aoi(&[&[&[
        (west, south),
        (west, north),
        (east, north),
        (east, south),
        (west, south),
    ]]])
}

/// Tags.
pub fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

/// An instant.
#[expect(clippy::unnecessary_wraps, reason = "the value of a field")]
pub fn at(seconds: i64, nanos: i32) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos })
}

/// A record to create, some days after the first one of 2020.
pub fn new_record(name: &str, aoi_id: &str, day: i64, tags: &[(&str, &str)]) -> pb::NewRecord {
    let time = at(YEAR_2020 + day * 86_400, 0);
    pb::NewRecord {
        name: name.to_owned(),
        time,
        tags: map(tags),
        aoi_id: aoi_id.to_owned(),
    }
}

/// A format of samples.
pub fn format(dtype: Dtype, no_data: f64, min_value: f64, max_value: f64) -> pb::DataFormat {
    pb::DataFormat {
        dtype: dtype.into(),
        no_data,
        min_value,
        max_value,
    }
}

/// A variable of bands `b1`, `b2`, …, with the nearest kernel.
pub fn new_variable(name: &str, format: pb::DataFormat, bands: usize) -> pb::Variable {
    pb::Variable {
        name: name.to_owned(),
        dformat: Some(format),
        bands: (1..=bands).map(|band| format!("b{band}")).collect(),
        resampling_alg: Resampling::Near.into(),
        ..Default::default()
    }
}

/// The bands of a file as a dataset whose samples are the values themselves.
pub fn dataset(record: &str, instance: &str, format: pb::DataFormat, bands: &[i64]) -> pb::Dataset {
    pb::Dataset {
        record_id: record.to_owned(),
        instance_id: instance.to_owned(),
        container_subdir: String::new(),
        bands: bands.to_vec(),
        dformat: Some(format),
        real_min_value: format.min_value,
        real_max_value: format.max_value,
        exponent: 1.0,
    }
}

impl Server {
    /// Registers a footprint that does not matter.
    pub async fn some_aoi(&self) -> String {
        match self.create_aoi(rectangle(0.0, 0.0, 1.0, 1.0)).await {
            Ok(id) => id,
            Err(status) => status.message().rsplit(' ').next().unwrap().to_owned(),
        }
    }

    /// Registers a footprint.
    pub async fn create_aoi(&self, aoi: pb::Aoi) -> Result<String, Status> {
        let answer = self
            .client()
            .create_aoi(pb::CreateAoiRequest { aoi: Some(aoi) })
            .await?;
        Ok(answer.into_inner().id)
    }

    /// Creates records.
    pub async fn create_records(&self, records: Vec<pb::NewRecord>) -> Result<Vec<String>, Status> {
        let answer = self
            .client()
            .create_records(pb::CreateRecordsRequest { records })
            .await?;
        Ok(answer.into_inner().ids)
    }

    /// Creates one record without tags, on a footprint that does not matter.
    pub async fn record(&self, name: &str, day: i64) -> String {
        self.tagged_record(name, day, &[]).await
    }

    /// Creates one record, on a footprint that does not matter.
    pub async fn tagged_record(&self, name: &str, day: i64, tags: &[(&str, &str)]) -> String {
        let record = new_record(name, &self.some_aoi().await, day, tags);
        self.create_records(vec![record]).await.unwrap().remove(0)
    }

    /// Creates a variable.
    pub async fn create_variable(&self, variable: pb::Variable) -> Result<String, Status> {
        let request = pb::CreateVariableRequest {
            variable: Some(variable),
        };
        Ok(self
            .client()
            .create_variable(request)
            .await?
            .into_inner()
            .id)
    }

    /// Creates a palette from black to red.
    pub async fn palette(&self, name: &str) {
        let point = |value, r| pb::ColorPoint {
            value,
            r,
            g: 0,
            b: 0,
            a: 255,
        };
        let palette = Some(pb::Palette {
            name: name.to_owned(),
            colors: vec![point(0., 0), point(1., 255)],
        });
        let request = pb::CreatePaletteRequest {
            palette,
            replace: false,
        };
        self.client().create_palette(request).await.unwrap();
    }

    /// Adds an instance to a variable.
    pub async fn instantiate(&self, variable_id: &str, name: &str) -> Result<String, Status> {
        let request = pb::InstantiateVariableRequest {
            variable_id: variable_id.to_owned(),
            instance_name: name.to_owned(),
            instance_metadata: map(&[]),
        };
        Ok(self
            .client()
            .instantiate_variable(request)
            .await?
            .into_inner()
            .instance
            .unwrap()
            .id)
    }

    /// Creates a variable and its instance `master`; answers both ids.
    pub async fn variable(
        &self,
        name: &str,
        format: pb::DataFormat,
        bands: usize,
    ) -> (String, String) {
        let id = self
            .create_variable(new_variable(name, format, bands))
            .await
            .unwrap();
        let instance = self.instantiate(&id, "master").await.unwrap();
        (id, instance)
    }

    /// Indexes a file.
    pub async fn index(&self, uri: &str, datasets: Vec<pb::Dataset>) -> Result<(), Status> {
        let container = pb::Container {
            uri: uri.to_owned(),
            managed: false,
            datasets,
        };
        self.client()
            .index_datasets(pb::IndexDatasetsRequest {
                container: Some(container),
            })
            .await?;
        Ok(())
    }

    /// Reads containers.
    pub async fn containers(&self, uris: &[&str]) -> Result<Vec<pb::Container>, Status> {
        let uris = uris.iter().map(|uri| (*uri).to_owned()).collect();
        let answer = self
            .client()
            .get_containers(pb::GetContainersRequest { uris })
            .await?;
        Ok(answer.into_inner().containers)
    }
}
