//! Which records make which image, in which order.

use crate::harness::Server;
use crate::harness::catalogue::{UNKNOWN, YEAR_2020, at, dataset, format, map};
use crate::harness::cube::{groups, records, utm_request};
use crate::harness::raster::{Raster, have_gdal};
use rpc::pb;
use rpc::pb::data_format::Dtype;
use rpc::pb::get_cube_request::RecordsLister;

/// Text that the Python client compares to skip an image.
pub const EMPTY: &str = "rpc error: code = NotFound desc = Not enough valid pixels (skipped)";

/// Records `r0`, `r1`, … of one pixel each, whose value is their number plus one; 0 is nodata.
struct Series {
    server: Server,
    ids: Vec<String>,
    request: pb::GetCubeRequest,
    instance: String,
}

impl Series {
    /// `days` of the records; their tag `day` is their number.
    async fn start(days: &[i64]) -> Option<Self> {
        let server = Server::start().await?;
        if !have_gdal() {
            return None;
        }
        let bytes = format(Dtype::UInt8, 0., 0., 255.);
        let (_, instance) = server.variable("v", bytes, 1).await;
        let mut ids = Vec::new();
        for (number, day) in days.iter().enumerate() {
            let name = format!("r{number}.tif");
            let id = server
                .tagged_record(&format!("r{number}"), *day, &[("n", &number.to_string())])
                .await;
            Raster::utm("Byte", 1, 1, vec![number as f64 + 1.]).write(&server.path(&name));
            server
                .index(
                    &server.uri(&name),
                    vec![dataset(&id, &instance, bytes, &[1])],
                )
                .await
                .unwrap();
            ids.push(id);
        }
        let request = utm_request(&instance, 1, 1);
        Some(Self {
            server,
            ids,
            request,
            instance,
        })
    }

    /// The value of each image.
    async fn values(&self, lister: Option<RecordsLister>) -> Vec<f64> {
        let request = pb::GetCubeRequest {
            records_lister: lister,
            ..self.request.clone()
        };
        let cube = self.server.cube(request).await.unwrap();
        cube.images.iter().map(|image| image.samples()[0]).collect()
    }
}

#[tokio::test]
async fn slices_follow_the_request_or_the_time() {
    let Some(series) = Series::start(&[3, 1, 2]).await else {
        return;
    };
    let [a, b, c] = [&series.ids[0], &series.ids[1], &series.ids[2]];
    let unknown = UNKNOWN.to_owned();
    let filters = |filters| Some(RecordsLister::Filters(filters));
    let tagged = |value: &str| pb::RecordFilters {
        tags: map(&[("n", value)]),
        ..Default::default()
    };
    let day = |day: i64| at(YEAR_2020 + day * 86_400, 0);
    let between = |from_time, to_time| pb::RecordFilters {
        from_time,
        to_time,
        ..Default::default()
    };
    for (what, lister, expected) in [
        ("nothing", None, &[2., 3., 1.][..]),
        (
            "no filter",
            filters(pb::RecordFilters::default()),
            &[2., 3., 1.],
        ),
        ("a tag", filters(tagged("1")), &[2.]),
        ("a pattern", filters(tagged("?")), &[2., 3., 1.]),
        ("time", filters(between(day(2), None)), &[3., 1.]),
        ("both bounds", filters(between(day(2), day(2))), &[3.]),
        (
            "no bound of year 1",
            filters(between(at(-62_135_596_800, 0), at(-62_135_596_800, 0))),
            &[2., 3., 1.],
        ),
        ("records", records(&[a, b, c]), &[1., 2., 3.]),
        (
            "records, some unknown",
            records(&[c, &unknown, a]),
            &[3., 1.],
        ),
        ("a record twice", records(&[a, a]), &[1., 1.]),
        ("groups", groups(&[&[b], &[c, a]]), &[2., 1.]),
        (
            "the last of a group is on top",
            groups(&[&[a, c], &[c, a]]),
            &[3., 1.],
        ),
        (
            "a record in two groups",
            groups(&[&[a], &[a, b]]),
            &[1., 2.],
        ),
        ("a record twice in a group", groups(&[&[b, b]]), &[2.]),
        (
            "an empty group behind",
            groups(&[&[a], &[], &[b]]),
            &[1., 2.],
        ),
    ] {
        assert_eq!(series.values(lister).await, expected, "{what}");
    }
}

