//! The table of failures in the documentation.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Names of the tests below a folder.
fn tests_below(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests_below(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.extend(tests_of(&fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Names of the functions that are marked as tests.
fn tests_of(text: &str) -> Vec<String> {
    let (mut found, mut marked) = (Vec::new(), false);
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[") {
            marked |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        } else if let Some((_, rest)) = line.split_once("fn ") {
            let name = rest.split_once('(').map(|(name, _)| name.to_owned());
            found.extend(name.filter(|_| marked));
            marked = false;
        }
    }
    found
}

#[test]
fn every_failure_of_the_table_is_backed_by_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut present = BTreeSet::new();
    for folder in ["shared", "functions"] {
        tests_below(&root.join(folder), &mut present);
    }
    let text = fs::read_to_string(root.join("docs/failures.md")).unwrap();
    let (mut rows, mut missing) = (0, Vec::new());
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        if cells[0].trim() == "What happens" {
            continue;
        }
        rows += 1;
        let tests: Vec<&str> = cells[3].split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "no test backs: {line}");
        missing.extend(tests.into_iter().filter(|test| !present.contains(*test)));
    }
    assert!(rows > 20, "{rows} rows");
    assert!(missing.is_empty(), "these tests do not exist: {missing:?}");
}
