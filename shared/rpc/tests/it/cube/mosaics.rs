//! Several datasets in one image.

use crate::harness::Server;
use crate::harness::catalogue::{dataset, format};
use crate::harness::cube::{groups, utm_request};
use crate::harness::raster::{Raster, have_gdal};
use rpc::pb;
use rpc::pb::data_format::Dtype;

const BELOW: [f64; 8] = [1., 1., 0., 2., 3., 3., 3., 3.];
const ABOVE: [f64; 8] = [0., 7., 0., 7., 0., 0., 7., 7.];

/// Two images of 4 by 2, on the same ground; answers the request of their mosaic.
async fn mosaic(
    server: &Server,
    name: &str,
    no_data: f64,
    in_file: Option<f64>,
) -> pb::GetCubeRequest {
    let bytes = format(Dtype::UInt8, no_data, 0., 255.);
    let (_, instance) = server.variable(name, bytes, 1).await;
    let mut ids = Vec::new();
    for (layer, samples) in [("below", BELOW), ("above", ABOVE)] {
        let name = format!("{name}-{layer}");
        let record = server.record(&name, 0).await;
        Raster {
            nodata: in_file,
            ..Raster::utm("Byte", 4, 2, samples.to_vec())
        }
        .write(&server.path(&name));
        server
            .index(
                &server.uri(&name),
                vec![dataset(&record, &instance, bytes, &[1])],
            )
            .await
            .unwrap();
        ids.push(record);
    }
    pb::GetCubeRequest {
        records_lister: groups(&[&[&ids[0], &ids[1]]]),
        ..utm_request(&instance, 4, 2)
    }
}

#[tokio::test]
async fn the_later_image_covers_the_earlier_except_where_it_is_empty() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let merged = [1., 7., 0., 7., 3., 3., 7., 7.];
    for (what, no_data, in_file, expected) in [
        ("in-both", 0., Some(0.), merged),
        // the nodata of the index holds whatever the file says
        ("in-the-index", 0., None, merged),
        ("another-in-the-file", 0., Some(7.), merged),
        ("none", f64::NAN, None, ABOVE),
    ] {
        let request = mosaic(&server, what, no_data, in_file).await;
        let cube = server.cube(request).await.unwrap();
        assert_eq!(cube.images[0].samples(), expected, "{what}");
    }
}

#[tokio::test]
async fn ground_without_image_is_nodata_or_zero() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    for (what, no_data, outside) in [("nodata", 255., 255.), ("none", f64::NAN, 0.)] {
        let request = mosaic(&server, what, no_data, None).await;
        let wide = pb::GetCubeRequest {
            size: Some(pb::Size {
                width: 5,
                height: 2,
            }),
            ..request
        };
        let samples = server.cube(wide).await.unwrap().images[0].samples();
        let expected = [&ABOVE[..4], &[outside], &ABOVE[4..], &[outside]].concat();
        assert_eq!(samples, expected, "{what}");
    }
}

#[tokio::test]
async fn a_south_up_request_gives_a_south_up_image() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let request = mosaic(&server, "v", f64::NAN, None).await;
    let south_up = pb::GeoTransform {
        d: 5_000_000. - 20.,
        f: 10.,
        ..request.pix_to_crs.unwrap()
    };
    let request = pb::GetCubeRequest {
        pix_to_crs: Some(south_up),
        ..request
    };
    let cube = server.cube(request).await.unwrap();
    assert_eq!(
        cube.images[0].samples(),
        [&ABOVE[4..], &ABOVE[..4]].concat()
    );
    assert_eq!(cube.header.geotransform, Some(south_up));
}

#[tokio::test]
async fn datasets_of_one_record_are_stacked_in_the_order_of_their_creation() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let bytes = format(Dtype::UInt8, 0., 0., 255.);
    let (_, instance) = server.variable("v", bytes, 1).await;
    let record = server.record("r", 0).await;
    for value in 1..=9 {
        let name = format!("{value}.tif");
        Raster::utm("Byte", 1, 1, vec![f64::from(value)]).write(&server.path(&name));
        server
            .index(
                &server.uri(&name),
                vec![dataset(&record, &instance, bytes, &[1])],
            )
            .await
            .unwrap();
        let cube = server.cube(utm_request(&instance, 1, 1)).await.unwrap();
        assert_eq!(cube.images[0].samples(), [f64::from(value)]);
    }
}
