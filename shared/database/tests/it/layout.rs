use crate::{
    database,
    fixtures::{map, refusal, uri},
};
use database::{container, layout};
use domain::{Layout, Pattern, StorageClass};

fn given(name: &str) -> Layout {
    Layout {
        name: name.to_owned(),
        grid_flags: vec!["f1".to_owned(), "f2".to_owned()],
        grid_parameters: map(&[("grid", "regular"), ("crs", "epsg:32631")]),
        block_x_size: 256,
        block_y_size: 512,
        max_records: 1000,
        overviews_min_size: -1,
        interlacing_pattern: "Z=0>T>R>B;R>Z=1:>T>B".to_owned(),
    }
}

#[tokio::test]
async fn layouts_come_back_with_their_flags() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    for name in ["b", "a"] {
        layout::create(&mut conn, &given(name)).await.unwrap();
    }
    assert_eq!(layout::get(&mut conn, "a").await.unwrap(), given("a"));
    assert_eq!(
        layout::list(&mut conn, None, 100).await.unwrap(),
        [given("a"), given("b")]
    );
    assert_eq!(
        layout::list(&mut conn, Pattern::parse("B(?i)").as_ref(), 100)
            .await
            .unwrap(),
        [given("b")]
    );
    assert_eq!(
        refusal(layout::create(&mut conn, &given("a")).await).to_string(),
        "Layout with name: a"
    );
    assert_eq!(
        refusal(layout::get(&mut conn, "zz").await).to_string(),
        "Layout with name: zz"
    );
}

#[tokio::test]
async fn only_layouts_that_no_file_follows_are_deleted() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    for name in ["used", "free"] {
        layout::create(&mut conn, &given(name)).await.unwrap();
    }
    let file = uri("/a.tif");
    container::lock_or_create(&mut conn, &file, true, StorageClass::Standard)
        .await
        .unwrap();
    container::set_layout(&mut conn, std::slice::from_ref(&file), "used")
        .await
        .unwrap();
    let error = refusal(layout::delete(&mut conn, "used").await);
    assert_eq!(
        error.to_string(),
        "layouts and container_layouts with name: used"
    );
    for name in ["free", "unknown", "*"] {
        layout::delete(&mut conn, name).await.unwrap();
    }
    assert_eq!(layout::list(&mut conn, None, 100).await.unwrap().len(), 1);
    let error = refusal(container::set_layout(&mut conn, &[file], "free").await);
    assert_eq!(error.to_string(), "Layout with name: free");
}
