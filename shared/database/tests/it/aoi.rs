use crate::{
    database,
    fixtures::{geometry, refusal},
};
use database::aoi;
use domain::{AoiId, Entity, Error};

#[tokio::test]
async fn a_stored_footprint_comes_back_and_is_stored_once() {
    let test = database!();
    let mut tx = test.db.begin().await.unwrap();
    let footprint = geometry(5.0, 6.0, 1.0);
    let id = aoi::create(&mut tx, &footprint).await.unwrap();
    assert_eq!(aoi::get(&mut tx, id).await.unwrap(), *footprint.polygons());
    let error = refusal(aoi::create(&mut tx, &footprint).await);
    assert_eq!(error.to_string(), format!("AOI with id: {id}"));
    assert!(matches!(
        error,
        Error::AlreadyExists {
            entity: Entity::Aoi,
            ..
        }
    ));
    // the transaction goes on
    assert_ne!(
        aoi::create(&mut tx, &geometry(5.0, 6.0, 2.0))
            .await
            .unwrap(),
        id
    );
    let unknown = AoiId::new();
    let error = refusal(aoi::get(&mut tx, unknown).await);
    assert_eq!(error.to_string(), format!("AOI with id: {unknown}"));
}
