use crate::harness::Server;
use crate::harness::answers::{invalid, refused, refused_on, resource};
use crate::harness::catalogue::{dataset, format};
use crate::harness::raster::{Raster, gdal, have_gdal};
use rpc::pb;
use rpc::pb::data_format::Dtype;
use tonic::Code;

pub const UNIT: pb::DataFormat = pb::DataFormat {
    dtype: Dtype::Float32 as i32,
    no_data: f64::NAN,
    min_value: 0.,
    max_value: 1.,
};

/// A service with the variable `v` of one Float32 band in [0, 1], an instance, a record, and the
/// file `a.tif`: 100 x 50 Float32 in UTM zone 31 north.
pub struct Indexing {
    pub server: Server,
    pub variable: String,
    pub instance: String,
    pub record: String,
    pub uri: String,
}

impl Indexing {
    pub async fn start() -> Option<Self> {
        Self::on(Server::start().await?).await
    }

    /// The same on a service that runs.
    pub async fn on(server: Server) -> Option<Self> {
        if !have_gdal() {
            return None;
        }
        let (variable, instance) = server.variable("v", UNIT, 1).await;
        let record = server.record("r", 0).await;
        Raster::utm("Float32", 100, 50, vec![0.5; 5000]).write(&server.path("a.tif"));
        let uri = server.uri("a.tif");
        Some(Self {
            server,
            variable,
            instance,
            record,
            uri,
        })
    }

    pub fn dataset(&self) -> pb::Dataset {
        dataset(&self.record, &self.instance, UNIT, &[1])
    }

    async fn stored(&self, uri: &str) -> Vec<pb::Dataset> {
        self.server
            .containers(&[uri])
            .await
            .unwrap()
            .remove(0)
            .datasets
    }
}

#[tokio::test]
async fn the_footprint_of_a_file_is_stored_in_its_own_system_and_on_the_globe() {
    let Some(test) = Indexing::start().await else {
        return;
    };
    test.server
        .index(&test.uri, vec![test.dataset()])
        .await
        .unwrap();
    let select = "SELECT ST_AsText(shape, 3), ST_SRID(shape), overviews FROM geocube.datasets";
    let Some(shape) = test.server.sql(select) else {
        return;
    };
    let ring = "400000 4999500,400000 5000000,401000 5000000,401000 4999500,400000 4999500";
    assert_eq!(shape, format!("MULTIPOLYGON((({ring})))|32631|f"));
    let vertices = [
        (1.72806712011822, 45.141893137633865),
        (1.727967039689767, 45.14639287617173),
        (1.740684272630693, 45.146533831290235),
        (1.740783353146235, 45.14203407076256),
    ];
    for column in ["geom", "geog::geometry"] {
        let points = format!(
            "SELECT ST_X(d.geom), ST_Y(d.geom) FROM (SELECT (ST_DumpPoints({column})).* FROM geocube.datasets) d"
        );
        let found = test.server.sql(&points).unwrap();
        let found: Vec<_> = found
            .lines()
            .map(|line| line.split_once('|').unwrap())
            .collect();
        assert_eq!(found.len(), 5, "{column}: {found:?}");
        for ((lon, lat), (x, y)) in vertices.iter().chain([&vertices[0]]).zip(found) {
            let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
            assert!(
                (x - lon).abs() < 1e-9 && (y - lat).abs() < 1e-9,
                "{column}: {x} {y}, expected {lon} {lat}"
            );
        }
    }
}

