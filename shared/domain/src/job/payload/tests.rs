use super::{
    ConsolidationOrder, JobEvent, Message, OrderDataset, OrderRecord, PayloadError,
    TargetContainer, TaskEvent, ValidShape, order_message, parse_message,
};
use crate::job::{JobStatus, Task, TaskStatus};
use crate::{
    Bands, DType, DataFormat, DataMapping, DatasetSource, EventId, GeoTransform, Instant, JobId,
    Point, RecordId, Resampling, Ring, RunId, Size, StorageClass, TaskId, Uri,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn order() -> ConsolidationOrder {
    let format = DataFormat::try_new(DType::Float32, f64::NAN, -1.0, 1.0).unwrap();
    let mapping = DataMapping::identity(format);
    let square = Ring::rectangle(Point::new(0.0, 0.0), Point::new(10.0, 10.0));
    let dataset = OrderDataset {
        source: DatasetSource {
            uri: Uri::parse("gs://bucket/a.tif").unwrap(),
            subdir: "GTIFF_DIR:2".to_owned(),
            bands: Bands::first(3),
            mapping,
        },
        overviews: true,
    };
    ConsolidationOrder {
        job_id: JobId::new(),
        task_id: TaskId::new(),
        attempt: 1,
        records: vec![OrderRecord {
            id: RecordId::new(),
            date_time: Instant::from_timestamp(1_577_836_800, 0).unwrap(),
            valid_shape: Some(ValidShape {
                srid: 32632,
                area: square.into(),
            }),
            datasets: vec![dataset],
        }],
        container: TargetContainer {
            uri: Uri::parse("/data/layout/1/2/x.tif").unwrap(),
            mapping,
            crs: "PROJCS[…]".to_owned(),
            transform: GeoTransform::north_up(0.0, 100.0, 10.0),
            size: Size::try_new(4096, 4096).unwrap(),
            cutline: String::new(),
            bands_count: 3,
            block_x_size: 256,
            block_y_size: 256,
            interlacing_pattern: "L=0>T>I>P;I>L=1:>T>P".to_owned(),
            overviews_min_size: -1,
            resampling: Resampling::CubicSpline,
            overview_resampling: Resampling::Average,
            optimize_extent: false,
            creation_params: BTreeMap::from([("COMPRESS".to_owned(), "ZSTD".to_owned())]),
            storage_class: StorageClass::Infrequent,
        },
    }
}

fn json_of(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

fn parse(value: &Value) -> Result<Message, PayloadError> {
    parse_message(value.to_string().as_bytes())
}

#[test]
fn a_job_event_of_another_writer_is_read() {
    // base64 of a push body, decoded
    let body = br#"{"v":1,"type":"job_event","job_id":"0f8fad5b-d9cb-469f-a165-70867728950e","status":"JobCreated","error":"","seq":1}"#;
    let expected = JobEvent {
        job_id: JobId::parse("0f8fad5b-d9cb-469f-a165-70867728950e").unwrap(),
        status: JobStatus::JobCreated,
        event_id: None,
        seq: Some(1),
    };
    assert_eq!(parse_message(body).unwrap(), Message::Job(expected));
}

#[test]
fn every_payload_reads_back() {
    let order = order();
    let message = parse_message(&order.to_json()).unwrap();
    assert_eq!(message, Message::Order(Box::new(order.clone())));
    for number in 0..JobStatus::NAMES.len() {
        let status = JobStatus::from_number(number, "")
            .or_else(|| JobStatus::from_number(number, "why"))
            .unwrap();
        let event = JobEvent::new(order.job_id, status, 7);
        let message = parse_message(&event.to_json()).unwrap();
        assert_eq!(message, Message::Job(event));
    }
    for status in TaskStatus::ALL {
        let event = TaskEvent {
            job_id: order.job_id,
            task_id: order.task_id,
            status,
            error: "\"é\n".to_owned(),
            attempt: 3,
            run_id: Some(RunId::new()),
        };
        let message = parse_message(&event.to_json()).unwrap();
        assert_eq!(message, Message::Task(event));
    }
}

#[test]
fn an_order_has_the_keys_of_the_contract() {
    let value = json_of(&order().to_json());
    let keys = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    let sorted = |mut keys: Vec<&str>| {
        keys.sort_unstable();
        keys.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let mut found = keys(&value);
    found.sort();
    assert_eq!(
        found,
        sorted(vec![
            "v",
            "type",
            "job_id",
            "task_id",
            "records",
            "container"
        ])
    );
    let mut found = keys(&value["records"][0]);
    found.sort();
    assert_eq!(
        found,
        sorted(vec!["id", "date_time", "valid_shape", "datasets"])
    );
    assert_eq!(value["records"][0]["date_time"], "2020-01-01 00:00:00");
    let mut found = keys(&value["records"][0]["datasets"][0]);
    found.sort();
    assert_eq!(
        found,
        sorted(vec![
            "uri",
            "subdir",
            "bands",
            "overviews",
            "dataset_format"
        ])
    );
    let mut found = keys(&value["container"]);
    found.sort();
    let expected = "uri dataset_format crs transform width height cutline bands_count block_x_size \
        block_y_size interlacing_pattern overviews_min_size resampling_alg ovr_resampling_alg \
        optimize_extent creation_params storage_class";
    assert_eq!(found, sorted(expected.split_whitespace().collect()));
    assert_eq!(value["container"]["dataset_format"]["no_data"], "NaN");
    assert_eq!(value["container"]["resampling_alg"], "CUBICSPLINE");
    assert_eq!(value["container"]["storage_class"], "INFREQUENT");
    assert_eq!(
        (&value["v"], &value["type"]),
        (&json!(1), &json!("consolidation"))
    );
}

#[test]
fn numbers_stand_for_names_and_unknown_keys_are_ignored() {
    let mut value = json_of(&order().to_json());
    value["container"]["resampling_alg"] = json!(2);
    value["container"]["storage_class"] = json!(3);
    value["container"]["dataset_format"]["dtype"] = json!(8);
    value["container"]["more"] = json!({"a": []});
    value["attempt"] = json!(4);
    let Message::Order(read) = parse(&value).unwrap() else {
        panic!("no order");
    };
    assert_eq!(read.container.resampling, Resampling::Bilinear);
    assert_eq!(read.container.storage_class, StorageClass::DeepArchive);
    assert_eq!(read.container.mapping.format.dtype, DType::Float64);
    assert_eq!(read.attempt, 4);
    let event = json!({"v": 1, "type": "task_event", "job_id": JobId::new(), "task_id": TaskId::new(), "status": 2, "error": "", "x": 1});
    let Message::Task(event) = parse(&event).unwrap() else {
        panic!("no task event");
    };
    assert_eq!((event.status, event.attempt), (TaskStatus::TaskIgnored, 1));
    let event = json!({"v": 1, "type": "job_event", "job_id": JobId::new(), "status": 27, "error": "", "event_id": EventId::new()});
    assert!(
        matches!(parse(&event), Ok(Message::Job(event)) if event.status == JobStatus::Continue)
    );
}

#[test]
fn versions_and_types_are_checked_first() {
    for value in [
        json!({}),
        json!({"v": 2, "type": "job_event"}),
        json!({"v": "1", "type": "job_event"}),
        json!({"v": 1.5, "type": "job_event"}),
        json!({"v": ["x".repeat(1000)]}),
    ] {
        assert!(
            matches!(parse(&value), Err(PayloadError::Version { .. })),
            "{value}"
        );
    }
    for value in [
        json!({"v": 1}),
        json!({"v": 1, "type": "other"}),
        json!({"v": 1, "type": 3}),
    ] {
        assert!(
            matches!(parse(&value), Err(PayloadError::Type { .. })),
            "{value}"
        );
    }
    for bytes in [
        &b""[..],
        b"not json",
        b"[1]",
        b"\xff",
        &b"[".repeat(100_000),
    ] {
        let refused = parse_message(bytes);
        assert!(matches!(refused, Err(PayloadError::Malformed { .. })));
    }
}

#[test]
fn orders_that_break_a_rule_are_refused() {
    let good = json_of(&order().to_json());
    for (pointer, wrong) in [
        ("/job_id", json!("x")),
        ("/records", json!([])),
        ("/records/0/datasets", json!([])),
        ("/records/0/date_time", json!("2020-01-01")),
        ("/records/0/date_time", json!("2020-13-01 00:00:00")),
        ("/records/0/date_time", json!("-0001-01-01 00:00:00")),
        ("/records/0/valid_shape", json!("00FF")),
        ("/records/0/datasets/0/uri", json!("http://x/a.tif")),
        ("/records/0/datasets/0/uri", json!("/vsizip/a.tif")),
        ("/records/0/datasets/0/bands", json!([])),
        ("/records/0/datasets/0/bands", json!([0])),
        ("/records/0/datasets/0/bands", json!([99999])),
        ("/container/uri", json!("../x")),
        ("/container/transform", json!([0, 0, 0, 0, 0, 0])),
        ("/container/transform", json!([0, 1, 0, 0, 0])),
        ("/container/transform", json!([null, 1, 0, 0, 0, -1])),
        ("/container/width", json!(0)),
        ("/container/height", json!(1_u64 << 40)),
        ("/container/bands_count", json!(0)),
        ("/container/bands_count", json!(70000)),
        ("/container/block_x_size", json!(-1)),
        ("/container/overviews_min_size", json!(-2)),
        ("/container/resampling_alg", json!(0)),
        ("/container/resampling_alg", json!("SINC")),
        ("/container/storage_class", json!("GLACIER")),
        ("/container/dataset_format/dtype", json!(99)),
        ("/container/dataset_format/min", json!(5)),
        ("/container/dataset_format/no_data", json!("nothing")),
        ("/container/dataset_format/exponent", json!("Infinity")),
    ] {
        let mut value = good.clone();
        *value.pointer_mut(pointer).unwrap() = wrong;
        let refused = parse(&value);
        assert!(
            matches!(refused, Err(PayloadError::Invalid { .. })),
            "{pointer}"
        );
    }
    for key in ["job_id", "task_id", "records", "container"] {
        let mut value = good.clone();
        value.as_object_mut().unwrap().remove(key);
        let text = parse(&value).unwrap_err().to_string();
        assert!(text.contains(key), "{text}");
    }
    for attempt in [json!(0), json!(-1), json!("1"), json!(1_u64 << 40)] {
        let mut value = good.clone();
        value["attempt"] = attempt;
        assert!(parse(&value).is_err());
    }
}

#[test]
fn events_that_break_a_rule_are_refused() {
    let id = JobId::new();
    for (status, error) in [
        (json!("JobCreated"), "why"),
        (json!("RollbackFailed"), ""),
        (json!("Unknown"), ""),
        (json!(28), ""),
        (json!(-1), ""),
        (json!(null), ""),
    ] {
        let value =
            json!({"v": 1, "type": "job_event", "job_id": id, "status": status, "error": error});
        assert!(parse(&value).is_err(), "{value}");
    }
    for status in [json!("TaskSent"), json!(4), json!(true)] {
        let value = json!({"v": 1, "type": "task_event", "job_id": id, "task_id": id, "status": status, "error": ""});
        assert!(parse(&value).is_err(), "{value}");
    }
}

#[test]
fn orders_are_sent_with_the_attempt_of_their_task() {
    let order = order();
    let payload = order.to_json();
    assert_eq!(json_of(&payload).get("attempt"), None);
    let mut task = Task::new(order.task_id, order.job_id, payload);
    assert_eq!(order_message(&task).unwrap(), task.payload);
    task.attempt = 3;
    let sent = parse_message(&order_message(&task).unwrap()).unwrap();
    assert_eq!(
        sent,
        Message::Order(Box::new(ConsolidationOrder {
            attempt: 3,
            ..order
        }))
    );
    task.payload = b"/data/a.tif".to_vec();
    assert!(order_message(&task).is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_message(&bytes);
    }
}
