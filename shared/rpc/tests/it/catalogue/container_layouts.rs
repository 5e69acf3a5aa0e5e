//! Which layouts the files of some datasets follow.

use super::layouts::layout;
use super::variables::BYTES;
use crate::harness::Server;
use crate::harness::answers::{invalid, items, refused, resource};
use crate::harness::catalogue::{UNKNOWN, YEAR_2020, aoi, at, dataset, map, new_record, rectangle};
use crate::harness::raster::{Raster, have_gdal};
use rpc::pb;
use rpc::pb::find_container_layouts_request::Identifier;
use tonic::Status;

/// Two records on two places, and files of an instance that follow layouts as consolidated ones do.
struct Followers {
    server: Server,
    instance: String,
    other: String,
    early: String,
    late: String,
}

impl Followers {
    async fn start() -> Option<Self> {
        let server = Server::start().await?;
        if !have_gdal() || server.sql("SELECT 1").is_none() {
            return None;
        }
        let (variable, instance) = server.variable("v", BYTES, 1).await;
        let other = server.instantiate(&variable, "other").await.unwrap();
        let south = server.create_aoi(rectangle(0., 0., 1., 1.)).await.unwrap();
        let north = server.create_aoi(rectangle(0., 5., 1., 6.)).await.unwrap();
        let ids = server
            .create_records(vec![
                new_record("early", &south, 0, &[("k", "v")]),
                new_record("late", &north, 9, &[]),
            ])
            .await
            .unwrap();
        let [early, late] = ids.try_into().unwrap();
        for name in ["b/layout", "a-layout", "unused"] {
            let request = pb::CreateLayoutRequest {
                layout: Some(layout(name)),
            };
            server.client().create_layout(request).await.unwrap();
        }
        for (name, of, records, follows) in [
            ("2.tif", &instance, vec![&early, &late], "a-layout"),
            ("1.tif", &instance, vec![&late], "a-layout"),
            ("3.tif", &instance, vec![&early], "b/layout"),
            ("other.tif", &other, vec![&early], "b/layout"),
            ("plain.tif", &instance, vec![&early], ""),
        ] {
            let two = Raster {
                bands: vec![vec![1.; 4]; 2],
                ..Raster::utm("Byte", 2, 2, vec![1.; 4])
            };
            two.write(&server.path(name));
            let uri = server.uri(name);
            let bands = [1, 2];
            let datasets = records.iter().zip(&bands);
            let datasets = datasets.map(|(record, band)| dataset(record, of, BYTES, &[*band]));
            server.index(&uri, datasets.collect()).await.unwrap();
            if !follows.is_empty() {
                server.sql(&format!(
                    "INSERT INTO geocube.container_layouts VALUES ('{uri}', '{follows}')"
                ));
            }
        }
        Some(Self {
            server,
            instance,
            other,
            early,
            late,
        })
    }

    /// Layouts and the names of the files that follow them.
    async fn find(
        &self,
        instance: &str,
        identifier: Identifier,
    ) -> Result<Vec<(String, Vec<String>)>, Status> {
        self.find_by(instance, identifier, false).await
    }

    async fn find_by(
        &self,
        instance: &str,
        identifier: Identifier,
        active_only: bool,
    ) -> Result<Vec<(String, Vec<String>)>, Status> {
        let request = pb::FindContainerLayoutsRequest {
            instance_id: instance.to_owned(),
            identifier: Some(identifier),
            active_only,
        };
        let found = items(self.server.client().find_container_layouts(request).await).await?;
        let folder = self.server.uri("");
        let name = |uri: &String| uri.strip_prefix(&folder).unwrap().to_owned();
        Ok(found
            .into_iter()
            .map(|found| {
                let uris = found.container_uris.iter().map(name).collect();
                (found.layout_name, uris)
            })
            .collect())
    }
}

fn records(ids: &[&str]) -> Identifier {
    let ids = ids.iter().map(|id| (*id).to_owned()).collect();
    Identifier::Records(pb::RecordIdList { ids })
}

fn filters(filters: Option<pb::RecordFilters>, aoi: Option<pb::Aoi>) -> Identifier {
    Identifier::Filters(pb::RecordFiltersWithAoi { filters, aoi })
}

