use crate::harness::Server;
use crate::harness::answers::{invalid, refused_on};
use crate::harness::catalogue::{UNKNOWN, aoi, rectangle, ring};
use rpc::pb;
use tonic::{Code, Status};

async fn get(server: &Server, id: &str) -> Result<pb::Aoi, Status> {
    let answer = server
        .client()
        .get_aoi(pb::GetAoiRequest { id: id.to_owned() })
        .await?;
    Ok(answer.into_inner().aoi.unwrap())
}

#[tokio::test]
async fn footprints_are_known_by_their_vertices() {
    let Some(server) = Server::start().await else {
        return;
    };
    let square = aoi(&[&[&[(0., 0.), (0., 1.), (1., 1.), (1., 0.), (0., 0.)]]]);
    let id = server.create_aoi(square.clone()).await.unwrap();
    let text = format!("AOI with id: {id}");
    refused_on(
        server.create_aoi(square.clone()).await,
        Code::AlreadyExists,
        &text,
        "AOI",
        &id,
    );

    let mut ids = vec![id];
    for (what, other) in [
        (
            "reversed",
            aoi(&[&[&[(0., 0.), (1., 0.), (1., 1.), (0., 1.), (0., 0.)]]]),
        ),
        (
            "begun elsewhere",
            aoi(&[&[&[(0., 1.), (1., 1.), (1., 0.), (0., 0.), (0., 1.)]]]),
        ),
        (
            "single precision",
            aoi(&[&[&[(0.1, 0.1), (0.1, 1.1), (1.1, 1.1), (0.1, 0.1)]]]),
        ),
        (
            "with a hole",
            aoi(&[&[
                &[(0., 0.), (0., 4.), (4., 4.), (4., 0.), (0., 0.)],
                &[(1., 1.), (2., 1.), (2., 2.), (1., 2.), (1., 1.)],
            ]]),
        ),
        ("whole globe", rectangle(-180., -90., 180., 90.)),
        (
            "bow-tie",
            aoi(&[&[&[(0., 0.), (1., 1.), (1., 0.), (0., 1.), (0., 0.)]]]),
        ),
    ] {
        let id = server
            .create_aoi(other.clone())
            .await
            .unwrap_or_else(|status| panic!("{what}: {status:?}"));
        assert!(!ids.contains(&id), "{what}");
        assert_eq!(get(&server, &id).await.unwrap(), other, "{what}");
        ids.push(id);
    }
    let part = aoi(&[&[&[(7., 7.), (7., 8.), (8., 8.), (7., 7.)]]]);
    let with_empty = pb::Aoi {
        polygons: [vec![pb::Polygon::default()], part.polygons.clone()].concat(),
    };
    let id = server.create_aoi(with_empty).await.unwrap();
    assert_eq!(get(&server, &id).await.unwrap(), part);

    // a database that is taken over recognises its footprints by these
    for hash in [
        "2606548915053d4db1adb322b28b59d280cacf7d",
        "f1e64a3c2947f2dea1964110b830a69eb6dc9d4d",
        "1acaaf275fef3667dc5dfd2bf0c8bb779cf087af",
        "24531bb5c1ede7d70d36bf408e1ea5a199192fe8",
        "85ab44c15c7fcaf9489867df7774fd349afc82bb",
        "845b67569d9cf247f17801f67c11aef3a810c583",
    ] {
        let count = format!("SELECT count(*) FROM geocube.aoi WHERE hash = '{hash}'");
        if let Some(found) = server.sql(&count) {
            assert_eq!(found, "1", "{hash}");
        }
    }
}

#[tokio::test]
async fn malformed_footprints_are_refused() {
    let Some(server) = Server::start().await else {
        return;
    };
    let empty = "AOI must not be empty";
    let no_ring = pb::Aoi {
        polygons: vec![pb::Polygon::default()],
    };
    let empty_ring = pb::Aoi {
        polygons: vec![pb::Polygon {
            linearrings: vec![ring(&[])],
        }],
    };
    for (fragment, malformed) in [
        (empty, pb::Aoi::default()),
        (empty, no_ring),
        (empty, empty_ring),
        ("180", rectangle(0., 0., 181., 1.)),
        ("90", rectangle(0., 0., 1., 90.0001)),
        ("", rectangle(0., f32::NAN, 1., 1.)),
        ("", rectangle(f32::INFINITY, 0., 1., 1.)),
        ("", aoi(&[&[&[(0., 0.), (0., 1.), (1., 1.), (1., 0.)]]])),
        ("", aoi(&[&[&[(0., 0.)]]])),
        ("", aoi(&[&[&[(0., 0.), (0., 1.), (0., 0.)]]])),
    ] {
        invalid(server.create_aoi(malformed).await, fragment);
    }
    let missing = server
        .client()
        .create_aoi(pb::CreateAoiRequest::default())
        .await;
    invalid(missing, empty);
}

#[tokio::test]
async fn identifiers_are_accepted_in_every_spelling() {
    let Some(server) = Server::start().await else {
        return;
    };
    let square = rectangle(0., 0., 1., 1.);
    let id = server.create_aoi(square.clone()).await.unwrap();
    let bare = id.replace('-', "");
    for spelling in [
        id.to_uppercase(),
        format!("{{{id}}}"),
        bare,
        format!("urn:uuid:{id}"),
    ] {
        assert_eq!(get(&server, &spelling).await.unwrap(), square, "{spelling}");
    }
    for malformed in ["abc", "", "00000000-0000-4000-8000-00000000000g"] {
        invalid(get(&server, malformed).await, "Invalid AOI.uuid");
    }
    let text = format!("AOI with id: {UNKNOWN}");
    refused_on(
        get(&server, UNKNOWN).await,
        Code::NotFound,
        &text,
        "AOI",
        UNKNOWN,
    );
}
