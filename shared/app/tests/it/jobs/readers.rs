//! Readers during the switch-over of a consolidation.

use crate::world::{Added, Scene, World, create_layout, transform};
use app::job::NewConsolidation;
use app::{BuiltImage, CubeRequest, CubeSelection, ImageFormat, PayloadCompression};
use domain::job::JobState;
use futures::StreamExt;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

const DAYS: u32 = 6;
const READERS: u32 = 4;

async fn images(world: &World) -> Vec<Added> {
    let mut added = Vec::new();
    for day in 1..=DAYS {
        added.push(world.add(day, Scene::new(day)).await);
    }
    added
}

fn cube(world: &World) -> CubeRequest {
    let side = i64::from(crate::world::SIDE);
    CubeRequest {
        selection: CubeSelection::default(),
        instances: vec![world.instance],
        crs: "epsg:32631".to_owned(),
        transform: transform(0, 0),
        size: (side, side),
        compression: PayloadCompression::None,
        headers_only: false,
        format: ImageFormat::Raw,
        resampling: None,
    }
}

/// Refuses an image that failed, is wrong, or is made of former and new files.
fn check(image: BuiltImage) {
    let day = image.slice.records[0].name.rsplit('-').next().unwrap();
    let payload = image.payload.unwrap().unwrap();
    let bytes: Vec<u8> = payload.parts.concat();
    let expected = Scene::new(day.parse().unwrap()).pixels();
    let expected: Vec<u8> = expected.into_iter().flat_map(u16::to_le_bytes).collect();
    assert!(bytes == expected, "the pixels of day {day}");
    assert_eq!(image.slice.sources.len(), 1, "{:?}", image.slice.sources);
}

async fn rewrite(world: &World, layout: &str, added: &[Added]) {
    create_layout(&world.app, layout, 4).await;
    let records: Vec<_> = added.iter().map(|added| added.record).collect();
    let new = NewConsolidation {
        layout: layout.to_owned(),
        ..world.consolidation(layout, &records)
    };
    let id = world.app.consolidate(new).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reader_fails_or_sees_half_of_a_switch_over() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = images(&world).await;
    let (over, read) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU32::new(0)),
    );
    let readers: Vec<_> = (0..READERS)
        .map(|_| {
            let (app, request) = (world.app.clone(), cube(&world));
            let (over, read) = (over.clone(), read.clone());
            tokio::spawn(async move {
                while !over.load(Ordering::SeqCst) {
                    let mut cube = app.cube(request.clone()).await.unwrap();
                    assert_eq!(cube.header.slices, u64::from(DAYS));
                    assert_eq!(cube.header.datasets, u64::from(DAYS));
                    let mut count = 0;
                    while let Some(image) = cube.images.next().await {
                        check(image.unwrap());
                        count += 1;
                    }
                    assert_eq!(count, DAYS);
                    read.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    // each time, the files of before are deleted
    for layout in ["a", "b", "c", "d"] {
        rewrite(&world, layout, &added).await;
    }
    over.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.unwrap();
    }
    assert!(read.load(Ordering::SeqCst) >= READERS);
    assert_eq!(world.files().len(), 2, "{:?}", world.files());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cube_whose_files_are_replaced_before_they_are_read_reads_the_new_ones() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = images(&world).await;
    let mut cube = world.app.cube(cube(&world)).await.unwrap();
    rewrite(&world, "a", &added).await;
    let mut files = HashMap::new();
    while let Some(image) = cube.images.next().await {
        let image = image.unwrap();
        let file = image.slice.sources[0].uri.clone();
        *files.entry(file).or_insert(0) += 1;
        check(image);
    }
    let mut counts: Vec<i32> = files.into_values().collect();
    counts.sort_unstable();
    assert_eq!(counts, [2, 4], "images of the new files");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_whose_file_is_gone_for_good_says_so() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = images(&world).await;
    std::fs::remove_file(&added[0].file).unwrap();
    let mut cube = world.app.cube(cube(&world)).await.unwrap();
    let first = cube.images.next().await.unwrap().unwrap();
    let error = first.payload.unwrap_err();
    assert!(error.contains("image-1-1.tif"), "{error}");
    while let Some(image) = cube.images.next().await {
        check(image.unwrap());
    }
}