#[tokio::test]
async fn counts_are_those_of_the_catalogue() {
    let Some(series) = Series::start(&[0, 1]).await else {
        return;
    };
    let [a, b] = [&series.ids[0], &series.ids[1]];
    let unknown = UNKNOWN.to_owned();
    let elsewhere = pb::GeoTransform {
        a: 700_000.,
        ..series.request.pix_to_crs.unwrap()
    };
    for (what, request, counts) in [
        (
            "one in two groups",
            pb::GetCubeRequest {
                records_lister: groups(&[&[a], &[a, b]]),
                ..series.request.clone()
            },
            (2, 2),
        ),
        (
            "none",
            pb::GetCubeRequest {
                records_lister: records(&[&unknown]),
                ..series.request.clone()
            },
            (0, 0),
        ),
        (
            "elsewhere",
            pb::GetCubeRequest {
                pix_to_crs: Some(elsewhere),
                ..series.request.clone()
            },
            (0, 0),
        ),
    ] {
        let cube = series.server.cube(request).await.unwrap();
        assert_eq!(
            (cube.header.count, cube.header.nb_datasets),
            counts,
            "{what}"
        );
        assert_eq!(cube.images.len() as i64, counts.0, "{what}");
    }
    let cube = pb::GetCubeRequest {
        records_lister: groups(&[&[b, &unknown, a]]),
        ..series.request.clone()
    };
    let cube = series.server.cube(cube).await.unwrap();
    assert_eq!(
        cube.images[0].records(),
        [b.clone(), a.clone()],
        "those with datasets, in group order"
    );
    let sent = cube.images[0].header.grouped_records.as_ref().unwrap();
    assert_eq!(
        sent.records
            .iter()
            .map(|record| record.tags["n"].as_str())
            .collect::<Vec<_>>(),
        ["1", "0"]
    );
    assert!(
        sent.records
            .iter()
            .all(|record| record.aoi.is_none() && !record.name.is_empty())
    );
}

#[tokio::test]
async fn slices_of_instances_of_one_variable_are_merged() {
    let Some(series) = Series::start(&[0]).await else {
        return;
    };
    let server = &series.server;
    let request = pb::GetVariableRequest {
        identifier: Some(pb::get_variable_request::Identifier::Name("v".to_owned())),
    };
    let variable = server
        .client()
        .get_variable(request)
        .await
        .unwrap()
        .into_inner()
        .variable
        .unwrap()
        .id;
    let second = server.instantiate(&variable, "second").await.unwrap();
    Raster::utm("Byte", 1, 1, vec![99.]).write(&server.path("second.tif"));
    let bytes = format(Dtype::UInt8, 0., 0., 255.);
    server
        .index(
            &server.uri("second.tif"),
            vec![dataset(&series.ids[0], &second, bytes, &[1])],
        )
        .await
        .unwrap();
    for (instances, value) in [
        (vec![series.instance.clone()], 1.),
        (vec![second.clone()], 99.),
        (vec![series.instance.clone(), second.clone()], 99.),
        (
            vec![second.clone(), series.instance.clone(), second.clone()],
            99.,
        ),
    ] {
        let request = pb::GetCubeRequest {
            instances_id: instances.clone(),
            ..series.request.clone()
        };
        let cube = server.cube(request).await.unwrap();
        assert_eq!(
            cube.images[0].samples(),
            [value],
            "{instances:?}: the dataset created last is on top"
        );
    }
}

#[tokio::test]
async fn an_empty_image_has_the_text_that_clients_compare() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    // (what, type, nodata, samples by band, kept)
    let nan = f64::NAN;
    for (what, dtype, gdal_type, no_data, bands, kept) in [
        (
            "all nodata",
            Dtype::UInt8,
            "Byte",
            0.,
            vec![vec![0.; 100]],
            false,
        ),
        (
            "one pixel",
            Dtype::UInt8,
            "Byte",
            0.,
            vec![[vec![0.; 99], vec![7.]].concat()],
            true,
        ),
        (
            "all NaN",
            Dtype::Float32,
            "Float32",
            nan,
            vec![vec![nan; 100]],
            false,
        ),
        (
            "no nodata",
            Dtype::UInt8,
            "Byte",
            nan,
            vec![vec![0.; 100]],
            true,
        ),
        (
            "second band",
            Dtype::UInt8,
            "Byte",
            0.,
            vec![vec![0.; 100], vec![7.; 100]],
            true,
        ),
    ] {
        let format = format(dtype, no_data, 0., 255.);
        let name = what.replace(' ', "-");
        let (_, instance) = server.variable(&name, format, bands.len()).await;
        let record = server.record(&name, 0).await;
        let numbers: Vec<i64> = (1..=bands.len() as i64).collect();
        Raster {
            bands,
            ..Raster::utm(gdal_type, 10, 10, vec![0.; 100])
        }
        .write(&server.path(&name));
        server
            .index(
                &server.uri(&name),
                vec![dataset(&record, &instance, format, &numbers)],
            )
            .await
            .unwrap();
        let request = pb::GetCubeRequest {
            records_lister: records(&[&record]),
            ..utm_request(&instance, 10, 10)
        };
        let cube = server.cube(request.clone()).await.unwrap();
        let error = if kept { "" } else { EMPTY };
        assert_eq!(cube.images[0].header.error, error, "{what}");
        assert_eq!(cube.images[0].records(), [record], "{what}");
        // the bare headers list it all the same
        let headers = server
            .cube(pb::GetCubeRequest {
                headers_only: true,
                ..request
            })
            .await
            .unwrap();
        assert_eq!(
            (
                headers.images.len(),
                headers.images[0].header.error.as_str()
            ),
            (1, ""),
            "{what}"
        );
    }
}
