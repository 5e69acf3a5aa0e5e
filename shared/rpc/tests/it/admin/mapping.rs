//! Changes of the value mapping of datasets.

use crate::catalogue::BYTES;
use crate::harness::Server;
use crate::harness::answers::invalid;
use crate::harness::catalogue::{UNKNOWN, dataset, format};
use crate::harness::raster::{Raster, have_gdal};
use rpc::pb;
use rpc::pb::data_format::Dtype;
use std::collections::BTreeMap;
use tonic::Status;

/// An instance with four datasets of two records, and the former mapping of three of them.
struct Mapped {
    server: Server,
    instance: String,
    records: Vec<String>,
}

const FORMER: &str = "(UINT8, 0, 255, no_data=0) currently maps to (0, 1) with exponent=1";

impl Mapped {
    async fn start() -> Option<Self> {
        let server = Server::start().await?;
        if !have_gdal() {
            return None;
        }
        let unit = format(Dtype::Float32, f64::NAN, 0., 1.);
        let (_, instance) = server.variable("v", unit, 1).await;
        let records = vec![server.record("a", 0).await, server.record("b", 1).await];
        for (name, dtype, record, format, exponent) in [
            ("1.tif", "Byte", &records[0], BYTES, 1.),
            ("2.tif", "Byte", &records[0], BYTES, 1.),
            ("3.tif", "Byte", &records[1], BYTES, 1.),
            ("4.tif", "Float32", &records[1], unit, 0.1),
        ] {
            Raster::utm(dtype, 2, 2, vec![1.; 4]).write(&server.path(name));
            let image = pb::Dataset {
                exponent,
                real_min_value: 0.,
                real_max_value: 1.,
                ..dataset(record, &instance, format, &[1])
            };
            server.index(&server.uri(name), vec![image]).await.unwrap();
        }
        Some(Self {
            server,
            instance,
            records,
        })
    }

    /// A change of the datasets of both records.
    fn request(&self) -> pb::UpdateDatasetsRequest {
        pb::UpdateDatasetsRequest {
            simulate: false,
            instance_id: self.instance.clone(),
            record_ids: self.records.clone(),
            dformat: Some(format(Dtype::Undefined, 1.5, 0.25, 100.)),
            real_min_value: -2.5,
            real_max_value: 1e20,
            exponent: 2.,
        }
    }

    async fn update(
        &self,
        request: pb::UpdateDatasetsRequest,
    ) -> Result<BTreeMap<String, i64>, Status> {
        let answer = self.server.admin().update_datasets(request).await?;
        Ok(answer.into_inner().results)
    }

    async fn stored(&self, name: &str) -> pb::Dataset {
        let uri = self.server.uri(name);
        let mut found = self.server.containers(&[&uri]).await.unwrap();
        found.remove(0).datasets.remove(0)
    }
}

fn counts(pairs: &[(&str, i64)]) -> BTreeMap<String, i64> {
    let pairs = pairs.iter();
    pairs
        .map(|(text, count)| ((*text).to_owned(), *count))
        .collect()
}

#[tokio::test]
async fn datasets_are_counted_by_the_mapping_that_they_had() {
    let Some(test) = Mapped::start().await else {
        return;
    };
    let float = "(FLOAT32, 0, 1, no_data=NaN) currently maps to (0, 1) with exponent=0.1";
    let simulated = pb::UpdateDatasetsRequest {
        simulate: true,
        ..test.request()
    };
    for _ in 0..2 {
        let found = test.update(simulated.clone()).await.unwrap();
        assert_eq!(found, counts(&[(FORMER, 3), (float, 1)]));
    }
    let before = test.stored("1.tif").await;
    assert_eq!((before.exponent, before.real_max_value), (1., 1.));

    let first = pb::UpdateDatasetsRequest {
        record_ids: vec![test.records[0].to_uppercase(), UNKNOWN.to_owned()],
        ..test.request()
    };
    assert_eq!(test.update(first).await.unwrap(), counts(&[(FORMER, 2)]));
    let text = "(UINT8, 0.25, 100, no_data=1.5) currently maps to (-2.5, 1e+20) with exponent=2";
    let found = test.update(test.request()).await.unwrap();
    assert_eq!(found, counts(&[(text, 2), (FORMER, 1), (float, 1)]));
    for (name, dtype) in [("1.tif", Dtype::UInt8), ("4.tif", Dtype::Float32)] {
        let expected = format(dtype, 1.5, 0.25, 100.);
        let found = test.stored(name).await;
        assert_eq!(
            found.dformat,
            Some(expected),
            "the type is that of the file"
        );
        let (low, high) = (found.real_min_value, found.real_max_value);
        assert_eq!((low, high, found.exponent), (-2.5, 1e20, 2.));
    }
}

