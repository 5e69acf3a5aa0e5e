//! Consolidated files in other encodings than that of the images: what comes back is what went in.

use crate::world::{Scene, World, params};
use domain::job::JobState;
use domain::{Compression, ConsolidationParams, DType, DataFormat, Resampling};
use std::collections::BTreeMap;

fn format(dtype: DType, no_data: f64, min: f64, max: f64) -> DataFormat {
    DataFormat::try_new(dtype, no_data, min, max).unwrap()
}

/// Consolidates two images. Holes stay where they were, values at most `apart` from what they were. Returns the log.
async fn consolidate(encoding: ConsolidationParams, apart: u16) -> Option<Vec<String>> {
    let what = format!("{encoding:?}");
    let world = World::new().await?;
    let config = world.app.config_consolidation(world.variable, encoding);
    config.await.unwrap();
    let mut records = Vec::new();
    for day in [1, 2] {
        records.push(world.add(day, Scene::new(day)).await.record);
    }
    let job = world.consolidation("job", &records);
    let id = world.app.consolidate(job).await.unwrap();
    world.deliver_all().await;
    let job = world.job(id).await;
    assert_eq!(job.job.state, JobState::Done, "{what}: {:#?}", job.logs);
    for found in world.visible().await {
        let file = found.sources[0].uri.as_str();
        assert!(file.contains("/data/tiles/"), "{what}: {file}");
    }
    for (day, record) in (1..).zip(records) {
        let (before, after) = (Scene::new(day).pixels(), world.pixels(record).await);
        for (index, (before, after)) in before.into_iter().zip(after).enumerate() {
            let at = format!("{what}, record {day}, pixel {index}: {before} became {after}");
            assert_eq!(before == 0, after == 0, "{at}");
            assert!(before.abs_diff(after) <= apart, "{at}");
        }
    }
    Some(job.logs)
}

#[tokio::test(flavor = "multi_thread")]
async fn images_come_back_from_every_encoding() {
    use Compression::{Custom, Lossless, Lossy, No};
    let byte = format(DType::UInt8, 255.0, 0.0, 254.0);
    let signed = format(DType::Int16, -1.0, 0.0, 30_000.0);
    let float = format(DType::Float32, f64::NAN, 0.0, 1.0);
    let jpeg = [("COMPRESS", "JPEG"), ("JPEG_QUALITY", "100")];
    for (compression, format, exponent, creation_params, apart) in [
        (No, params().format, 1.0, &[][..], 0),
        (Lossy, params().format, 1.0, &[], 0),
        (Lossless, signed, 1.0, &[], 0),
        (Lossy, signed, 1.0, &[], 0),
        (No, float, 1.0, &[], 0),
        (Lossless, float, 2.0, &[], 0),
        // half a step of 254 over the range of 9 999
        (Lossless, byte, 1.0, &[], 20),
        (Custom, byte, 1.0, &jpeg, 200),
    ] {
        let creation_params: BTreeMap<_, _> = creation_params
            .iter()
            .map(|(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let encoding = ConsolidationParams {
            format,
            exponent,
            compression,
            creation_params,
            ..params()
        };
        if consolidate(encoding, apart).await.is_none() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn overviews_that_a_kernel_cannot_make_are_told_in_the_log() {
    for (resampling, expected) in [
        (Resampling::Max, 1),
        (Resampling::Near, 0),
        (Resampling::Cubic, 0),
    ] {
        let encoding = ConsolidationParams {
            resampling,
            ..params()
        };
        let Some(logs) = consolidate(encoding, 0).await else {
            return;
        };
        let told = logs
            .iter()
            .filter(|line| line.contains("Overviews are made of the nearest pixels"));
        assert_eq!(told.count(), expected, "{resampling}: {logs:#?}");
    }
}
