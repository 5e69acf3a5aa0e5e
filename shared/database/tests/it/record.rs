mod areas;
mod reading;

use crate::{
    database,
    fixtures::{
        dataset_at, day, geometry, map, new_record, one_aoi, one_instance, one_record, refusal,
        square, store, tags,
    },
};
use database::{
    Page, PgConnection, Piecewise, aoi, record,
    record::{Listing, Query},
};
use domain::{
    AoiId, Entity, Error, Instant, Pattern, RecordFilters, RecordId, TagFilters, TimeRange,
};
use futures::StreamExt;

async fn names(conn: &mut PgConnection, query: Query) -> Vec<String> {
    let mut listing = Listing::new(query);
    let mut names = Vec::new();
    loop {
        if listing.is_over() {
            return names;
        }
        let records = listing.next(conn).await.unwrap();
        names.extend(records.into_iter().map(|record| record.name));
    }
}

fn by_tags(pairs: &[(&str, &str)]) -> Query {
    let filters = RecordFilters {
        tags: TagFilters::parse(map(pairs)).unwrap(),
        ..Default::default()
    };
    Query {
        filters,
        ..Default::default()
    }
}

#[tokio::test]
async fn a_record_comes_back_as_it_was_given() {
    let test = database!();
    let mut tx = test.db.begin().await.unwrap();
    let aoi = one_aoi(&mut tx).await;
    let odd = &[(r#"q"'\,=>"#, r#"=>,\'""#), ("", ""), ("é", "日本")];
    let early = Instant::from_timestamp(-62_135_596_800, 0).unwrap();
    let late = Instant::from_timestamp(253_402_300_799, 123_456_789).unwrap();
    let given = [
        new_record("a/b:c_d-e", early, odd, aoi),
        new_record("z", late, &[], aoi),
    ];
    let ids = record::create(&mut tx, &given).await.unwrap();
    let stored = record::get(&mut tx, &[ids[1], ids[0], ids[1]])
        .await
        .unwrap();
    assert_eq!(stored.len(), 2);
    for (record, new) in stored.iter().zip([&given[1], &given[0]]) {
        assert_eq!(
            (&record.name, record.time, &record.tags),
            (&new.name, new.time, &new.tags)
        );
    }
    assert_eq!(record::create(&mut tx, &[]).await.unwrap(), []);
    assert_eq!(record::get(&mut tx, &[]).await.unwrap(), []);
}

#[tokio::test]
async fn a_batch_is_stored_as_a_whole_or_not_at_all() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let aoi = one_aoi(&mut conn).await;
    let given = new_record("rec", day(1), &[("a", "b")], aoi);
    let text = r#"Record with : rec, "a"=>"b", 2020-01-01 00:00:00"#;
    // twice in the batch
    let other = new_record("other", day(1), &[], aoi);
    let error = refusal(record::create(&mut conn, &[other, given.clone(), given.clone()]).await);
    assert_eq!(error.to_string(), text);
    assert_eq!(names(&mut conn, Query::default()).await, [""; 0]);
    // stored already, with a footprint that does not exist
    let stored = record::create(&mut conn, std::slice::from_ref(&given))
        .await
        .unwrap();
    let again = domain::NewRecord {
        aoi_id: AoiId::new(),
        ..given
    };
    match refusal(record::create(&mut conn, &[again]).await) {
        Error::AlreadyExists {
            entity: Entity::Record,
            id,
            text: full,
        } => {
            assert_eq!(format!("Record with : {id}"), text);
            assert_eq!(
                full,
                format!("{text} (stored with id {}, aoi {aoi})", stored[0])
            );
        }
        other => panic!("{other:?}"),
    }
    let unknown = AoiId::new();
    let error =
        refusal(record::create(&mut conn, &[new_record("new", day(1), &[], unknown)]).await);
    assert_eq!(error.to_string(), format!("AOI with id: {unknown}"));
}

#[tokio::test]
async fn a_missing_record_fails_the_whole_look_up() {
    let test = database!();
    let mut tx = test.db.begin().await.unwrap();
    let aoi = one_aoi(&mut tx).await;
    let id = one_record(&mut tx, "r", day(1), aoi).await;
    let unknown = RecordId::new();
    let error = refusal(record::get(&mut tx, &[id, unknown]).await);
    assert_eq!(error.to_string(), format!("Record with id: {unknown}"));
    assert_eq!(
        record::first_missing(&mut tx, &[id, unknown])
            .await
            .unwrap(),
        Some(unknown)
    );
    assert_eq!(record::first_missing(&mut tx, &[id]).await.unwrap(), None);
}

#[tokio::test]
async fn patterns_select_names() {
    let test = database!();
    let mut tx = test.db.begin().await.unwrap();
    let aoi = one_aoi(&mut tx).await;
    for (number, name) in ["p_a", "pXa", "p-a"].into_iter().enumerate() {
        one_record(&mut tx, name, day(number as i64 + 1), aoi).await;
    }
    for (pattern, expected) in [
        ("p_a", &["p_a"][..]),
        ("p_a(?i)", &["p_a"]),
        ("P_A(?i)", &["p_a"]),
        ("p_*", &["p_a"]),
        ("p_?", &["p_a"]),
        ("p?a", &["p_a", "pXa", "p-a"]),
        ("P*(?i)", &["p_a", "pXa", "p-a"]),
        ("p*(?I)", &[]),
        ("(?i)", &[]),
        ("%", &[]),
        ("", &["p_a", "pXa", "p-a"]),
    ] {
        let query = Query {
            name: Pattern::parse(pattern),
            ..Default::default()
        };
        assert_eq!(names(&mut tx, query).await, expected, "{pattern}");
    }
}

#[tokio::test]
async fn patterns_select_tags() {
    let test = database!();
    let mut tx = test.db.begin().await.unwrap();
    let aoi = one_aoi(&mut tx).await;
    let given = [
        new_record("one", day(1), &[("v", r"100%_x\"), ("a", "1")], aoi),
        new_record("two", day(2), &[("b", "1")], aoi),
    ];
    record::create(&mut tx, &given).await.unwrap();
    for (pairs, expected) in [
        (&[("v", r"100%_x\")][..], &["one"][..]),
        (&[("v", "100%*")], &["one"]),
        (&[("v", "1%(?i)")], &[]),
        (&[("v", r"1\00*")], &[]),
        (&[("v", r"*\")], &["one"]),
        (&[("v", "")], &["one"]),
        (&[("b", "")], &["two"]),
        (&[("v", "100%*"), ("a", "1")], &["one"]),
        (&[("v", "100%*"), ("a", "2")], &[]),
        (&[("a", "1"), ("v", r"100%_x\")], &["one"]),
        (&[("A", "1")], &[]),
        (&[], &["one", "two"]),
    ] {
        assert_eq!(names(&mut tx, by_tags(pairs)).await, expected, "{pairs:?}");
    }
}

#[tokio::test]
async fn time_bounds_are_inclusive() {
    let test = database!();
    let mut tx = test.db.begin().await.unwrap();
    let aoi = one_aoi(&mut tx).await;
    for number in 1..=4 {
        one_record(&mut tx, &number.to_string(), day(number), aoi).await;
    }
    for (from, to, expected) in [
        (Some(2), Some(2), &["2"][..]),
        (Some(2), Some(3), &["2", "3"]),
        (None, Some(1), &["1"]),
        (Some(4), None, &["4"]),
        (Some(3), Some(2), &[]),
    ] {
        let time = TimeRange {
            from: from.map(day),
            to: to.map(day),
        };
        let query = Query {
            filters: RecordFilters {
                time,
                ..Default::default()
            },
            ..Default::default()
        };
        assert_eq!(names(&mut tx, query).await, expected, "{from:?} {to:?}");
    }
}

#[tokio::test]
async fn footprints_that_touch_at_a_corner_are_found() {
    let test = database!();
    let mut tx = test.db.begin().await.unwrap();
    let aoi = aoi::create(&mut tx, &geometry(0.0, 0.0, 1.0))
        .await
        .unwrap();
    one_record(&mut tx, "r", day(1), aoi).await;
    for (x, found) in [(1.0, true), (0.5, true), (1.001, false)] {
        let query = Query {
            aoi: Some(square(x, x, 1.0)),
            with_aoi: true,
            ..Default::default()
        };
        let records = Listing::new(query).next(&mut tx).await.unwrap();
        assert_eq!(records.len() == 1, found, "{x}");
        if found {
            assert_eq!(records[0].aoi, Some(square(0.0, 0.0, 1.0)));
        }
    }
}

#[tokio::test]
async fn pages_and_pieces_follow_each_other_without_gap() {
    let test = database!();
    let aoi = one_aoi(&mut test.db.read().await.unwrap()).await;
    // many records of the same instant: ties go by id
    let given: Vec<_> = (0..2500)
        .map(|number| new_record(&format!("r{number}"), day(number / 1200 + 1), &[], aoi))
        .collect();
    let mut conn = test.db.read().await.unwrap();
    record::create(&mut conn, &given).await.unwrap();
    drop(conn);
    let all: Vec<_> = Listing::new(Query::default())
        .stream(test.db.clone())
        .collect()
        .await;
    let all: Vec<_> = all.into_iter().map(Result::unwrap).collect();
    assert_eq!(
        all.iter().map(Vec::len).collect::<Vec<_>>(),
        [1000, 1000, 500]
    );
    let all = all.concat();
    assert!(
        all.windows(2)
            .all(|pair| (pair[0].time, pair[0].id) < (pair[1].time, pair[1].id))
    );
    let mut conn = test.db.read().await.unwrap();
    for (page, limit, expected) in [
        (0, 1500, &all[..1500]),
        (1, 1500, &all[1500..]),
        (2, 1000, &all[2000..]),
        (3, 2, &all[6..8]),
        (3, 1000, &[]),
        (3, 0, &all[..]),
    ] {
        let query = Query {
            page: Page { page, limit },
            ..Default::default()
        };
        let expected: Vec<String> = expected.iter().map(|record| record.name.clone()).collect();
        assert_eq!(names(&mut conn, query).await, expected, "{page} {limit}");
    }
}

#[tokio::test]
async fn far_pages_begin_where_the_pages_before_end() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let aoi = one_aoi(&mut conn).await;
    // 10 001 records of one instant, then 2 by 2
    sqlx::query(
        "INSERT INTO geocube.records (id, name, datetime, tags, aoi_id)
         SELECT gen_random_uuid(), n::text, timestamp '2020-01-01' + greatest(0, n - 10000) / 2 * interval '1 s', '', $1
         FROM generate_series(1, 12000) n",
    )
    .bind(aoi.uuid())
    .execute(&mut *conn)
    .await
    .unwrap();
    let all: Vec<String> =
        sqlx::query_scalar("SELECT name FROM geocube.records ORDER BY datetime, id")
            .fetch_all(&mut *conn)
            .await
            .unwrap();
    let all_times = TimeRange {
        from: Some(Instant::from_timestamp(1_577_836_800, 0).unwrap()),
        to: None,
    };
    for (page, limit, from_time) in [
        (2, 5000, false),
        (10, 1000, false),
        (10_001, 1, false),
        (10_002, 1, true),
        (1100, 10, true),
        (11_999, 1, false),
        (12_000, 1, false),
        (3, 5000, true),
    ] {
        let mut query = Query {
            page: Page { page, limit },
            ..Default::default()
        };
        if from_time {
            query.filters.time = all_times;
        }
        let begin = (page * limit).min(12_000) as usize;
        let end = (begin + limit as usize).min(12_000);
        let found = names(&mut conn, query).await;
        assert_eq!(found, &all[begin..end], "{page} {limit}");
    }
}

#[tokio::test]
async fn tags_are_merged_and_removed() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let aoi = one_aoi(&mut conn).await;
    let id = record::create(&mut conn, &[new_record("r", day(1), &[("a", "b")], aoi)])
        .await
        .unwrap()[0];
    let odd = tags(&[("new", "1"), ("a", "it's"), ("q", r#"a"b"#)]);
    assert_eq!(record::add_tags(&mut conn, &[id], &odd).await.unwrap(), 1);
    assert_eq!(record::get(&mut conn, &[id]).await.unwrap()[0].tags, odd);
    let keys = ["new".to_owned(), "absent".to_owned()];
    assert_eq!(
        record::remove_tags(&mut conn, &[id], &keys).await.unwrap(),
        2
    );
    let left = tags(&[("a", "it's"), ("q", r#"a"b"#)]);
    assert_eq!(record::get(&mut conn, &[id]).await.unwrap()[0].tags, left);
    assert_eq!(
        record::add_tags(&mut conn, &[RecordId::new()], &odd)
            .await
            .unwrap(),
        0
    );
    assert_eq!(record::add_tags(&mut conn, &[], &odd).await.unwrap(), 0);
    assert_eq!(
        record::add_tags(&mut conn, &[id], &tags(&[]))
            .await
            .unwrap(),
        1
    );
    // an edit that makes two records the same
    let twin = record::create(&mut conn, &[new_record("r", day(1), &[("a", "it's")], aoi)])
        .await
        .unwrap()[0];
    let error = refusal(record::remove_tags(&mut conn, &[id], &["q".to_owned()]).await);
    assert!(
        matches!(
            error,
            Error::AlreadyExists {
                entity: Entity::Record,
                ..
            }
        ),
        "{error:?}"
    );
    let error = refusal(record::add_tags(&mut conn, &[twin], &left).await);
    assert!(
        matches!(
            error,
            Error::AlreadyExists {
                entity: Entity::Record,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn tags_too_long_for_the_index_are_the_callers_mistake() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let aoi = one_aoi(&mut conn).await;
    let id = one_record(&mut conn, "r", day(1), aoi).await;
    // not compressible
    let noise: String = (0..160).map(|_| RecordId::new().to_string()).collect();
    for chunk in noise.as_bytes().chunks(1900) {
        let value = String::from_utf8(chunk.to_vec()).unwrap();
        let result = record::add_tags(&mut conn, &[id], &tags(&[(&value[..8], &value)])).await;
        if result.is_err() {
            assert!(matches!(refusal(result), Error::Invalid(_)));
            return;
        }
    }
    panic!("an index entry of {} bytes was accepted", noise.len());
}

#[tokio::test]
async fn records_with_datasets_are_not_deleted() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let aoi = one_aoi(&mut conn).await;
    let (_, instance) = one_instance(&mut conn, "v").await;
    let used = one_record(&mut conn, "used", day(1), aoi).await;
    let free = one_record(&mut conn, "free", day(1), aoi).await;
    store(&mut conn, &[dataset_at("/a.tif", used, instance, 0.0, 0.0)]).await;
    let error = refusal(record::delete(&mut conn, &[used, free], false).await);
    assert_eq!(
        error.to_string(),
        format!("records and datasets with id: {used}")
    );
    assert_eq!(
        record::get(&mut conn, &[used, free]).await.unwrap().len(),
        2
    );
    assert_eq!(
        record::delete(&mut conn, &[used, free], true)
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        record::delete(&mut conn, &[free, RecordId::new()], false)
            .await
            .unwrap(),
        0
    );
    assert_eq!(record::delete(&mut conn, &[], false).await.unwrap(), 0);
}
