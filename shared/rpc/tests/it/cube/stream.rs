//! The grammar of the stream.

use crate::harness::Server;
use crate::harness::catalogue::{dataset, format};
use crate::harness::cube::{groups, utm_request};
use crate::harness::raster::{Raster, have_gdal};
use rpc::pb::data_format::Dtype;
use rpc::pb::{self, Resampling, Shape};

/// A service with one record whose image is `bands` times `width` by `height` samples.
async fn serve_image(
    dtype: Dtype,
    gdal_type: &'static str,
    bands: Vec<Vec<f64>>,
    (width, height): (usize, usize),
) -> Option<(Server, pb::GetCubeRequest)> {
    let server = Server::start().await?;
    if !have_gdal() {
        return None;
    }
    let no_data = if dtype == Dtype::UInt8 || dtype == Dtype::UInt16 {
        f64::NAN
    } else {
        -9999.
    };
    let format = format(dtype, no_data, 0., 255.);
    let (_, instance) = server.variable("v", format, bands.len()).await;
    let record = server.record("r", 0).await;
    let numbers: Vec<i64> = (1..=bands.len() as i64).collect();
    Raster {
        bands,
        ..Raster::utm(gdal_type, width, height, vec![0.; width * height])
    }
    .write(&server.path("a.tif"));
    server
        .index(
            &server.uri("a.tif"),
            vec![dataset(&record, &instance, format, &numbers)],
        )
        .await
        .unwrap();
    let request = pb::GetCubeRequest {
        records_lister: groups(&[&[&record]]),
        ..utm_request(&instance, width as i32, height as i32)
    };
    Some((server, request))
}

/// Samples that hardly compress.
fn noise(count: usize, levels: u64) -> Vec<f64> {
    let mut state = 88_172_645_463_325_252_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % levels) as f64
    };
    (0..count).map(next).collect()
}

#[tokio::test]
async fn every_compression_level_carries_the_same_image() {
    let samples = noise(300 * 1000, 60_000);
    let Some((server, request)) =
        serve_image(Dtype::UInt16, "UInt16", vec![samples.clone()], (300, 1000)).await
    else {
        return;
    };
    for level in -3..=9 {
        for protocol_v11x in [false, true] {
            let request = pb::GetCubeRequest {
                compression_level: level,
                protocol_v11x,
                ..request.clone()
            };
            let cube = server.cube(request).await.unwrap();
            let image = &cube.images[0];
            assert!(image.samples() == samples, "level {level}");
            assert_eq!(image.header.compression, level != -3, "level {level}");
            assert_eq!(
                (image.header.nb_parts, image.header.size),
                (2, 600_000),
                "level {level}"
            );
            assert!(!protocol_v11x || level != -3 || image.chunks.len() == 1);
        }
    }
}

#[tokio::test]
async fn parts_are_counted_before_compression() {
    // (type, bands, width and height, size, parts)
    for (dtype, gdal_type, bands, (width, height), size, parts) in [
        (Dtype::UInt8, "Byte", 1, (256, 256), 65_536, 1),
        (Dtype::Float32, "Float32", 1, (512, 512), 1_048_576, 2),
        (Dtype::UInt16, "UInt16", 1, (513, 512), 525_312, 2),
        (Dtype::UInt16, "UInt16", 3, (1000, 1000), 6_000_000, 12),
    ] {
        let zeros = vec![vec![0.; width * height]; bands];
        let Some((server, request)) = serve_image(dtype, gdal_type, zeros, (width, height)).await
        else {
            return;
        };
        // (level, protocol_v11x, chunks behind the header, bytes within the header when known)
        let all = parts - 1;
        for (level, protocol_v11x, chunks, first) in [
            (-3, false, all, Some(size.min(524_288))),
            (-3, true, all, Some(size.min(524_288))),
            (6, false, all, None),
            (6, true, all.min(1), None),
        ] {
            let request = pb::GetCubeRequest {
                compression_level: level,
                protocol_v11x,
                ..request.clone()
            };
            let image = server.cube(request).await.unwrap().images.remove(0);
            let what = format!("{dtype:?} {width}x{height} level {level} v11x {protocol_v11x}");
            assert_eq!(
                (image.header.nb_parts, image.header.size),
                (parts, size),
                "{what}"
            );
            assert_eq!(image.chunks.len(), chunks as usize, "{what}");
            assert!(image.bytes().iter().all(|byte| *byte == 0), "{what}");
            match first {
                Some(first) => assert_eq!(image.header.data.len() as i64, first, "{what}"),
                None => assert!(
                    image.chunks.iter().all(|chunk| chunk.data.is_empty()),
                    "{what}: one part holds it all"
                ),
            }
            let shape = Shape {
                dim1: bands as i32,
                dim2: width as i32,
                dim3: height as i32,
            };
            assert_eq!(
                (image.header.shape, image.header.dtype(), image.header.order),
                (Some(shape), dtype, 0)
            );
        }
    }
}

