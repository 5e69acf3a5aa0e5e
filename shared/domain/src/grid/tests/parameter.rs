//! Parameters of layouts.

use super::{REGULAR, SINGLE, alps, covers, parse, plain, with};
use crate::Size;
use crate::footprint::test_projections::Utm;
use crate::grid::{GridSpec, Tiling, check_cell_ids, check_grid_name};
use proptest::prelude::*;

#[test]
fn wrong_parameters_are_named() {
    for (base, key, wrong) in [
        (
            &REGULAR[..],
            "cell_size",
            &["0", "65537", "-1", "1.5", "x", "", "1e3"][..],
        ),
        (
            &REGULAR[..],
            "resolution",
            &["0", "-1", "nan", "inf", "1e-320", "1e-13", "x", "", "1e300"][..],
        ),
        (&REGULAR[..], "ox", &["nan", "-inf", "x", "1e300"][..]),
        (&REGULAR[..], "oy", &["nan", "inf", ""][..]),
        (&REGULAR[..], "memory_limit", &["-1", "x", "1.5"][..]),
        (&REGULAR[..], "crs", &["", "  "][..]),
        (
            &SINGLE[..],
            "resolution",
            &["0", "-1", "NaN", "infinity", "x"][..],
        ),
        (&SINGLE[..], "crs", &[""][..]),
    ] {
        let label = if base.len() == 4 {
            "RegularGrid"
        } else {
            "SingleCellGrid"
        };
        for value in wrong {
            let text = parse(&with(base, &[(key, value)])).unwrap_err().to_string();
            assert!(
                text.starts_with(&format!("invalid {label}: {key} must be")),
                "{text}"
            );
            assert!(text.ends_with(&format!("found {value:?}")), "{text}");
        }
    }
}

#[test]
fn missing_parameters_are_named() {
    assert_eq!(
        parse(&[]).unwrap_err().to_string(),
        "missing 'grid' in parameters"
    );
    for (base, missing, text) in [
        (
            &REGULAR[..],
            "crs",
            "invalid RegularGrid: missing 'crs' in parameters",
        ),
        (
            &REGULAR[..],
            "resolution",
            "invalid RegularGrid: missing 'resolution' in parameters",
        ),
        (
            &REGULAR[..],
            "cell_size",
            "invalid RegularGrid: missing 'cell_x_size' in parameters",
        ),
        (
            &SINGLE[..],
            "crs",
            "invalid SingleCellGrid: missing 'crs' in parameters",
        ),
        (
            &SINGLE[..],
            "resolution",
            "invalid SingleCellGrid: missing 'resolution' in parameters",
        ),
    ] {
        let rest: Vec<_> = base
            .iter()
            .copied()
            .filter(|(key, _)| *key != missing)
            .collect();
        assert_eq!(parse(&rest).unwrap_err().to_string(), text);
    }
    let square_wins = plain(&with(
        &REGULAR,
        &[("cell_x_size", "7"), ("cell_y_size", "x")],
    ));
    let Tiling::Regular(tiling) = square_wins.tiling else {
        panic!("{square_wins:?}");
    };
    assert_eq!(
        tiling.cell_size,
        Size {
            width: 1024,
            height: 1024
        }
    );
    assert_eq!((tiling.ox, tiling.oy, tiling.memory_limit), (0., 0., None));
}

#[test]
fn stored_grids_cut_their_cells_by_another_grid() {
    let stored = parse(&[("grid", "Europe"), ("resolution", "10")]).unwrap();
    let GridSpec::Custom(grid) = stored else {
        panic!("{stored:?}");
    };
    assert_eq!(grid.name, "Europe");
    let sub_grid = grid.grid_in("EPSG:32631");
    assert_eq!(sub_grid, plain(&with(&SINGLE, &[("crs", "EPSG:32631")])));
    let cell = covers(&sub_grid, &alps(), &Utm::north(31)).remove(0);
    let uri = cell.uri.clone();
    let cell = grid.cell_within("31/T", cell);
    assert_eq!(cell.uri, format!("31/T/{uri}"));
    assert_eq!(grid.split_uri(&cell.uri).unwrap(), ("31/T", uri.as_str()));

    let regular = parse(&[
        ("grid", "Europe"),
        ("subgrid", "REGULAR"),
        ("cell_size", "10"),
        ("resolution", "1"),
    ]);
    let Ok(GridSpec::Custom(grid)) = regular else {
        panic!("{regular:?}");
    };
    assert_eq!(grid.split_uri("a/b/1/-2").unwrap(), ("a/b", "1/-2"));
    for uri in ["1/2", "", "/1/2", "a b/1/2", "x"] {
        assert!(grid.split_uri(uri).is_err(), "{uri}");
    }

    for (more, text) in [
        (
            ("subgrid", "custom"),
            "invalid subgrid: \"custom\", expected 'regular' or 'singlecell'",
        ),
        (
            ("subgrid", "regular"),
            "invalid RegularGrid: missing 'cell_x_size' in parameters",
        ),
        (
            ("resolution", "x"),
            "invalid SingleCellGrid: resolution must be a positive number between 1e-12 and 1e12, found \"x\"",
        ),
    ] {
        let pairs = with(&[("grid", "Europe"), ("resolution", "10")], &[more]);
        assert_eq!(parse(&pairs).unwrap_err().to_string(), text);
    }
    assert!(parse(&[("grid", "a/b"), ("resolution", "10")]).is_err());
    assert!(parse(&[("grid", ""), ("resolution", "10")]).is_err());
}

#[test]
fn names_of_stored_grids_and_cells_are_checked() {
    assert!(check_grid_name("g1").is_ok());
    for name in ["g/3", "Regular", "SINGLECELL", "", "a b"] {
        assert!(check_grid_name(name).is_err(), "{name}");
    }
    assert!(check_cell_ids(["a", "b/c"]).is_ok());
    assert!(check_cell_ids(["a b"]).is_err());
    let text = check_cell_ids(["a", "b", "a"]).unwrap_err().to_string();
    assert_eq!(text, "Duplicate cell-id:a");
}

proptest! {
    /// Nothing that a caller can write makes the parser panic, and what it accepts has finite cells.
    #[test]
    fn any_parameters_are_parsed_or_refused(
        values in prop::collection::btree_map(
            prop::sample::select(vec![
                "grid", "crs", "cell_size", "cell_x_size", "cell_y_size", "resolution", "ox", "oy",
                "memory_limit", "subgrid",
            ]).prop_map(str::to_owned),
            prop_oneof![
                Just("regular".to_owned()), Just("singlecell".to_owned()), Just("4326".to_owned()),
                "[-+0-9.eE]{0,6}", any::<f64>().prop_map(|v| v.to_string()), ".{0,5}",
            ],
            0..10,
        ),
        i in any::<i32>(),
        j in any::<i32>(),
    ) {
        if let Ok(GridSpec::Plain(grid)) = GridSpec::parse(&values)
            && let Ok(cell) = grid.cell_from_uri(&format!("{i}/{j}"), 0)
        {
            prop_assert!(cell.transform.0.iter().all(|value| value.is_finite()));
        }
    }
}
