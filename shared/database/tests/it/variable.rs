mod large;

use crate::{
    database,
    fixtures::{
        dataset_at, day, map, new_variable, one_aoi, one_instance, one_record, refusal, store,
    },
};
use database::{
    Page, Piecewise, consolidation_params, consolidation_params::Owner, instance, palette,
    variable, variable::InstanceFormat,
};
use domain::{
    ColorPoint, Compression, ConsolidationParams, DType, DataFormat, Entity, Error, Instance,
    InstanceId, JobId, NewVariable, Palette, Pattern, Resampling, StorageClass, VariableId,
};

#[tokio::test]
async fn a_variable_is_found_by_id_by_name_and_by_instance() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let format = DataFormat::try_new(DType::Int8, f64::NAN, -10.0, 10.0).unwrap();
    let given = NewVariable {
        format,
        bands: vec!["r".into(), "g".into()],
        ..new_variable("v/ndvi")
    };
    let id = variable::create(&mut conn, &given).await.unwrap();
    let stored = variable::get(&mut conn, id).await.unwrap();
    assert_eq!((stored.definition, stored.instances.len()), (given, 0));
    let second = instance::create(&mut conn, id, "second", &map(&[("k", "v")]))
        .await
        .unwrap();
    let first = instance::create(&mut conn, id, "first", &map(&[]))
        .await
        .unwrap();
    let stored = variable::get_by_name(&mut conn, "v/ndvi").await.unwrap();
    assert_eq!(
        stored.instances.iter().map(|i| i.id).collect::<Vec<_>>(),
        [first, second]
    );
    let of_instance = variable::get_by_instance(&mut conn, second).await.unwrap();
    assert_eq!(of_instance.id, id);
    assert_eq!(
        of_instance
            .instances
            .iter()
            .map(|i| i.id)
            .collect::<Vec<_>>(),
        [second]
    );
    assert_eq!(of_instance.instances[0].metadata, map(&[("k", "v")]));
    let unknown = InstanceId::new();
    let formats = variable::formats(&mut conn, &[first, unknown, second]).await;
    let format = InstanceFormat {
        variable: "v/ndvi".to_owned(),
        bands: 2,
        format,
    };
    let expected = [(first, format.clone()), (second, format)];
    assert_eq!(formats.unwrap(), expected.into());
}

#[tokio::test]
async fn unknown_variables_are_named() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let (id, instance) = (VariableId::new(), InstanceId::new());
    for (error, text) in [
        (
            refusal(variable::get(&mut conn, id).await),
            format!("Variable with id: {id}"),
        ),
        (
            refusal(variable::get_by_name(&mut conn, "z*").await),
            "Variable with name: z*".to_owned(),
        ),
        (
            refusal(variable::get_by_instance(&mut conn, instance).await),
            format!("Variable Instance with id: {instance}"),
        ),
        (
            refusal(variable::update(&mut conn, id, &new_variable("v")).await),
            format!("Variable with id: {id}"),
        ),
        (
            refusal(variable::delete(&mut conn, id).await),
            format!("Variable with id: {id}"),
        ),
        (
            refusal(instance::delete(&mut conn, instance).await),
            format!("Variable Instance with id: {instance}"),
        ),
        (
            refusal(instance::create(&mut conn, id, "i", &map(&[])).await),
            format!("Variable with id: {id}"),
        ),
    ] {
        assert_eq!(error.to_string(), text);
        assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
    }
    assert_eq!(
        instance::first_missing(&mut conn, &[instance])
            .await
            .unwrap(),
        Some(instance)
    );
}

#[tokio::test]
async fn names_of_variables_and_instances_are_unique() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let (id, _) = one_instance(&mut conn, "v/ndvi").await;
    let (other, _) = one_instance(&mut conn, "other").await;
    for (error, entity, text) in [
        (
            refusal(variable::create(&mut conn, &new_variable("v/ndvi")).await),
            Entity::Variable,
            "Variable with name: v/ndvi",
        ),
        (
            refusal(variable::update(&mut conn, other, &new_variable("v/ndvi")).await),
            Entity::Variable,
            "Variable with name: v/ndvi",
        ),
        (
            refusal(instance::create(&mut conn, id, "master", &map(&[])).await),
            Entity::Instance,
            "Instance with name: master",
        ),
    ] {
        assert_eq!(error.to_string(), text);
        assert!(
            matches!(error, Error::AlreadyExists { entity: found, .. } if found == entity),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn palettes_must_exist() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let given = NewVariable {
        palette: Some("ramp".to_owned()),
        ..new_variable("v")
    };
    let error = refusal(variable::create(&mut conn, &given).await);
    assert_eq!(error.to_string(), "Palette with name: ramp");
    assert!(matches!(
        error,
        Error::NotFound {
            entity: Entity::Palette,
            ..
        }
    ));
    let id = variable::create(&mut conn, &new_variable("v"))
        .await
        .unwrap();
    let error = refusal(variable::update(&mut conn, id, &given).await);
    assert!(matches!(
        error,
        Error::NotFound {
            entity: Entity::Palette,
            ..
        }
    ));
}

#[tokio::test]
async fn palettes_are_replaced_only_when_asked() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let ramp = |middle: f32| {
        let point = |value, red| ColorPoint {
            value,
            rgba: [red, 0, 0, 255],
        };
        Palette::try_new(
            "ramp".to_owned(),
            vec![point(0.0, 0), point(middle, 9), point(1.0, 255)],
        )
        .unwrap()
    };
    palette::create(&mut conn, &ramp(0.25), false)
        .await
        .unwrap();
    palette::create(&mut conn, &ramp(0.25), false)
        .await
        .unwrap();
    let error = refusal(palette::create(&mut conn, &ramp(0.5), false).await);
    assert_eq!(error.to_string(), "Palette with name: ramp");
    palette::create(&mut conn, &ramp(0.5), true).await.unwrap();
    let drawn = NewVariable {
        palette: Some("ramp".to_owned()),
        ..new_variable("drawn")
    };
    let id = variable::create(&mut conn, &drawn).await.unwrap();
    let of_it = instance::create(&mut conn, id, "i", &map(&[]))
        .await
        .unwrap();
    let (found, palette) = variable::get_drawn(&mut conn, of_it).await.unwrap();
    assert_eq!((found.definition, palette), (drawn, Some(ramp(0.5))));
    assert_eq!(found.instances[0].id, of_it);
}

