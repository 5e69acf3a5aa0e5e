//! Palettes and consolidation parameters.

use crate::harness::Server;
use crate::harness::answers::{invalid, refused, refused_on};
use crate::harness::catalogue::{UNKNOWN, format, map, new_variable};
use rpc::pb::consolidation_params::Compression;
use rpc::pb::data_format::Dtype;
use rpc::pb::{self, Resampling};
use std::collections::BTreeMap;
use tonic::{Code, Status};

fn point(value: f32, r: u32, a: u32) -> pb::ColorPoint {
    pb::ColorPoint {
        value,
        r,
        g: 0,
        b: 0,
        a,
    }
}

async fn palette(
    server: &Server,
    name: &str,
    colors: &[pb::ColorPoint],
    replace: bool,
) -> Result<(), Status> {
    let palette = Some(pb::Palette {
        name: name.to_owned(),
        colors: colors.to_vec(),
    });
    server
        .client()
        .create_palette(pb::CreatePaletteRequest { palette, replace })
        .await?;
    Ok(())
}

#[tokio::test]
async fn palettes_are_replaced_only_when_asked() {
    let Some(server) = Server::start().await else {
        return;
    };
    let red = [point(0., 0, 255), point(1., 255, 255)];
    let blue = [point(0., 0, 255), point(0.5, 7, 255), point(1., 25, 255)];
    palette(&server, "ramp", &red, false).await.unwrap();
    palette(&server, "ramp", &red, false).await.unwrap();
    let text = "Palette with name: ramp";
    refused_on(
        palette(&server, "ramp", &blue, false).await,
        Code::AlreadyExists,
        text,
        "Palette",
        "ramp",
    );
    palette(&server, "ramp", &blue, true).await.unwrap();
    palette(&server, "ramp", &blue, false).await.unwrap();
    let unsorted = [blue[2], blue[1], blue[0]];
    palette(&server, "ramp", &unsorted, false).await.unwrap();
    // what is stored is what was checked
    let fine = [red[0], point(0.123_456_7, 7, 255), red[1]];
    for _ in 0..2 {
        palette(&server, "fine", &fine, false).await.unwrap();
    }
    let dense = [
        red[0],
        point(0.5, 7, 255),
        point(0.500_000_1, 8, 255),
        red[1],
    ];
    let answer = palette(&server, "dense", &dense, false).await;
    invalid(answer, "strictly increasing");
}

#[tokio::test]
async fn colours_are_stored_as_numbers_in_the_order_of_their_positions() {
    let Some(server) = Server::start().await else {
        return;
    };
    let unsorted = [
        point(1., 255, 255),
        point(0.123_456_7, 1, 0),
        point(0., 0, 255),
    ];
    palette(&server, "ramp", &unsorted, false).await.unwrap();
    let points = "SELECT p.value, p.rgba FROM geocube.palette, UNNEST(points) p";
    if let Some(stored) = server.sql(points) {
        assert_eq!(stored, "0|4278190080\n0.123457|65536\n1|4294901760");
    }
}

#[tokio::test]
async fn malformed_palettes_are_refused() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (first, last) = (point(0., 0, 255), point(1., 0, 255));
    for colors in [
        &[][..],
        &[first],
        &[point(0.1, 0, 255), last],
        &[first, point(0.9, 0, 255)],
        &[first, point(0.5, 0, 255), point(0.5, 1, 255), last],
        &[first, point(f32::NAN, 0, 255), last],
        &[first, point(f32::INFINITY, 0, 255)],
        &[first, point(1., 300, 255)],
        &[first, point(1., 0, 256)],
    ] {
        invalid(palette(&server, "ramp", colors, true).await, "Palette");
    }
    invalid(
        palette(&server, "wrong name", &[first, last], false).await,
        "Palette.name",
    );
    invalid(
        server
            .client()
            .create_palette(pb::CreatePaletteRequest::default())
            .await,
        "palette",
    );
}

#[tokio::test]
async fn a_palette_colours_one_band_and_must_exist() {
    let Some(server) = Server::start().await else {
        return;
    };
    let float = format(Dtype::Float32, f64::NAN, 0., 1.);
    let with = |bands| pb::Variable {
        palette: "ramp".to_owned(),
        ..new_variable("v", float, bands)
    };
    let unknown = server.create_variable(with(1)).await;
    refused_on(
        unknown,
        Code::NotFound,
        "Palette with name: ramp",
        "Palette",
        "ramp",
    );
    palette(
        &server,
        "ramp",
        &[point(0., 0, 255), point(1., 0, 255)],
        false,
    )
    .await
    .unwrap();
    invalid(server.create_variable(with(2)).await, "palette");
    server.create_variable(with(1)).await.unwrap();
}