#[tokio::test]
async fn files_are_grouped_by_the_layout_that_they_follow() {
    let Some(test) = Followers::start().await else {
        return;
    };
    let all = [
        ("a-layout", vec!["1.tif", "2.tif"]),
        ("b/layout", vec!["3.tif"]),
    ];
    let of_early = [("a-layout", vec!["2.tif"]), ("b/layout", vec!["3.tif"])];
    let of_late = [("a-layout", vec!["1.tif", "2.tif"])];
    let tagged = pb::RecordFilters {
        tags: map(&[("k", "V(?i)")]),
        ..Default::default()
    };
    let since = pb::RecordFilters {
        from_time: at(YEAR_2020 + 86_400, 0),
        ..Default::default()
    };
    let year_1 = pb::RecordFilters {
        from_time: at(-62_135_596_800, 0),
        to_time: at(-62_135_596_800, 0),
        ..Default::default()
    };
    let corner = rectangle(1., 6., 2., 7.);
    for (identifier, expected) in [
        (records(&[&test.early, &test.late, &test.early]), &all[..]),
        (records(&[&test.early, UNKNOWN]), &of_early),
        (records(&[&test.late.to_uppercase()]), &of_late),
        (records(&[UNKNOWN]), &[]),
        (filters(None, None), &all),
        (filters(Some(pb::RecordFilters::default()), None), &all),
        (filters(Some(year_1), None), &all),
        (filters(Some(tagged.clone()), None), &of_early),
        (filters(Some(since.clone()), None), &of_late),
        (filters(None, Some(corner.clone())), &of_late),
        (filters(Some(tagged), Some(corner.clone())), &[]),
        (filters(Some(since), Some(corner)), &of_late),
        (filters(None, Some(rectangle(10., 10., 11., 11.))), &[]),
    ] {
        let found = test.find(&test.instance, identifier.clone()).await.unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|(name, uris)| {
                let uris: Vec<_> = uris.iter().map(String::as_str).collect();
                (name.as_str(), uris)
            })
            .collect();
        assert_eq!(found, expected, "{identifier:?}");
    }
    let other = test.find(&test.other, filters(None, None)).await.unwrap();
    assert_eq!(
        other,
        [("b/layout".to_owned(), vec!["other.tif".to_owned()])]
    );
    assert!(
        test.find(UNKNOWN, filters(None, None))
            .await
            .unwrap()
            .is_empty()
    );

    // the status of the datasets does not count
    test.server
        .sql("UPDATE geocube.datasets SET status = 'INACTIVE'");
    let found = test.find(&test.instance, records(&[&test.early])).await;
    assert_eq!(found.unwrap().len(), 2);
}

#[tokio::test]
async fn malformed_questions_about_layouts_are_refused() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (_, instance) = server.variable("v", BYTES, 1).await;
    let wrong_time = pb::RecordFilters {
        to_time: at(0, -1),
        ..Default::default()
    };
    let open = aoi(&[&[&[(0., 0.), (0., 1.), (1., 1.), (1., 0.)]]]);
    for (fragment, instance_id, identifier) in [
        ("records and filters", instance.as_str(), None),
        (
            "invalid record id list: cannot be empty",
            &instance,
            Some(records(&[])),
        ),
        (
            "Invalid Record.uuid x",
            &instance,
            Some(records(&[UNKNOWN, "x"])),
        ),
        ("Invalid Instance.uuid x", "x", Some(filters(None, None))),
        ("Invalid Instance.uuid", "", None),
        (
            "invalid aoi: AOI must not be empty",
            &instance,
            Some(filters(None, Some(pb::Aoi::default()))),
        ),
        (
            "invalid aoi: ",
            &instance,
            Some(filters(None, Some(rectangle(0., 0., 181., 1.)))),
        ),
        ("invalid aoi: ", &instance, Some(filters(None, Some(open)))),
        ("time", &instance, Some(filters(Some(wrong_time), None))),
    ] {
        let request = pb::FindContainerLayoutsRequest {
            instance_id: instance_id.to_owned(),
            identifier,
            active_only: false,
        };
        let answer = items(server.client().find_container_layouts(request).await).await;
        invalid(answer, fragment);
    }
}

#[tokio::test]
async fn files_without_any_visible_dataset_are_left_out_on_request() {
    let Some(test) = Followers::start().await else {
        return;
    };
    // one of the two datasets of 2.tif stays visible
    test.server.sql(&format!(
        "UPDATE geocube.datasets SET status = 'TODELETE' WHERE container_uri LIKE '%/1.tif';
         UPDATE geocube.datasets SET status = 'INACTIVE' WHERE container_uri LIKE '%/3.tif';
         UPDATE geocube.datasets SET status = 'INACTIVE'
         WHERE container_uri LIKE '%/2.tif' AND record_id = '{}'",
        test.early
    ));
    for (identifier, expected) in [
        (filters(None, None), &["2.tif"][..]),
        (
            filters(None, Some(rectangle(1., 6., 2., 7.))),
            &["2.tif"][..],
        ),
        (records(&[&test.early, &test.late]), &["2.tif"][..]),
        (records(&[&test.early]), &[]),
    ] {
        let found = test.find_by(&test.instance, identifier.clone(), true).await;
        let names: Vec<_> = found
            .unwrap()
            .into_iter()
            .flat_map(|(_, uris)| uris)
            .collect();
        assert_eq!(names, expected, "{identifier:?}");
    }
    let found = test
        .find(&test.instance, filters(None, None))
        .await
        .unwrap();
    let files: usize = found.iter().map(|(_, uris)| uris.len()).sum();
    assert_eq!(files, 3, "the default counts every status");
}

#[tokio::test]
async fn a_layout_that_a_file_follows_stays() {
    let Some(test) = Followers::start().await else {
        return;
    };
    let delete = async |name: &str| {
        let name = name.to_owned();
        let request = pb::DeleteLayoutRequest { name };
        test.server.client().delete_layout(request).await
    };
    let text = "layouts and container_layouts with name: b/layout";
    let status = refused(
        delete("b/layout").await,
        tonic::Code::FailedPrecondition,
        text,
    );
    let resource = resource(&status);
    assert_eq!(
        resource,
        (
            "container_layouts".to_owned(),
            "b/layout".to_owned(),
            "layouts".to_owned()
        )
    );
    delete("unused").await.unwrap();
}
