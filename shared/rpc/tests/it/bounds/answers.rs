//! What one answer may hold, and cost.

use super::edge;
use crate::harness::answers::{items, refused};
use crate::harness::catalogue::{aoi, dataset, map};
use crate::harness::cube::utm_request;
use crate::harness::memory::{most_memory, process_of_its_own};
use crate::harness::raster::{Raster, have_gdal};
use crate::harness::{Bounds, Server};
use app::Limits;
use rpc::pb;
use rpc::pb::data_format::Dtype;
use rpc::pb::tile_aoi_request::Identifier;
use std::time::Duration;
use tonic::Code;

const BYTES: pb::DataFormat = pb::DataFormat {
    dtype: Dtype::UInt8 as i32,
    no_data: 0.,
    min_value: 0.,
    max_value: 255.,
};

#[tokio::test]
async fn samples_of_one_image_are_counted_over_its_bands() {
    let limits = Limits {
        slice_samples: 32,
        ..Limits::default()
    };
    let Some(server) = Server::with_limits(limits).await else {
        return;
    };
    let (_, instance) = server.variable("v", BYTES, 2).await;
    for width in [4, 5] {
        let answer = server.cube(utm_request(&instance, width, 4)).await;
        edge(
            answer,
            width as usize * 4 * 2,
            32,
            &["samples", "maxPixels"],
        );
    }
}

#[tokio::test]
async fn bytes_of_one_image_must_fit_into_the_memory_of_all() {
    let bounds = Bounds {
        memory_bytes: 300,
        ..Bounds::default()
    };
    let Some(server) = Server::with_bounds(bounds).await else {
        return;
    };
    let (_, instance) = server.variable("v", BYTES, 1).await;
    for width in [10, 11] {
        let answer = server.cube(utm_request(&instance, width, 10)).await;
        // a sample, its compressed copy, and its mask
        edge(
            answer,
            width as usize * 10 * 3,
            300,
            &["bytes", "memoryBudget"],
        );
    }
}

/// Indexes a pixel of a new record.
async fn pixel(server: &Server, instance: &str, number: i64) {
    let name = format!("{number}.tif");
    let record = server.record(&format!("r{number}"), number).await;
    Raster::utm("Byte", 1, 1, vec![7.]).write(&server.path(&name));
    let datasets = vec![dataset(&record, instance, BYTES, &[1])];
    server.index(&server.uri(&name), datasets).await.unwrap();
}

#[tokio::test]
async fn slices_of_a_cube_are_counted() {
    let limits = Limits {
        slices: 2,
        ..Limits::default()
    };
    let Some(server) = Server::with_limits(limits).await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let (_, instance) = server.variable("v", BYTES, 1).await;
    for count in 1..=3 {
        pixel(&server, &instance, count).await;
        let answer = server.cube(utm_request(&instance, 1, 1)).await;
        edge(answer, count as usize, 2, &["slices", "maxSlices"]);
    }
}

#[tokio::test]
async fn a_cube_that_takes_too_long_ends_with_the_name_of_the_bound() {
    for (limit, fits) in [(Duration::ZERO, false), (Duration::from_mins(1), true)] {
        let limits = Limits {
            cube_duration: limit,
            ..Limits::default()
        };
        let Some(server) = Server::with_limits(limits).await else {
            return;
        };
        if !have_gdal() {
            return;
        }
        let (_, instance) = server.variable("v", BYTES, 1).await;
        pixel(&server, &instance, 0).await;
        let answer = server.cube(utm_request(&instance, 1, 1)).await;
        if fits {
            assert_eq!(answer.unwrap().images[0].samples(), [7.]);
        } else {
            refused(answer, Code::DeadlineExceeded, "maxConnectionAge");
        }
    }
}

