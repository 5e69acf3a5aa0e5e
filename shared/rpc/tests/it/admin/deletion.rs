//! Deletion of datasets, which both services offer.

use crate::catalogue::BYTES;
use crate::harness::Server;
use crate::harness::answers::{invalid, refused, refused_on, resource};
use crate::harness::catalogue::{UNKNOWN, dataset};
use crate::harness::raster::{Raster, have_gdal};
use rpc::pb;
use tonic::{Code, Status};

/// Files of two records, `a` and `b`, the first one of which is the service's own.
struct Files {
    server: Server,
    instance: String,
    records: [String; 2],
}

const NAMES: [&str; 4] = ["ours/a.tif", "a%1.tif", "a_1.tif", "B.tif"];

impl Files {
    async fn start() -> Option<Self> {
        let server = Server::start().await?;
        if !have_gdal() {
            return None;
        }
        let (_, instance) = server.variable("v", BYTES, 1).await;
        let records = [server.record("a", 0).await, server.record("b", 1).await];
        std::fs::create_dir(server.path("ours")).unwrap();
        for (name, record) in NAMES.iter().zip([0, 0, 1, 1]) {
            Raster::utm("Byte", 2, 2, vec![1.; 4]).write(&server.path(name));
            let container = Some(pb::Container {
                uri: server.uri(name),
                managed: true,
                datasets: vec![dataset(&records[record], &instance, BYTES, &[1])],
            });
            let request = pb::IndexDatasetsRequest { container };
            server.client().index_datasets(request).await.unwrap();
        }
        Some(Self {
            server,
            instance,
            records,
        })
    }

    /// Asks the service of users, or that of administrators.
    async fn delete(
        &self,
        admin: bool,
        request: pb::DeleteDatasetsRequest,
    ) -> Result<pb::Job, Status> {
        let answer = if admin {
            self.server.admin().delete_datasets(request).await?
        } else {
            self.server.client().delete_datasets(request).await?
        };
        Ok(answer.into_inner().job.unwrap())
    }

    /// Names of the files that the catalogue knows.
    async fn known(&self) -> Vec<&'static str> {
        let mut known = Vec::new();
        for name in NAMES {
            if self
                .server
                .containers(&[&self.server.uri(name)])
                .await
                .is_ok()
            {
                known.push(name);
            }
        }
        known
    }
}

fn by_record(record: &str) -> pb::DeleteDatasetsRequest {
    pb::DeleteDatasetsRequest {
        record_ids: vec![record.to_owned()],
        ..Default::default()
    }
}