#[tokio::test]
async fn bands_are_interleaved_by_pixel() {
    let bands = vec![
        vec![1., 2., 3., 4., 5., 6.],
        vec![11., 12., 13., 14., 15., 16.],
        vec![21., 22., 23., 24., 25., 26.],
    ];
    let Some((server, request)) = serve_image(Dtype::Int16, "Int16", bands, (3, 2)).await else {
        return;
    };
    let image = server.cube(request).await.unwrap().images.remove(0);
    let expected = [
        1., 11., 21., 2., 12., 22., 3., 13., 23., 4., 14., 24., 5., 15., 25., 6., 16., 26.,
    ];
    assert_eq!(
        (image.shape(), image.samples().as_slice()),
        ((3, 3, 2), &expected[..])
    );
}

#[tokio::test]
async fn the_global_header_tells_what_was_resolved() {
    let Some((server, request)) =
        serve_image(Dtype::Int16, "Int16", vec![vec![7.; 4]], (2, 2)).await
    else {
        return;
    };
    for (asked, resolved) in [
        (0, Resampling::Near),
        (Resampling::Cubic.into(), Resampling::Cubic),
    ] {
        let request = pb::GetCubeRequest {
            resampling_alg: asked,
            ..request.clone()
        };
        let cube = server.cube(request.clone()).await.unwrap();
        let header = cube.header;
        assert_eq!(
            (header.count, header.nb_datasets, header.resampling_alg()),
            (1, 1, resolved)
        );
        assert_eq!(
            (header.geotransform, header.crs),
            (request.pix_to_crs, request.crs)
        );
        assert_eq!(
            header.ref_dformat,
            Some(format(Dtype::Int16, -9999., 0., 255.))
        );
    }
}

#[tokio::test]
async fn headers_alone_open_no_file() {
    let Some((server, request)) =
        serve_image(Dtype::Int16, "Int16", vec![vec![-9999.; 4]], (2, 2)).await
    else {
        return;
    };
    std::fs::remove_file(server.path("a.tif")).unwrap();
    for (level, compression) in [(-3, false), (0, true), (6, true)] {
        let request = pb::GetCubeRequest {
            headers_only: true,
            compression_level: level,
            ..request.clone()
        };
        let image = server.cube(request).await.unwrap().images.remove(0);
        let header = &image.header;
        assert_eq!(
            (
                header.nb_parts,
                header.size,
                header.data.len(),
                image.chunks.len()
            ),
            (0, 0, 0, 0)
        );
        assert_eq!(
            (header.compression, header.error.as_str()),
            (compression, "")
        );
        assert_eq!(
            (image.shape(), header.dtype(), image.records().len()),
            ((1, 2, 2), Dtype::Int16, 1)
        );
        let meta = &header.dataset_meta.as_ref().unwrap().internals_meta;
        assert_eq!(
            (meta.len(), &meta[0].container_uri),
            (1, &server.uri("a.tif"))
        );
    }
}

#[tokio::test]
async fn an_image_that_cannot_be_read_is_an_error_of_its_own() {
    let Some((server, request)) =
        serve_image(Dtype::Int16, "Int16", vec![vec![5.; 64 * 64]], (64, 64)).await
    else {
        return;
    };
    let whole = std::fs::read(server.path("a.tif")).unwrap();
    for (what, damaged) in [
        ("missing", None),
        ("empty", Some(&[][..])),
        ("truncated", Some(&whole[..whole.len() / 2])),
    ] {
        match damaged {
            None => std::fs::remove_file(server.path("a.tif")).unwrap(),
            Some(bytes) => std::fs::write(server.path("a.tif"), bytes).unwrap(),
        }
        let image = server.cube(request.clone()).await.unwrap().images.remove(0);
        let header = &image.header;
        assert!(!header.error.is_empty(), "{what}");
        assert_eq!(
            (header.shape, header.data.len(), header.nb_parts),
            (None, 0, 0),
            "{what}"
        );
        assert_eq!(image.records().len(), 1, "{what}");
        assert_eq!(
            header.dataset_meta.as_ref().unwrap().internals_meta.len(),
            1,
            "{what}"
        );
        assert!(
            !header.error.contains("desc = Not enough valid pixels"),
            "{what}: {}",
            header.error
        );
    }
    std::fs::write(server.path("a.tif"), whole).unwrap();
    assert!(
        server.cube(request).await.unwrap().images[0]
            .samples()
            .iter()
            .all(|sample| *sample == 5.)
    );
}