#[tokio::test]
async fn a_variable_may_be_drawn_without_palette() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let (id, instance) = one_instance(&mut conn, "plain").await;
    let (found, palette) = variable::get_drawn(&mut conn, instance).await.unwrap();
    assert_eq!((found.id, palette), (id, None));
    assert!(matches!(
        refusal(variable::get_drawn(&mut conn, InstanceId::new()).await),
        Error::NotFound { .. }
    ));
}

#[tokio::test]
async fn variables_are_listed_by_name_in_pages() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    for name in ["c", "a", "b"] {
        let (id, _) = one_instance(&mut conn, name).await;
        instance::create(&mut conn, id, "other", &map(&[]))
            .await
            .unwrap();
    }
    variable::create(&mut conn, &new_variable("bare"))
        .await
        .unwrap();
    for (pattern, page, limit, expected) in [
        ("", 0, 0, &["a", "b", "bare", "c"][..]),
        ("b*", 0, 0, &["b", "bare"]),
        ("", 1, 2, &["bare", "c"]),
        ("", 2, 2, &[]),
    ] {
        let mut listing = variable::Listing::new(Pattern::parse(pattern), Page { page, limit });
        let listed = listing.next(&mut conn).await.unwrap();
        let names: Vec<_> = listed
            .iter()
            .map(|variable| variable.definition.name.as_str())
            .collect();
        assert_eq!(names, expected);
        assert!(
            listed
                .iter()
                .all(|v| v.instances.len() == if v.definition.name == "bare" { 0 } else { 2 })
        );
    }
}

#[tokio::test]
async fn updates_are_stored() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let (id, instance_id) = one_instance(&mut conn, "v").await;
    let after = NewVariable {
        unit: String::new(),
        description: "other".to_owned(),
        resampling: Resampling::Mode,
        ..new_variable("renamed")
    };
    variable::update(&mut conn, id, &after).await.unwrap();
    assert_eq!(
        variable::get(&mut conn, id).await.unwrap().definition,
        after
    );
    let before = instance::get_for_update(&mut conn, instance_id)
        .await
        .unwrap();
    let after = Instance {
        name: "renamed".to_owned(),
        metadata: map(&[("x", "y")]),
        ..before
    };
    instance::update(&mut conn, &after).await.unwrap();
    assert_eq!(
        instance::get_for_update(&mut conn, instance_id)
            .await
            .unwrap(),
        after
    );
}

#[tokio::test]
async fn used_instances_keep_their_variable() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let aoi = one_aoi(&mut conn).await;
    let record = one_record(&mut conn, "r", day(1), aoi).await;
    let (id, used) = one_instance(&mut conn, "v").await;
    let free = instance::create(&mut conn, id, "free", &map(&[]))
        .await
        .unwrap();
    store(&mut conn, &[dataset_at("/a.tif", record, used, 0.0, 0.0)]).await;
    let text = format!("variable_instances and datasets with id: {used}");
    let mut tx = test.db.begin().await.unwrap();
    assert_eq!(
        refusal(variable::delete(&mut tx, id).await).to_string(),
        text
    );
    tx.rollback().await.unwrap();
    assert_eq!(
        variable::get(&mut conn, id).await.unwrap().instances.len(),
        2
    );
    assert_eq!(
        refusal(instance::delete(&mut conn, used).await).to_string(),
        text
    );
    instance::delete(&mut conn, free).await.unwrap();
    assert!(matches!(
        refusal(instance::delete(&mut conn, free).await),
        Error::NotFound { .. }
    ));
}

#[tokio::test]
async fn parameters_are_copied_to_jobs() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let (variable, _) = one_instance(&mut conn, "v").await;
    let (owner, job) = (Owner::Variable(variable), JobId::new());
    let error = refusal(consolidation_params::get(&mut conn, owner).await);
    assert_eq!(
        error.to_string(),
        format!("ConsolidationParams with id: {variable}")
    );
    assert_eq!(
        refusal(consolidation_params::copy(&mut conn, variable, job).await),
        error
    );
    let mut params = ConsolidationParams {
        format: DataFormat::try_new(DType::Int8, -128.0, -100.0, 100.0).unwrap(),
        exponent: 2.0,
        resampling: Resampling::Q3,
        compression: Compression::Custom,
        storage_class: StorageClass::DeepArchive,
        creation_params: map(&[("COMPRESS", "JPEG")]),
    };
    consolidation_params::put(&mut conn, owner, &params)
        .await
        .unwrap();
    consolidation_params::copy(&mut conn, variable, job)
        .await
        .unwrap();
    let before = params.clone();
    params.exponent = 1.0;
    consolidation_params::put(&mut conn, owner, &params)
        .await
        .unwrap();
    assert_eq!(
        consolidation_params::get(&mut conn, owner).await.unwrap(),
        params
    );
    assert_eq!(
        consolidation_params::get(&mut conn, Owner::Job(job))
            .await
            .unwrap(),
        before
    );
    variable::delete(&mut conn, variable).await.unwrap();
    assert!(consolidation_params::get(&mut conn, owner).await.is_err());
}