#[tokio::test]
async fn a_file_across_the_dateline_is_cut_on_the_globe_only() {
    let Some(test) = Indexing::start().await else {
        return;
    };
    let raster = Raster {
        crs: "EPSG:4326",
        origin: (170., 10.),
        pixel: 1.,
        ..Raster::utm("Float32", 20, 20, vec![0.; 400])
    };
    raster.write(&test.server.path("dateline.tif"));
    test.server
        .index(&test.server.uri("dateline.tif"), vec![test.dataset()])
        .await
        .unwrap();
    let columns = "ST_XMin(shape), ST_XMax(shape), ST_NumGeometries(geom), ST_NumGeometries(geog::geometry), \
                   ST_XMin(geom), ST_XMax(geom), ST_Area(geom)";
    let Some(found) = test
        .server
        .sql(&format!("SELECT {columns} FROM geocube.datasets"))
    else {
        return;
    };
    assert_eq!(found, "170|190|2|2|-180|180|400");
    for column in ["geom", "geog::geometry"] {
        let parts = format!(
            "SELECT ST_XMin(part.geom), ST_XMax(part.geom) FROM (SELECT (ST_Dump({column})).geom FROM geocube.datasets) part
             ORDER BY 1"
        );
        let parts = test.server.sql(&parts).unwrap();
        assert_eq!(parts, "-180|-170\n170|180", "{column}");
    }
    // great circles rise above the parallel between two vertices that lie on it
    let parallels = "SELECT ST_YMin(geog::geometry), ST_YMax(geog::geometry) FROM geocube.datasets";
    assert_eq!(test.server.sql(parallels).unwrap(), "-10|10");
}

/// Vertices of the footprint of the only dataset, on the globe.
fn on_the_globe(server: &Server) -> Option<Vec<(f64, f64)>> {
    let points = "SELECT ST_X(d.geom), ST_Y(d.geom) FROM (
        SELECT (ST_DumpPoints(geog::geometry)).* FROM geocube.datasets) d";
    let found = server.sql(points)?;
    let point = |line: &str| {
        let (x, y) = line.split_once('|').unwrap();
        (x.parse().unwrap(), y.parse().unwrap())
    };
    Some(found.lines().map(point).collect())
}