fn params(
    dtype: Dtype,
    compression: Compression,
    options: &[(&str, &str)],
) -> pb::ConsolidationParams {
    pb::ConsolidationParams {
        dformat: Some(format(dtype, 0., 0., 100.)),
        exponent: 1.0,
        resampling_alg: Resampling::Bilinear.into(),
        compression: compression.into(),
        creation_params: map(options),
        ..Default::default()
    }
}

async fn set(
    server: &Server,
    id: &str,
    params: Option<pb::ConsolidationParams>,
) -> Result<(), Status> {
    let request = pb::ConfigConsolidationRequest {
        variable_id: id.to_owned(),
        consolidation_params: params,
    };
    server.client().config_consolidation(request).await?;
    Ok(())
}

async fn read(server: &Server, id: &str) -> Result<pb::ConsolidationParams, Status> {
    let request = pb::GetConsolidationParamsRequest {
        variable_id: id.to_owned(),
    };
    Ok(server
        .client()
        .get_consolidation_params(request)
        .await?
        .into_inner()
        .consolidation_params
        .unwrap())
}

/// Options with and without the suffix for overviews.
fn twice(options: &[(&str, &str)]) -> BTreeMap<String, String> {
    let overview = options
        .iter()
        .map(|(key, value)| (format!("{key}_OVERVIEW"), (*value).to_owned()));
    map(options).into_iter().chain(overview).collect()
}

#[tokio::test]
async fn compressions_set_their_options() {
    let Some(server) = Server::start().await else {
        return;
    };
    let float = format(Dtype::Float32, f64::NAN, 0., 1.);
    let (id, _) = server.variable("v", float, 1).await;
    let text = format!("ConsolidationParams with id: {id}");
    refused_on(
        read(&server, &id).await,
        Code::NotFound,
        &text,
        "ConsolidationParams",
        &id,
    );
    let jpeg = [("COMPRESS", "JPEG"), ("JPEG_QUALITY", "2")];
    let mut lossy = twice(&[("COMPRESS", "LERC"), ("MAX_Z_ERROR", "0.01")]);
    lossy.extend(map(&[("JPEG_QUALITY", "2")]));
    let lerc = |error| twice(&[("COMPRESS", "LERC_ZSTD"), ("MAX_Z_ERROR", error)]);
    let zstd = [
        ("COMPRESS", "ZSTD"),
        ("PREDICTOR", "2"),
        ("ZSTD_LEVEL", "0.01"),
    ];
    for dtype in [
        Dtype::Float32,
        Dtype::UInt8,
        Dtype::Int8,
        Dtype::Int16,
        Dtype::UInt32,
    ] {
        set(
            &server,
            &id,
            Some(params(dtype, Compression::Lossless, &[])),
        )
        .await
        .unwrap();
        let found = read(&server, &id).await.unwrap();
        assert_eq!(found.creation_params, twice(&zstd), "{dtype:?}");
        assert_eq!(
            (found.dformat.unwrap().dtype(), found.resampling_alg()),
            (dtype, Resampling::Bilinear)
        );
    }
    for (given, expected) in [
        (
            params(Dtype::Float32, Compression::No, &[("ZLEVEL", "3")]),
            map(&[("ZLEVEL", "3")]),
        ),
        (
            params(Dtype::UInt8, Compression::No, &[("INTERLEAVE", "BAND")]),
            map(&[("INTERLEAVE", "BAND")]),
        ),
        (params(Dtype::Float32, Compression::Lossy, &jpeg), lossy),
        (
            params(Dtype::Float64, Compression::Lossless, &[]),
            lerc("0"),
        ),
        (
            params(Dtype::Float64, Compression::Lossy, &[]),
            lerc("0.01"),
        ),
        (params(Dtype::UInt8, Compression::Custom, &jpeg), map(&jpeg)),
    ] {
        set(&server, &id, Some(given.clone())).await.unwrap();
        assert_eq!(
            read(&server, &id).await.unwrap().creation_params,
            expected,
            "{given:?}"
        );
    }
}

