use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

fn level(tiles_x: u32, tiles_y: u32) -> LevelShape {
    LevelShape {
        planes: 1,
        x0: 0,
        y0: 0,
        tiles_x,
        tiles_y,
    }
}

/// Tiles as `record.level.xy`.
fn listed(pattern: &str, shape: &Shape) -> String {
    let pattern = InterlacingPattern::parse(pattern).unwrap();
    let tiles = order(&pattern, shape);
    tiles
        .map(|tile| format!("{}.{}.{}{}", tile.record, tile.level, tile.x, tile.y))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn tiles_come_in_the_order_of_the_pattern() {
    let shape = Shape {
        records: vec![vec![level(2, 2), level(1, 1)]; 2],
    };
    let cases = [
        (
            "Z=0>T>R>B;R>Z=1:>T>B",
            "0.0.00 1.0.00 0.0.01 1.0.01 0.0.10 1.0.10 0.0.11 1.0.11 0.1.00 1.1.00",
        ),
        (
            "R>Z>T>B",
            "0.0.00 0.0.01 0.0.10 0.0.11 0.1.00 1.0.00 1.0.01 1.0.10 1.0.11 1.1.00",
        ),
        (
            "R>Z=1:>T>B;R>Z=0>T>B",
            "0.1.00 1.1.00 0.0.00 0.0.01 0.0.10 0.0.11 1.0.00 1.0.01 1.0.10 1.0.11",
        ),
        (
            "R=1>Z=0>T>B",
            "1.0.00 1.0.01 1.0.10 1.0.11 0.0.00 0.0.01 0.0.10 0.0.11 0.1.00 1.1.00",
        ),
        // named twice: the first place counts
        (
            "R=1>Z=1>T>B;R>Z>T>B",
            "1.1.00 0.0.00 0.0.01 0.0.10 0.0.11 0.1.00 1.0.00 1.0.01 1.0.10 1.0.11",
        ),
        // a list keeps its order
        (
            "R=1,0,1>Z=1>T>B;R=0>Z=0>T>B",
            "1.1.00 0.1.00 0.0.00 0.0.01 0.0.10 0.0.11 1.0.00 1.0.01 1.0.10 1.0.11",
        ),
        // nothing selected
        (
            "R=7>Z=5:>T>B=3:",
            "0.0.00 0.0.01 0.0.10 0.0.11 0.1.00 1.0.00 1.0.01 1.0.10 1.0.11 1.1.00",
        ),
        (
            "R=2:2>Z>T>B",
            "0.0.00 0.0.01 0.0.10 0.0.11 0.1.00 1.0.00 1.0.01 1.0.10 1.0.11 1.1.00",
        ),
    ];
    for (pattern, expected) in cases {
        assert_eq!(listed(pattern, &shape), expected, "{pattern}");
    }
}

#[test]
fn records_with_other_origins_meet_on_the_common_grid() {
    let right = LevelShape {
        x0: 1,
        ..level(1, 2)
    };
    let shape = Shape {
        records: vec![vec![level(2, 1)], vec![right]],
    };
    assert_eq!(listed("Z>T>R>B", &shape), "0.0.00 0.0.10 1.0.10 1.0.11");
}

#[test]
fn planes_are_tiles_of_their_own() {
    let shape = Shape {
        records: vec![vec![LevelShape {
            planes: 2,
            ..level(2, 1)
        }]],
    };
    let pattern = InterlacingPattern::parse("R>B=1,0>Z>T").unwrap();
    let places = order(&pattern, &shape)
        .map(|tile| (tile.plane, tile.x))
        .collect::<Vec<_>>();
    assert_eq!(places, [(1, 0), (1, 1), (0, 0), (0, 1)]);
}

#[test]
fn accepted_patterns_keep_their_text() {
    for text in [
        "Z=0>T>R>B;R>Z=1:>T>B",
        "Z=0>T>R>B;Z=1:>R>T>B",
        "Z>T>R>B",
        "Z=1:3>T>R=2,5>B=:4",
        "L>T>I>P",
        "Z=:>T>R>B",
        "B=0>Z>R>T",
    ] {
        let pattern =
            InterlacingPattern::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(pattern.to_string(), text);
    }
}

#[test]
fn refusals_say_what_is_wrong_and_name_the_levels() {
    let cases = [
        ("", "is empty"),
        ("Z>T>R", "3 level(s)"),
        ("Z>T>R>B>R", "5 level(s)"),
        ("T>Z>R>B", "T before Z"),
        ("Z>T>R>R", "R twice"),
        ("I>T>R>Z", "R twice"),
        ("X>T>R>B", "unknown level 'X'"),
        ("Z=a>T>R>B", "'a' is not an index"),
        ("Z=>T>R>B", "'' is not an index"),
        ("Z=1,>T>R>B", "'' is not an index"),
        ("Z=+1>T>R>B", "'+1' is not an index"),
        ("Z=-1>T>R>B", "'-1' is not an index"),
        ("Z=:-1>T>R>B", "'-1' is not an index"),
        ("Z=1:2:3>T>R>B", "'2:3' is not an index"),
        ("Z=99999999999999999999>T>R>B", "is not an index"),
        ("Z=3:1>T>R>B", "inverted"),
        ("Z>T=3>R>B", "T takes no selection"),
        ("z>t>r>b", "unknown level 'z'"),
        ("Z > T > R > B", "unknown level 'Z '"),
        ("Z>T>R>B;", "unknown level ''"),
        ("Z>T>R>B; Z>T>R>B", "unknown level ' Z'"),
    ];
    for (text, expected) in cases {
        let error = InterlacingPattern::parse(text).expect_err(text).to_string();
        assert!(
            error.starts_with("InterlacingPattern is incorrect: "),
            "{error}"
        );
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn far_apart_records_cost_nothing() {
    let far = |at| LevelShape {
        x0: at * 4_000_000,
        y0: at * 4_000_000,
        ..level(2, 2)
    };
    let shape = Shape {
        records: (0..1000_u32).map(|at| vec![far(at)]).collect(),
    };
    assert_eq!(
        order(&InterlacingPattern::parse("Z>T>R>B").unwrap(), &shape).count(),
        4000
    );
}

#[test]
fn a_large_time_series_is_ordered_at_once() {
    let shape = Shape {
        records: vec![vec![level(32, 32), level(16, 16)]; 1000],
    };
    let pattern = InterlacingPattern::parse("Z=0>T>R>B;Z=1:>R>T>B").unwrap();
    let start = std::time::Instant::now();
    let tiles = order(&pattern, &shape);
    assert_eq!(tiles.len(), 1_280_000);
    assert_eq!(tiles.count(), 1_280_000);
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

fn any_level() -> impl Strategy<Value = LevelShape> {
    (1..4_u32, 0..5_u32, 0..5_u32, 0..4_u32, 0..4_u32).prop_map(
        |(planes, x0, y0, tiles_x, tiles_y)| LevelShape {
            planes,
            x0,
            y0,
            tiles_x,
            tiles_y,
        },
    )
}

fn any_selection() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        prop::collection::vec(0..6_u32, 1..4).prop_map(|list| format!(
            "={}",
            list.iter()
                .map(u32::to_string)
                .collect::<Vec<_>>()
                .join(",")
        )),
        (0..4_u32, 0..4_u32).prop_map(|(from, more)| format!("={from}:{}", from + more)),
        (0..6_u32).prop_map(|from| format!("={from}:")),
    ]
}

fn any_part() -> impl Strategy<Value = String> {
    let letters = Just(['R', 'B', 'Z', 'T']).prop_shuffle();
    (letters, prop::collection::vec(any_selection(), 4))
        .prop_filter("Z comes before T", |(letters, _)| {
            letters.iter().position(|letter| *letter == 'Z')
                < letters.iter().position(|letter| *letter == 'T')
        })
        .prop_map(|(letters, chosen)| {
            let with = |(letter, chosen): (&char, &String)| match letter {
                'T' => "T".to_owned(),
                _ => format!("{letter}{chosen}"),
            };
            letters
                .iter()
                .zip(&chosen)
                .map(with)
                .collect::<Vec<_>>()
                .join(">")
        })
}

proptest! {
    #[test]
    fn each_tile_comes_exactly_once(
        parts in prop::collection::vec(any_part(), 1..4),
        records in prop::collection::vec(prop::collection::vec(any_level(), 1..4), 0..5),
    ) {
        let pattern = InterlacingPattern::parse(&parts.join(";")).unwrap();
        let mut expected = HashSet::new();
        for (record, levels) in records.iter().enumerate() {
            for (level, found) in levels.iter().enumerate() {
                for plane in 0..found.planes {
                    for x in 0..found.tiles_x {
                        for y in 0..found.tiles_y {
                            expected.insert(TileRef {
                                record: record as u32, level: level as u32, plane, x: x + found.x0, y: y + found.y0,
                            });
                        }
                    }
                }
            }
        }
        let tiles = order(&pattern, &Shape { records });
        prop_assert_eq!(tiles.len(), expected.len());
        let tiles = tiles.collect::<Vec<_>>();
        prop_assert_eq!(tiles.len(), expected.len());
        prop_assert_eq!(tiles.into_iter().collect::<HashSet<_>>(), expected);
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in "[RBZTIPL=>;:,0-9 a-]{0,40}") {
        if let Ok(pattern) = InterlacingPattern::parse(&text) {
            prop_assert_eq!(pattern.as_str(), text);
        }
    }
}
