//! Files and datasets that are not indexed.

use super::indexing::{Indexing, UNIT};
use crate::harness::answers::{invalid, refused, refused_on};
use crate::harness::catalogue::{UNKNOWN, format};
use crate::harness::raster::Raster;
use rpc::pb;
use rpc::pb::data_format::Dtype;
use tonic::Code;

#[tokio::test]
async fn malformed_datasets_are_refused() {
    let Some(test) = Indexing::start().await else {
        return;
    };
    let (server, fine) = (&test.server, || test.dataset());
    let exponent = |exponent| pb::Dataset { exponent, ..fine() };
    let range = |min, max| pb::Dataset {
        real_min_value: min,
        real_max_value: max,
        ..fine()
    };
    let of = |format| pb::Dataset {
        dformat: Some(format),
        ..fine()
    };
    let dtype = |dtype| of(pb::DataFormat { dtype, ..UNIT });
    let bands = |bands: &[i64]| pb::Dataset {
        bands: bands.to_vec(),
        ..fine()
    };
    let subdir = |subdir: &str| pb::Dataset {
        container_subdir: subdir.to_owned(),
        ..fine()
    };
    for (fragment, malformed) in [
        (
            "Invalid record id: x",
            pb::Dataset {
                record_id: "x".to_owned(),
                ..fine()
            },
        ),
        (
            "Invalid instance id: x",
            pb::Dataset {
                instance_id: "x".to_owned(),
                ..fine()
            },
        ),
        (
            "dformat",
            pb::Dataset {
                dformat: None,
                ..fine()
            },
        ),
        ("Invalid Dataset.DataMapping", exponent(0.)),
        ("Invalid Dataset.DataMapping", exponent(-1.)),
        ("Invalid Dataset.DataMapping", exponent(f64::NAN)),
        ("Invalid Dataset.DataMapping", exponent(f64::INFINITY)),
        ("Invalid Dataset.DataMapping", range(1., 0.)),
        ("Invalid Dataset.DataMapping", range(f64::NAN, 1.)),
        ("Invalid Dataset.DataMapping", range(0., f64::INFINITY)),
        ("does not intersect", range(1., 2.)),
        ("Invalid Dataset.D", of(format(Dtype::Float32, 0., 1., 0.))),
        ("dtype", dtype(99)),
        ("dtype", dtype(-1)),
        ("COMPLEX64", of(format(Dtype::Complex64, 0., 0., 1.))),
        ("Wrong number of bands in dataset", bands(&[1, 1])),
        ("expected at least one band", bands(&[])),
        ("has no band: 4", bands(&[4])),
        ("Invalid Dataset.bands: 0", bands(&[0])),
        ("Invalid Dataset.bands: -1", bands(&[-1])),
        (
            "Invalid Dataset.bands: 9223372036854775807",
            bands(&[i64::MAX]),
        ),
        ("cannot be opened", subdir("GTIFF_DIR:2")),
        ("", subdir("/vsicurl/http://127.0.0.1/")),
        ("", subdir("VRT")),
        ("", subdir("GTIFF_DIR:0")),
        ("", subdir("\0")),
    ] {
        let text = format!("{malformed:?}");
        let answer = server.index(&test.uri, vec![malformed]).await;
        assert!(answer.is_err(), "{text}");
        invalid(answer, fragment);
    }
    let record = pb::Dataset {
        record_id: UNKNOWN.to_owned(),
        ..fine()
    };
    let text = format!("Dataset with record_id: {UNKNOWN}");
    refused_on(
        server.index(&test.uri, vec![record]).await,
        Code::NotFound,
        &text,
        "Dataset",
        UNKNOWN,
    );
    let instance = pb::Dataset {
        instance_id: UNKNOWN.to_owned(),
        ..fine()
    };
    let text = format!("Variable Instance with id: {UNKNOWN}");
    refused_on(
        server.index(&test.uri, vec![instance]).await,
        Code::NotFound,
        &text,
        "Variable Instance",
        UNKNOWN,
    );
    refused(
        server.containers(&[&test.uri]).await,
        Code::NotFound,
        "Container with uri",
    );
}

