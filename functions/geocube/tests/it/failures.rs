//! The table of failures in the documentation.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Names of the functions below a folder.
fn functions(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let names = text.split("fn ").skip(1);
            found.extend(names.filter_map(|rest| Some(rest.split_once('(')?.0.to_owned())));
        }
    }
}

#[test]
fn every_failure_of_the_table_is_backed_by_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut present = BTreeSet::new();
    for folder in ["shared", "functions"] {
        functions(&root.join(folder), &mut present);
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