fn by_patterns(patterns: &[String]) -> pb::DeleteDatasetsRequest {
    pb::DeleteDatasetsRequest {
        dataset_patterns: patterns.to_vec(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_synchronous_deletion_is_over_when_it_is_answered() {
    let Some(test) = Files::start().await else {
        return;
    };
    for (admin, record, left) in [
        (true, &test.records[0], &NAMES[2..]),
        (false, &test.records[1], &[]),
    ] {
        let request = pb::DeleteDatasetsRequest {
            job_name: format!("admin {admin}"),
            ..by_record(record)
        };
        let job = test.delete(admin, request).await.unwrap();
        assert_eq!(
            (job.name, job.r#type.as_str(), job.state.as_str()),
            (format!("admin {admin}"), "DELETION", "DONE")
        );
        let (first, last) = (&job.logs[0], &job.logs[job.logs.len() - 1]);
        assert!(first.ends_with("2 dataset(s) selected"), "{first}");
        let states = [
            "NEW",
            // a line for each dataset
            "NEW",
            "NEW",
            "CREATED",
            "DELETIONINPROGRESS",
            "DELETIONEFFECTIVE",
            "DONE",
        ];
        assert_eq!(job.logs.len(), states.len(), "{:#?}", job.logs);
        for (line, state) in job.logs.iter().zip(states) {
            assert!(line.contains(&format!("Status: {state} ")), "{line}");
        }
        assert!(last.ends_with("Enter DONE"), "{last}");
        let request = pb::GetJobRequest {
            id: job.id,
            ..Default::default()
        };
        let stored = test.server.client().get_job(request).await.unwrap();
        assert_eq!(stored.into_inner().job.unwrap().state, "DONE");
        assert_eq!(test.known().await, left);
    }
    for name in NAMES {
        let ours = name.starts_with("ours");
        assert_eq!(test.server.path(name).exists(), !ours, "{name}");
    }
}

#[tokio::test]
async fn datasets_are_selected_by_all_the_lists_that_are_given() {
    let Some(test) = Files::start().await else {
        return;
    };
    let none = "No dataset found for these records, instances and/or pattern";
    let pattern = |name: &str| test.server.uri(name);
    for request in [
        by_record(UNKNOWN),
        by_patterns(&[pattern("b.tif"), pattern("a?1.tifx")]),
        pb::DeleteDatasetsRequest {
            instance_ids: vec![UNKNOWN.to_owned()],
            ..by_record(&test.records[0])
        },
        pb::DeleteDatasetsRequest {
            dataset_patterns: vec![pattern("B.tif")],
            ..by_record(&test.records[0])
        },
    ] {
        for admin in [true, false] {
            let answer = test.delete(admin, request.clone()).await;
            let status = refused(answer, Code::NotFound, none);
            assert_eq!(status.message(), none);
            assert_eq!(resource(&status), Default::default());
        }
    }
    assert_eq!(test.known().await, NAMES);
    // the percent sign of the name is no wildcard
    test.delete(true, by_patterns(&[pattern("a%1.*")]))
        .await
        .unwrap();
    assert_eq!(test.known().await, ["ours/a.tif", "a_1.tif", "B.tif"]);
    let request = pb::DeleteDatasetsRequest {
        instance_ids: vec![test.instance.to_uppercase()],
        ..by_patterns(&[pattern("none"), pattern("b.TIF(?i)")])
    };
    test.delete(false, request).await.unwrap();
    assert_eq!(test.known().await, ["ours/a.tif", "a_1.tif"]);
}

#[tokio::test]
async fn malformed_deletions_are_refused() {
    let Some(test) = Files::start().await else {
        return;
    };
    let fine = || by_record(&test.records[0]);
    for (fragment, malformed) in [
        (
            "expected at least one",
            pb::DeleteDatasetsRequest::default(),
        ),
        ("expected at least one", by_patterns(&[String::new()])),
        ("Invalid Record.uuid x", by_record("x")),
        (
            "Invalid Instance.uuid x",
            pb::DeleteDatasetsRequest {
                instance_ids: vec!["x".to_owned()],
                ..fine()
            },
        ),
        (
            "execution_level",
            pb::DeleteDatasetsRequest {
                execution_level: 9,
                ..fine()
            },
        ),
        (
            "job_name",
            pb::DeleteDatasetsRequest {
                job_name: "\0".to_owned(),
                ..fine()
            },
        ),
        ("dataset_patterns", by_patterns(&["\0".to_owned()])),
    ] {
        for admin in [true, false] {
            invalid(test.delete(admin, malformed.clone()).await, fragment);
        }
    }
    assert_eq!(test.known().await, NAMES);
}

#[tokio::test]
async fn a_deletion_in_the_background_holds_its_datasets() {
    let Some(test) = Files::start().await else {
        return;
    };
    let background = |name: &str, record: &str| pb::DeleteDatasetsRequest {
        job_name: name.to_owned(),
        execution_level: pb::ExecutionLevel::ExecutionAsynchronous.into(),
        ..by_record(record)
    };
    let job = test.delete(false, background("j", &test.records[0])).await;
    // nobody delivers the events of this server
    let job = job.unwrap();
    assert_eq!((job.state.as_str(), job.waiting), ("NEW", false));
    assert_eq!(test.known().await, NAMES);

    let taken = test.delete(true, background("j", &test.records[1])).await;
    refused_on(taken, Code::AlreadyExists, "Job with name: j", "Job", "j");
    let locked = test.delete(true, background("k", &test.records[0])).await;
    let status = refused(locked, Code::AlreadyExists, "Dataset is already locked: ");
    let (kind, id, _) = resource(&status);
    assert_eq!(kind, "dataset");
    assert_eq!(status.message(), format!("Dataset is already locked: {id}"));

    let id = job.id;
    let mut client = test.server.client();
    let refusal =
        |trigger: &str| format!("Job {id}: Unable to trigger {trigger} (current state=NEW)");
    let request = pb::ContinueJobRequest { id: id.clone() };
    let answer = client.continue_job(request).await;
    let status = refused(answer, Code::FailedPrecondition, &refusal("Continue"));
    assert!(status.details().is_empty(), "{status:?}");
    let request = pb::CancelJobRequest {
        id: id.clone(),
        force_any_state: false,
    };
    let answer = client.cancel_job(request).await;
    refused(
        answer,
        Code::FailedPrecondition,
        &refusal("CancelledByUser"),
    );
    let request = pb::RetryJobRequest {
        id: id.clone(),
        force_any_state: false,
    };
    let answer = client.retry_job(request).await;
    refused(answer, Code::FailedPrecondition, &refusal("Retried"));
}

#[tokio::test]
async fn files_are_selected_by_the_spelling_in_which_they_were_indexed() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let (_, instance) = server.variable("v", BYTES, 1).await;
    let record = server.record("r", 0).await;
    let folder = server.uri("");
    for (spelling, pattern) in [
        (
            format!("file://{folder}a.tif"),
            format!("file://{folder}a.tif"),
        ),
        (
            format!("File://{folder}/./b.tif"),
            format!("File://{folder}/./b.tif"),
        ),
        (
            format!("file://{folder}c.tif"),
            format!("file://{folder}*c.t?f"),
        ),
        (format!("{folder}d.tif"), format!("FILE://{folder}/d*")),
        (
            format!("file://{folder}e.tif"),
            format!("file://{folder}E.TIF(?i)"),
        ),
    ] {
        let name = spelling.rsplit_once('/').unwrap().1;
        for name in [name, "z.tif"] {
            Raster::utm("Byte", 2, 2, vec![1.; 4]).write(&server.path(name));
        }
        let image = || vec![dataset(&record, &instance, BYTES, &[1])];
        server.index(&spelling, image()).await.unwrap();
        server.index(&server.uri("z.tif"), image()).await.unwrap();
        let request = by_patterns(std::slice::from_ref(&pattern));
        let answer = server.client().delete_datasets(request).await;
        let job = answer.unwrap_or_else(|status| panic!("{pattern}: {status:?}"));
        assert_eq!(job.into_inner().job.unwrap().state, "DONE", "{pattern}");
        let gone = server.containers(&[&spelling]).await;
        refused(gone, Code::NotFound, &spelling);
        server.containers(&[&server.uri("z.tif")]).await.unwrap();
    }
    // a row of a former release keeps its name
    let stored = format!("file://{folder}f.tif");
    Raster::utm("Byte", 2, 2, vec![1.; 4]).write(&server.path("f.tif"));
    let row = format!("INSERT INTO geocube.containers (uri, managed) VALUES ('{stored}', false)");
    server.database.run(&[&row]).await;
    let image = vec![dataset(&record, &instance, BYTES, &[1])];
    server.index(&server.uri("f.tif"), image).await.unwrap();
    let request = by_patterns(&[server.uri("f.t*")]);
    server.client().delete_datasets(request).await.unwrap();
    refused(server.containers(&[&stored]).await, Code::NotFound, &stored);
}

#[tokio::test]
async fn a_deletion_answers_with_the_last_thousand_lines_of_its_log() {
    let Some(test) = Files::start().await else {
        return;
    };
    let talk = "CREATE FUNCTION geocube.talk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO geocube.job_logs (job_id, time, status, message, severity)
        SELECT NEW.id, now(), 'NEW', 'line ' || n, 'DEBUG' FROM generate_series(1, 1500) n;
        RETURN NULL;
    END $$;
    CREATE TRIGGER talk AFTER INSERT ON geocube.jobs FOR EACH ROW EXECUTE FUNCTION geocube.talk()";
    test.server.database.run(&[talk]).await;
    let job = test
        .delete(true, by_record(&test.records[0]))
        .await
        .unwrap();
    let request = pb::GetJobRequest {
        id: job.id,
        log_page: 0,
        log_limit: 10_000,
    };
    let all = test.server.client().get_job(request).await.unwrap();
    let all = all.into_inner().job.unwrap().logs;
    assert!(all.len() > 1500, "{}", all.len());
    assert_eq!(job.logs.len(), 1001);
    assert_eq!(job.logs[0], format!("[... {} more]", all.len() - 1000));
    assert_eq!(job.logs[1..], all[all.len() - 1000..]);
    assert!(job.logs[1000].ends_with("Enter DONE"), "{}", job.logs[1000]);
}