#[tokio::test]
async fn files_that_cannot_be_used_are_refused() {
    let Some(test) = Indexing::start().await else {
        return;
    };
    let server = &test.server;
    let plain = Raster::utm("Float32", 64, 64, vec![0.5; 4096]);
    plain.write_bare(&server.path("bare.tif"), &[]);
    plain.write_bare(
        &server.path("no-crs.tif"),
        &["-a_ullr", "0", "64", "64", "0"],
    );
    plain.write_bare(&server.path("no-transform.tif"), &["-a_srs", "EPSG:32631"]);
    for name in ["CFloat64", "CInt16", "CInt32"] {
        plain.write_with(&server.path(&format!("{name}.tif")), &["-ot", name]);
    }
    let band = |number, dtype| {
        format!(
            r#"<VRTRasterBand dataType="{dtype}" band="{number}"><SimpleSource>
               <SourceFilename relativeToVRT="1">a.tif</SourceFilename><SourceBand>1</SourceBand>
               </SimpleSource></VRTRasterBand>"#
        )
    };
    let mixed = format!(
        r#"<VRTDataset rasterXSize="100" rasterYSize="50"><SRS>EPSG:32631</SRS>
           <GeoTransform>400000, 10, 0, 5000000, 0, -10</GeoTransform>{}{}</VRTDataset>"#,
        band(1, "Float32"),
        band(2, "Byte")
    );
    std::fs::write(server.path("mixed.vrt"), mixed).unwrap();
    let (_, two) = server.variable("two", UNIT, 2).await;
    let of_two = pb::Dataset {
        instance_id: two,
        bands: vec![1, 2],
        ..test.dataset()
    };
    // the only kind of file with bands of two types is refused as such, before they are seen
    invalid(
        server.index(&server.uri("mixed.vrt"), vec![of_two]).await,
        "cannot be opened",
    );
    let whole = std::fs::read(server.path("a.tif")).unwrap();
    std::fs::write(server.path("truncated.tif"), &whole[..100]).unwrap();
    std::fs::write(server.path("empty.tif"), b"").unwrap();
    std::fs::write(server.path("text.tif"), b"not a raster").unwrap();
    std::fs::create_dir(server.path("folder.tif")).unwrap();
    for (name, fragment) in [
        ("bare.tif", "failed to get dataset's bounds"),
        ("no-crs.tif", "expected a reference system"),
        ("no-transform.tif", "expected an affine georeference"),
        ("CFloat64.tif", "not supported"),
        ("CInt16.tif", "not supported"),
        ("CInt32.tif", "not supported"),
        ("empty.tif", "cannot be opened"),
        ("text.tif", "cannot be opened"),
        ("folder.tif", "cannot be opened"),
        ("absent.tif", "cannot be opened"),
        ("truncated.tif", ""),
    ] {
        let answer = server.index(&server.uri(name), vec![test.dataset()]).await;
        assert!(answer.is_err(), "{name}");
        invalid(answer, fragment);
    }
    let file = format!("file://{}", test.uri);
    server.index(&file, vec![test.dataset()]).await.unwrap();
    let object = server.index("gs://bucket/a.tif", vec![test.dataset()]);
    invalid(object.await, "flag with-gcs");
    let up = format!("{}/../a.tif", server.folder.path().display());
    let long = format!("/{}", "x".repeat(5000));
    let name = "x".repeat(2049 - server.uri("").len());
    let length = "Container.uri: 2049 bytes, expected at most 2048";
    invalid(server.index(&server.uri(&name), vec![]).await, length);
    server.index(&server.uri(&name[1..]), vec![]).await.unwrap();
    for uri in [
        "",
        "a.tif",
        "./a.tif",
        "/etc/passwd",
        "/vsicurl/http://127.0.0.1/a.tif",
        "/vsimem/a.tif",
        "http://127.0.0.1/a.tif",
        "file://host/a.tif",
        "ftp://host/a.tif",
        "gs://",
        "gs:///a",
        "gs://no-such-bucket/a.tif",
        "s3://no-such-bucket/a.tif",
        "/a\0.tif",
        &up,
        &long,
    ] {
        let answer = server.index(uri, vec![test.dataset()]).await;
        assert!(answer.is_err(), "{uri:.100}");
        invalid(answer, "");
    }
    invalid(
        server
            .client()
            .index_datasets(pb::IndexDatasetsRequest::default())
            .await,
        "container",
    );
}

#[tokio::test]
async fn a_file_that_names_another_one_for_its_overviews_is_refused() {
    let Some(test) = Indexing::start().await else {
        return;
    };
    let server = &test.server;
    let filler = "x".repeat(1000);
    let raster = Raster::utm("Float32", 64, 64, vec![0.5; 4096]);
    let path = server.path("referring.tif");
    raster.write_with(&path, &["-mo", &format!("FILLER={filler}")]);
    server
        .index(&server.uri("referring.tif"), vec![test.dataset()])
        .await
        .unwrap();
    let placeholder = format!("<Item name=\"FILLER\">{filler}</Item>");
    let mut content = std::fs::read(&path).unwrap();
    let at = content
        .windows(placeholder.len())
        .position(|bytes| bytes == placeholder.as_bytes())
        .unwrap();
    let secret = server.folder.path().with_file_name("secret.tif");
    for overviews in [
        secret.to_str().unwrap(),
        "&lt;VRTDataset rasterXSize=\"32\" rasterYSize=\"32\"/&gt;",
        "PG:host=127.0.0.1",
    ] {
        let item = format!("<Item name=\"OVERVIEW_FILE\" domain=\"OVERVIEWS\">{overviews}</Item>");
        let padded = format!("{item:<width$}", width = placeholder.len());
        content[at..at + placeholder.len()].copy_from_slice(padded.as_bytes());
        let name = format!("referring-{}.tif", overviews.len());
        std::fs::write(server.path(&name), &content).unwrap();
        invalid(
            server.index(&server.uri(&name), vec![test.dataset()]).await,
            "it refers to another file for its overviews",
        );
    }
}