#[tokio::test]
async fn datasets_of_one_answer_are_counted() {
    let limits = Limits {
        datasets: 2,
        ..Limits::default()
    };
    let Some(server) = Server::with_limits(limits).await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let (_, instance) = server.variable("v", BYTES, 1).await;
    for count in 1..=3 {
        pixel(&server, &instance, count).await;
        let names = ["datasets", "maxPageSize"];
        let request = pb::ListDatasetsRequest {
            instance_id: instance.clone(),
            records_lister: None,
        };
        let answer = server.client().list_datasets(request).await;
        edge(answer, count as usize, 2, &names);
        let answer = server.cube(utm_request(&instance, 1, 1)).await;
        edge(answer, count as usize, 2, &names);
        let uris: Vec<String> = (1..=count)
            .map(|number| server.uri(&format!("{number}.tif")))
            .collect();
        let uris: Vec<&str> = uris.iter().map(String::as_str).collect();
        let answer = server.containers(&uris).await;
        edge(answer, count as usize, 2, &["datasets", "maxPageSize"]);
    }
}

#[tokio::test]
async fn layouts_and_grids_of_one_answer_are_counted() {
    let limits = Limits {
        datasets: 2,
        ..Limits::default()
    };
    let Some(server) = Server::with_limits(limits).await else {
        return;
    };
    for count in 1..=3 {
        let layout = format!(
            "INSERT INTO geocube.layouts (name, overviews_min_size, interlacing_pattern)
             VALUES ('l{count}', -1, '')"
        );
        let grid = format!("INSERT INTO geocube.grids (name, description) VALUES ('g{count}', '')");
        server.database.run(&[&layout, &grid]).await;
        let mut client = server.client();
        let request = pb::ListLayoutsRequest::default();
        let answer = client.list_layouts(request).await;
        edge(answer, count, 2, &["layouts", "maxPageSize"]);
        let request = pb::ListGridsRequest::default();
        let answer = client.list_grids(request).await;
        edge(answer, count, 2, &["grids", "maxPageSize"]);
    }
}

#[tokio::test]
async fn jobs_of_one_answer_are_counted() {
    let limits = Limits {
        datasets: 2,
        ..Limits::default()
    };
    let Some(server) = Server::with_limits(limits).await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let (_, instance) = server.variable("v", BYTES, 1).await;
    for count in 1..=3 {
        pixel(&server, &instance, count).await;
        let request = pb::DeleteDatasetsRequest {
            job_name: format!("j{count}"),
            instance_ids: vec![instance.clone()],
            ..Default::default()
        };
        server.client().delete_datasets(request).await.unwrap();
        let all = server
            .client()
            .list_jobs(pb::ListJobsRequest::default())
            .await;
        edge(all, count as usize, 2, &["jobs"]);
        let page = pb::ListJobsRequest {
            limit: 2,
            ..Default::default()
        };
        let page = server.client().list_jobs(page).await.unwrap();
        assert_eq!(page.into_inner().jobs.len() as i64, count.min(2));
        // a page that may hold more is as long as there are jobs
        let second = pb::ListJobsRequest {
            limit: 1_000_000,
            page: 1,
            ..Default::default()
        };
        let second = server.client().list_jobs(second).await.unwrap();
        assert_eq!(second.into_inner().jobs.len(), 0);
    }
}

#[tokio::test]
async fn lines_of_a_log_are_counted() {
    let limits = Limits {
        datasets: 2,
        ..Limits::default()
    };
    let Some(server) = Server::with_limits(limits).await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let (_, instance) = server.variable("v", BYTES, 1).await;
    pixel(&server, &instance, 0).await;
    let request = pb::DeleteDatasetsRequest {
        instance_ids: vec![instance],
        ..Default::default()
    };
    let job = server.client().delete_datasets(request).await.unwrap();
    let job = job.into_inner().job.unwrap();
    let total = job.logs.len();
    assert_eq!(total, 6, "{:?}", job.logs);
    for (log_limit, lines) in [(1, 1), (2, 2), (3, 2), (i32::MAX, 2)] {
        let request = pb::GetJobRequest {
            id: job.id.clone(),
            log_page: 0,
            log_limit,
        };
        let found = server.client().get_job(request).await.unwrap();
        let logs = found.into_inner().job.unwrap().logs;
        assert_eq!(logs[0], format!("[... {} more]", total - lines));
        assert_eq!(logs[1..], job.logs[total - lines..], "{log_limit}");
    }
    // negative numbers count as 0: the newest page, and no line at all
    for (log_page, log_limit, lines) in [(-1, 1, 2), (i32::MIN, 2, 3), (0, -1, 0), (5, i32::MIN, 0)]
    {
        let request = pb::GetJobRequest {
            id: job.id.clone(),
            log_page,
            log_limit,
        };
        let found = server.client().get_job(request).await.unwrap();
        let logs = found.into_inner().job.unwrap().logs;
        assert_eq!(logs.len(), lines, "{log_page} {log_limit}: {logs:?}");
        assert_eq!(logs.last(), job.logs.last().filter(|_| lines > 0));
    }
}