#[tokio::test]
async fn edges_on_the_globe_have_the_vertices_that_a_sphere_needs() {
    let meridians = (-8..=8).map(|step| (f64::from(step) * 22.5, 85.));
    let (west, middle, east) = (179.663_056_823_9, 184.154_633_244_5, 188.646_209_665);
    for (crs, origin, pixel, (width, height), vertices) in [
        (
            "EPSG:4326",
            (-180., 85.),
            1.,
            (360, 170),
            meridians.collect::<Vec<_>>(),
        ),
        (
            "EPSG:32701",
            (100_000., 7_700_000.),
            10_000.,
            (10, 11),
            vec![
                (179.133_740_747_7, -21.748_538_398_8),
                (179.159_568_306_3, -20.756_905_009_7),
                (180.118_608_508_5, -20.775_687_490_7),
                (180.099_204_994, -21.768_305_395_2),
            ],
        ),
        (
            "EPSG:3857",
            (20_000_000., 17_000_000.),
            1_000_000.,
            (1, 34),
            [west, middle, east]
                .map(|lon| (lon, -82.040_160_203_2))
                .to_vec(),
        ),
    ] {
        let Some(test) = Indexing::start().await else {
            return;
        };
        let raster = Raster {
            crs,
            origin,
            pixel,
            ..Raster::utm("Float32", width, height, vec![0.; width * height])
        };
        raster.write(&test.server.path("wide.tif"));
        test.server
            .index(&test.server.uri("wide.tif"), vec![test.dataset()])
            .await
            .unwrap();
        let Some(found) = on_the_globe(&test.server) else {
            return;
        };
        for (lon, lat) in vertices {
            // cut at the dateline, where 180 and -180 are one place
            let is_there = |(x, y): &(f64, f64)| {
                let turn = (x - lon).rem_euclid(360.);
                turn.min(360. - turn) < 1e-9 && (y - lat).abs() < 1e-9
            };
            assert!(
                found.iter().any(is_there),
                "{crs}: {lon} {lat} of {found:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_same_call_again_changes_nothing() {
    let Some(test) = Indexing::start().await else {
        return;
    };
    for managed in [false, false, true] {
        let container = pb::Container {
            uri: test.uri.clone(),
            managed,
            datasets: vec![test.dataset(), test.dataset()],
        };
        let request = pb::IndexDatasetsRequest {
            container: Some(container),
        };
        test.server.client().index_datasets(request).await.unwrap();
        let found = test
            .server
            .containers(&[&test.uri])
            .await
            .unwrap()
            .remove(0);
        assert_eq!((found.datasets.len(), found.managed), (1, false));
    }
}

#[tokio::test]
async fn bands_belong_to_one_dataset() {
    let Some(test) = Indexing::start().await else {
        return;
    };
    let server = &test.server;
    server.index(&test.uri, vec![test.dataset()]).await.unwrap();
    let other_record = server.record("other", 1).await;
    let (_, other_instance) = server.variable("other", UNIT, 1).await;
    for (reason, other) in [
        (
            format!("of another record ({})", test.record),
            pb::Dataset {
                record_id: other_record,
                ..test.dataset()
            },
        ),
        (
            format!("of another instance ({})", test.instance),
            pb::Dataset {
                instance_id: other_instance,
                ..test.dataset()
            },
        ),
        (
            "with another datamapping".to_owned(),
            pb::Dataset {
                exponent: 2.,
                ..test.dataset()
            },
        ),
    ] {
        let answer = server.index(&test.uri, vec![other]).await;
        let status = refused(answer, Code::AlreadyExists, "A dataset ");
        let text = format!(
            "A dataset {reason} already refers to the container {}, the subdir '' and one of the bands among: 1",
            test.uri
        );
        assert_eq!(status.message(), text);
        let (kind, name, _) = resource(&status);
        assert_eq!((kind.as_str(), name.as_str()), ("dataset", "/1"));
    }
    let directory = pb::Dataset {
        container_subdir: "GTIFF_DIR:1".to_owned(),
        ..test.dataset()
    };
    server.index(&test.uri, vec![directory]).await.unwrap();
    assert_eq!(test.stored(&test.uri).await.len(), 2);

    let doomed = "UPDATE geocube.datasets SET status = 'TODELETE' WHERE subdir <> ''";
    if server.sql(doomed).is_some() {
        let elsewhere = pb::Dataset {
            container_subdir: "GTIFF_DIR:1".to_owned(),
            ..test.dataset()
        };
        let answer = server.index(&test.uri, vec![elsewhere]).await;
        let text = "A dataset with the status TODELETE";
        refused_on(answer, Code::AlreadyExists, text, "dataset", "TODELETE");
        // whatever is to be indexed there, be it there already
        let again = server.index(&test.uri, vec![test.dataset()]).await;
        refused_on(again, Code::AlreadyExists, text, "dataset", "TODELETE");
    }
}

#[tokio::test]
async fn the_type_of_the_file_replaces_the_announced_one() {
    let Some(test) = Indexing::start().await else {
        return;
    };
    let server = &test.server;
    let of = |format| pb::Dataset {
        dformat: Some(format),
        real_min_value: 0.,
        real_max_value: 1.,
        ..test.dataset()
    };
    for (name, dtype) in [("a.tif", Dtype::Undefined), ("b.tif", Dtype::UInt8)] {
        Raster::utm("Float32", 2, 2, vec![0.; 4]).write(&server.path(name));
        server
            .index(&server.uri(name), vec![of(format(dtype, 0., 0., 1.))])
            .await
            .unwrap();
        assert_eq!(
            test.stored(&server.uri(name)).await[0]
                .dformat
                .unwrap()
                .dtype(),
            Dtype::Float32
        );
    }
    Raster::utm("Int8", 2, 2, vec![-5.; 4]).write(&server.path("int8.tif"));
    server
        .index(
            &server.uri("int8.tif"),
            vec![of(format(Dtype::Int8, -128., -10., 10.))],
        )
        .await
        .unwrap();
    assert_eq!(
        test.stored(&server.uri("int8.tif")).await[0]
            .dformat
            .unwrap()
            .dtype(),
        Dtype::Int8
    );

    Raster::utm("Byte", 2, 2, vec![0.; 4]).write(&server.path("byte.tif"));
    let wide = server
        .index(
            &server.uri("byte.tif"),
            vec![of(format(Dtype::Undefined, 0., 0., 300.))],
        )
        .await;
    invalid(
        wide,
        "Invalid Dataset.DFormat ((UINT8 [0 -> 300], nodata:0)",
    );
}

#[tokio::test]
async fn bands_are_chosen_by_their_numbers() {
    let Some(test) = Indexing::start().await else {
        return;
    };
    let server = &test.server;
    let (_, instance) = server.variable("three", UNIT, 3).await;
    let three = Raster {
        bands: vec![vec![0.; 4]; 3],
        ..Raster::utm("Float32", 2, 2, vec![0.; 4])
    };
    three.write(&server.path("three.tif"));
    let of = |bands: &[i64]| pb::Dataset {
        instance_id: instance.clone(),
        bands: bands.to_vec(),
        ..test.dataset()
    };
    let uri = server.uri("three.tif");
    invalid(
        server.index(&uri, vec![of(&[1, 2, 4])]).await,
        "has no band: 4",
    );
    invalid(
        server.index(&uri, vec![of(&[1, 2])]).await,
        "Wrong number of bands in dataset",
    );
    server.index(&uri, vec![of(&[3, 1, 2])]).await.unwrap();
    assert_eq!(
        test.stored(&uri).await[0].bands,
        [3, 1, 2],
        "in the order given"
    );
}

#[tokio::test]
async fn the_footprint_of_a_rotated_file_holds_its_four_corners() {
    let Some(test) = Indexing::start().await else {
        return;
    };
    let rotated = r#"<VRTDataset rasterXSize="100" rasterYSize="50"><SRS>EPSG:32631</SRS>
        <GeoTransform>400000, 8, 6, 5000000, 6, -8</GeoTransform>
        <VRTRasterBand dataType="Float32" band="1"><SimpleSource>
        <SourceFilename relativeToVRT="1">a.tif</SourceFilename><SourceBand>1</SourceBand>
        </SimpleSource></VRTRasterBand></VRTDataset>"#;
    let (vrt, tif) = (
        test.server.path("rotated.vrt"),
        test.server.path("rotated.tif"),
    );
    std::fs::write(&vrt, rotated).unwrap();
    gdal("gdal_translate", &["-q"], &[&vrt, &tif]);
    let uri = test.server.uri("rotated.tif");
    test.server.index(&uri, vec![test.dataset()]).await.unwrap();
    let select = "SELECT ST_AsText(shape, 0) FROM geocube.datasets";
    let Some(shape) = test.server.sql(select) else {
        return;
    };
    let ring = "400000 4999600,400000 5000600,401100 5000600,401100 4999600,400000 4999600";
    assert_eq!(shape, format!("MULTIPOLYGON((({ring})))"));
}

#[tokio::test]
async fn overviews_are_noted_and_compared() {
    let Some(test) = Indexing::start().await else {
        return;
    };
    let server = &test.server;
    server.index(&test.uri, vec![test.dataset()]).await.unwrap();
    let path = server.path("a.tif");
    gdal("gdaladdo", &["-q"], &[&path, "2".as_ref()]);
    let again = server.index(&test.uri, vec![test.dataset()]).await;
    let reason = "A dataset with different overviews already refers to the container ";
    refused_on(again, Code::AlreadyExists, reason, "dataset", "/1");
    std::fs::copy(&path, server.path("reduced.tif")).unwrap();
    let reduced = server.uri("reduced.tif");
    server.index(&reduced, vec![test.dataset()]).await.unwrap();
    let stored = "SELECT container_uri, overviews FROM geocube.datasets ORDER BY 2";
    if let Some(stored) = server.sql(stored) {
        assert_eq!(stored, format!("{}|f\n{reduced}|t", test.uri));
    }
}