#[tokio::test]
async fn datasets_that_are_hidden_or_locked_are_changed_too() {
    let Some(test) = Mapped::start().await else {
        return;
    };
    let deletion = pb::DeleteDatasetsRequest {
        record_ids: vec![test.records[0].clone()],
        execution_level: pb::ExecutionLevel::ExecutionAsynchronous.into(),
        ..Default::default()
    };
    test.server.admin().delete_datasets(deletion).await.unwrap();
    let hide = "UPDATE geocube.datasets SET status = 'TODELETE' WHERE container_uri LIKE '%/1.tif'";
    test.server.sql(hide);
    let found = test.update(test.request()).await.unwrap();
    assert_eq!(found[FORMER], 3);
    assert_eq!(test.stored("1.tif").await.exponent, 2.);
    assert_eq!(test.stored("2.tif").await.exponent, 2.);
}

#[tokio::test]
async fn a_change_of_nothing_has_an_empty_answer() {
    let Some(test) = Mapped::start().await else {
        return;
    };
    for (instance, records) in [
        (test.instance.as_str(), vec![]),
        (UNKNOWN, test.records.clone()),
        (&test.instance, vec![UNKNOWN.to_owned()]),
    ] {
        let request = pb::UpdateDatasetsRequest {
            instance_id: instance.to_owned(),
            record_ids: records,
            ..test.request()
        };
        assert_eq!(test.update(request).await.unwrap(), counts(&[]));
    }
}

#[tokio::test]
async fn malformed_mappings_are_refused_and_change_nothing() {
    let Some(test) = Mapped::start().await else {
        return;
    };
    let fine = || test.request();
    let of = |no_data, min, max| pb::UpdateDatasetsRequest {
        dformat: Some(format(Dtype::UInt8, no_data, min, max)),
        ..fine()
    };
    let range = |min, max| pb::UpdateDatasetsRequest {
        real_min_value: min,
        real_max_value: max,
        ..fine()
    };
    let exponent = |exponent| pb::UpdateDatasetsRequest { exponent, ..fine() };
    for (fragment, malformed) in [
        (
            "Invalid Instance.uuid x",
            pb::UpdateDatasetsRequest {
                instance_id: "x".to_owned(),
                ..fine()
            },
        ),
        (
            "Invalid Record.uuid x",
            pb::UpdateDatasetsRequest {
                record_ids: vec![test.records[0].clone(), "x".to_owned()],
                ..fine()
            },
        ),
        (
            "dformat is missing",
            pb::UpdateDatasetsRequest {
                dformat: None,
                ..fine()
            },
        ),
        ("dformat", of(0., 1., 0.)),
        ("dformat", of(0., 1., 1.)),
        ("dformat", of(0., f64::NAN, 1.)),
        ("dformat", of(0., 0., f64::INFINITY)),
        ("dformat", of(f64::INFINITY, 0., 1.)),
        // fine for the image in Float32, not for those in UInt8
        ("UINT8", of(0., 0., 300.)),
        ("UINT8", of(-1., 0., 255.)),
        ("mapped values", range(1., 1.)),
        ("mapped values", range(f64::NAN, 1.)),
        ("mapped values", range(0., f64::INFINITY)),
        ("exponent", exponent(0.)),
        ("exponent", exponent(-1.)),
        ("exponent", exponent(f64::NAN)),
    ] {
        for simulate in [true, false] {
            let request = pb::UpdateDatasetsRequest {
                simulate,
                ..malformed.clone()
            };
            invalid(test.update(request).await, fragment);
        }
    }
    let simulated = pb::UpdateDatasetsRequest {
        simulate: true,
        ..fine()
    };
    assert_eq!(test.update(simulated).await.unwrap()[FORMER], 3);
}
