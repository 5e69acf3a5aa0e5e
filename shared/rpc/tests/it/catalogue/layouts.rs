use crate::harness::Server;
use crate::harness::answers::{invalid, refused_on};
use crate::harness::catalogue::map;
use rpc::pb;
use tonic::{Code, Status};

/// A layout as the Python client makes it.
pub fn layout(name: &str) -> pb::Layout {
    pb::Layout {
        name: name.to_owned(),
        grid_flags: vec![],
        grid_parameters: map(&[
            ("grid", "regular"),
            ("crs", "epsg:32631"),
            ("cell_size", "1024"),
            ("resolution", "30"),
        ]),
        block_x_size: 256,
        block_y_size: 256,
        max_records: 1000,
        overviews_min_size: -1,
        interlacing_pattern: "Z=0>T>R>B;R>Z=1:>T>B".to_owned(),
    }
}

async fn create(server: &Server, layout: pb::Layout) -> Result<(), Status> {
    server
        .client()
        .create_layout(pb::CreateLayoutRequest {
            layout: Some(layout),
        })
        .await?;
    Ok(())
}

async fn list(server: &Server, name_like: &str) -> Vec<pb::Layout> {
    let request = pb::ListLayoutsRequest {
        name_like: name_like.to_owned(),
    };
    server
        .client()
        .list_layouts(request)
        .await
        .unwrap()
        .into_inner()
        .layouts
}

#[tokio::test]
async fn layouts_come_back_as_they_were_given() {
    let Some(server) = Server::start().await else {
        return;
    };
    let given = pb::Layout {
        grid_flags: vec!["f1".to_owned(), "f2".to_owned()],
        ..layout("a/b")
    };
    create(&server, given.clone()).await.unwrap();
    refused_on(
        create(&server, given.clone()).await,
        Code::AlreadyExists,
        "Layout with name: a/b",
        "Layout",
        "a/b",
    );
    for pattern in ["Z=0>T>R>B;R>Z=1:>T>B", "Z=1:3>T>R=2,5>B=:4", "L>T>I>P"] {
        let name = format!("p{}", pattern.len());
        create(
            &server,
            pb::Layout {
                interlacing_pattern: pattern.to_owned(),
                ..layout(&name)
            },
        )
        .await
        .unwrap();
        assert_eq!(
            list(&server, &name).await[0].interlacing_pattern,
            pattern,
            "the text is kept"
        );
    }
    assert_eq!(list(&server, "a/b").await, [given]);
    create(
        &server,
        pb::Layout {
            block_y_size: 128,
            ..layout("oblong")
        },
    )
    .await
    .unwrap();

    for name in ["unknown", "*", ""] {
        server
            .client()
            .delete_layout(pb::DeleteLayoutRequest {
                name: name.to_owned(),
            })
            .await
            .unwrap();
    }
    assert_eq!(list(&server, "").await.len(), 5);
    server
        .client()
        .delete_layout(pb::DeleteLayoutRequest {
            name: "a/b".to_owned(),
        })
        .await
        .unwrap();
    assert!(list(&server, "a/b").await.is_empty());
}

#[tokio::test]
async fn malformed_layouts_are_refused() {
    let Some(server) = Server::start().await else {
        return;
    };
    let patterns = [
        "",
        "Z>T>R",
        "T>Z>R>B",
        "Z>T>R>R",
        "X>T>R>B",
        "Z=a>T>R>B",
        "z>t>r>b",
        "Z > T > R > B",
        "Z>T>R>B;",
        "Z>T=3>R>B",
        "Z=99999999999999999999>T>R>B",
    ];
    for pattern in patterns {
        let malformed = pb::Layout {
            interlacing_pattern: pattern.to_owned(),
            ..layout("a")
        };
        invalid(
            create(&server, malformed).await,
            "InterlacingPattern is incorrect",
        );
    }
    let unknown = map(&[("grid", "nowhere"), ("resolution", "10")]);
    let nowhere = pb::Layout {
        grid_parameters: unknown,
        ..layout("a")
    };
    let refusal = create(&server, nowhere).await;
    refused_on(
        refusal,
        Code::NotFound,
        "Grid with name: nowhere",
        "Grid",
        "nowhere",
    );
    let grid = |pairs: &[(&str, &str)]| {
        let mut parameters = layout("a").grid_parameters;
        parameters.extend(map(pairs));
        pb::Layout {
            grid_parameters: parameters,
            ..layout("a")
        }
    };
    for (fragment, malformed) in [
        (
            "unknown parameter \"resolution_m\", expected one of grid, subgrid, crs, resolution,",
            grid(&[("resolution_m", "10")]),
        ),
        ("ame", layout("a b")),
        ("ame", layout("")),
        (
            "block",
            pb::Layout {
                block_x_size: 0,
                ..layout("a")
            },
        ),
        (
            "block",
            pb::Layout {
                block_y_size: -1,
                ..layout("a")
            },
        ),
        (
            "block",
            pb::Layout {
                block_x_size: 1 << 40,
                ..layout("a")
            },
        ),
        (
            "block_x_size",
            pb::Layout {
                block_x_size: 17,
                ..layout("a")
            },
        ),
        (
            "block_y_size",
            pb::Layout {
                block_y_size: 32_784,
                ..layout("a")
            },
        ),
        (
            "missing 'grid'",
            pb::Layout {
                grid_parameters: map(&[]),
                ..layout("a")
            },
        ),
        (
            "axRecords",
            pb::Layout {
                max_records: 0,
                ..layout("a")
            },
        ),
        (
            "axRecords",
            pb::Layout {
                max_records: i64::MAX,
                ..layout("a")
            },
        ),
        (
            "overviews",
            pb::Layout {
                overviews_min_size: i64::MIN,
                ..layout("a")
            },
        ),
        ("cell_size", grid(&[("cell_size", "0")])),
        ("cell_size", grid(&[("cell_size", "65537")])),
        ("resolution", grid(&[("resolution", "0")])),
        ("resolution", grid(&[("resolution", "NaN")])),
        ("resolution", grid(&[("resolution", "inf")])),
        ("ox", grid(&[("ox", "NaN")])),
        ("crs", grid(&[("crs", "epsg")])),
        ("crs", grid(&[("crs", "")])),
    ] {
        let text = format!("{malformed:?}");
        let answer = create(&server, malformed).await;
        assert!(answer.is_err(), "{text}");
        invalid(answer, fragment);
    }
    invalid(
        server
            .client()
            .create_layout(pb::CreateLayoutRequest::default())
            .await,
        "layout",
    );
    assert!(list(&server, "").await.is_empty());
}