#[tokio::test]
async fn malformed_parameters_are_refused() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (id, _) = server
        .variable("v", format(Dtype::Float32, f64::NAN, 0., 1.), 1)
        .await;
    let fine = || params(Dtype::Float32, Compression::No, &[]);
    let jpeg = [("COMPRESS", "JPEG")];
    for (fragment, malformed) in [
        ("", params(Dtype::UInt8, Compression::Custom, &[])),
        ("", params(Dtype::Float32, Compression::Custom, &jpeg)),
        (
            "",
            params(Dtype::UInt8, Compression::Custom, &[("COMPRESS", "ZSTD")]),
        ),
        (
            "FOO",
            params(Dtype::Float32, Compression::No, &[("FOO", "1")]),
        ),
        (
            "creationParams COMPRESS: \"FOO\", expected NONE, ",
            params(Dtype::UInt8, Compression::No, &[("COMPRESS", "FOO")]),
        ),
        (
            "creationParams ZSTD_LEVEL: \"x\"",
            params(Dtype::UInt8, Compression::No, &[("ZSTD_LEVEL", "x")]),
        ),
        (
            "creationParams INTERLEAVE: \"LINE\", expected PIXEL or BAND",
            params(Dtype::Float32, Compression::No, &[("INTERLEAVE", "LINE")]),
        ),
        (
            "unknown creationParams INTERLEAVE_OVERVIEW",
            params(
                Dtype::Float32,
                Compression::No,
                &[("INTERLEAVE_OVERVIEW", "BAND")],
            ),
        ),
        (
            "compressionOption JPEG not supported for data type FLOAT32",
            params(Dtype::Float32, Compression::No, &jpeg),
        ),
        (
            "creationParams COMPRESS: \"WEBP\", expected 3 bands",
            params(Dtype::UInt8, Compression::No, &[("COMPRESS", "WEBP")]),
        ),
        (
            "creationParams PHOTOMETRIC: \"YCBCR\"",
            params(
                Dtype::UInt8,
                Compression::Custom,
                &[("COMPRESS", "JPEG"), ("PHOTOMETRIC", "YCBCR")],
            ),
        ),
        ("", params(Dtype::Complex64, Compression::Lossy, &[])),
        (
            "ConsolidationParams: DataFormats are not compatible",
            params(Dtype::Complex64, Compression::No, &[]),
        ),
        (
            "compression",
            pb::ConsolidationParams {
                compression: 99,
                ..fine()
            },
        ),
        (
            "storage_class",
            pb::ConsolidationParams {
                storage_class: 99,
                ..fine()
            },
        ),
        (
            "Resampling algorithm cannot be undefined",
            pb::ConsolidationParams {
                resampling_alg: 0,
                ..fine()
            },
        ),
        (
            "resampling",
            pb::ConsolidationParams {
                resampling_alg: 99,
                ..fine()
            },
        ),
        (
            "dformat",
            pb::ConsolidationParams {
                dformat: None,
                ..fine()
            },
        ),
        (
            "xponent",
            pb::ConsolidationParams {
                exponent: 0.,
                ..fine()
            },
        ),
        (
            "xponent",
            pb::ConsolidationParams {
                exponent: f64::NAN,
                ..fine()
            },
        ),
        (
            "xponent",
            pb::ConsolidationParams {
                exponent: f64::INFINITY,
                ..fine()
            },
        ),
        (
            "",
            pb::ConsolidationParams {
                dformat: Some(format(Dtype::Float32, 0., 2., 1.)),
                ..fine()
            },
        ),
        (
            "",
            pb::ConsolidationParams {
                dformat: Some(format(Dtype::Undefined, 0., 0., 1.)),
                ..fine()
            },
        ),
    ] {
        invalid(set(&server, &id, Some(malformed)).await, fragment);
    }
    invalid(set(&server, &id, None).await, "consolidation_params");
    invalid(
        set(&server, "x", Some(fine())).await,
        "Invalid Variable.uuid",
    );
    refused(
        set(&server, UNKNOWN, Some(fine())).await,
        Code::NotFound,
        "Variable with id",
    );
    invalid(read(&server, "x").await, "Invalid Variable.uuid");
    refused(
        read(&server, &id).await,
        Code::NotFound,
        "ConsolidationParams with id",
    );
}