#[tokio::test]
async fn datasets_of_a_tile_are_counted() {
    let limits = Limits {
        tile_datasets: 1,
        ..Limits::default()
    };
    let Some(server) = Server::with_limits(limits).await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let (_, instance) = server.variable("v", BYTES, 1).await;
    for count in 1..=2 {
        pixel(&server, &instance, count).await;
        let all = pb::get_tile_request::RecordsLister::Filters(pb::RecordFilters::default());
        let request = pb::GetTileRequest {
            instance_id: instance.clone(),
            // the whole world
            records_lister: Some(all),
            ..Default::default()
        };
        let answer = server.client().get_xyz_tile(request).await;
        edge(answer, count as usize, 1, &["datasets", "maxTileDatasets"]);
    }
}

#[tokio::test]
async fn cells_of_a_tiling_are_counted() {
    // nine cells, see the tests of tilings
    for bound in [9, 8] {
        let limits = Limits {
            grid_cells: bound,
            ..Limits::default()
        };
        let Some(server) = Server::with_limits(limits).await else {
            return;
        };
        let parameters = map(&[
            ("grid", "Regular"),
            ("crs", "32631"),
            ("cell_size", "1024"),
            ("resolution", "30"),
        ]);
        let layout = pb::Layout {
            grid_parameters: parameters,
            block_x_size: 256,
            block_y_size: 256,
            max_records: 1000,
            interlacing_pattern: "Z>R>B>T".to_owned(),
            ..Default::default()
        };
        let alps = aoi(&[&[&[
            (5.8, 45.1),
            (5.8, 44.5),
            (6.6, 44.5),
            (6.6, 45.1),
            (5.8, 45.1),
        ]]]);
        let request = pb::TileAoiRequest {
            aoi: Some(alps),
            identifier: Some(Identifier::Layout(layout)),
        };
        let answer = items(server.client().tile_aoi(request).await).await;
        edge(answer, 9, bound, &["cells", "maxGridCells"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_memory_of_a_list_of_records_does_not_grow_with_their_footprints() {
    if !process_of_its_own() {
        return;
    }
    let Some(server) = Server::start().await else {
        return;
    };
    // 100 000 vertices, 1.6 MB, for each of 80 records
    let footprints = "INSERT INTO geocube.aoi (id, hash, geom)
        SELECT md5('a')::uuid, 'a', ST_Multi(ST_Segmentize(ST_MakeEnvelope(0, 0, 1, 1, 4326), 4 / 99990::float8))";
    let records = "INSERT INTO geocube.records (id, name, datetime, tags, aoi_id)
        SELECT gen_random_uuid(), n::text, timestamp '2020-01-01' + n * interval '1 s', '', md5('a')::uuid
        FROM generate_series(1, 80) n";
    server.database.run(&[footprints, records]).await;
    let before = most_memory();
    let request = pb::ListRecordsRequest {
        with_aoi: true,
        ..Default::default()
    };
    let mut list = server.client().list_records(request).await.unwrap();
    let (mut count, mut bytes) = (0, 0);
    while let Some(item) = list.get_mut().message().await.unwrap() {
        let polygons = item.record.unwrap().aoi.unwrap().polygons;
        bytes += polygons[0].linearrings[0].points.len() * 16;
        count += 1;
    }
    assert_eq!(count, 80);
    assert!(bytes > 120 << 20, "{bytes}");
    let grown = most_memory() - before;
    assert!(grown < 60, "{grown} MB for {} MB", bytes >> 20);
}
