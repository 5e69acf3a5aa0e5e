//! The tables of the documentation that name tests.

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

/// The rows of the tables of a document, and the names of the tests in its last column, all of which exist.
fn backed_rows(document: &str, title: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut present = BTreeSet::new();
    for folder in ["shared", "functions"] {
        tests_below(&root.join(folder), &mut present);
    }
    let text = fs::read_to_string(root.join("docs").join(document)).unwrap();
    let (mut rows, mut missing) = (Vec::new(), Vec::new());
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        if cells[0].trim() == title {
            continue;
        }
        let last = cells.last().unwrap();
        let tests: Vec<&str> = last.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "no test backs: {line}");
        missing.extend(
            tests
                .into_iter()
                .filter(|test| !present.contains(*test))
                .map(str::to_owned),
        );
        rows.push(cells[0].trim().to_owned());
    }
    assert!(missing.is_empty(), "these tests do not exist: {missing:?}");
    rows
}

#[test]
fn every_failure_of_the_table_is_backed_by_tests_that_exist() {
    let rows = backed_rows("failures.md", "What happens");
    assert!(rows.len() > 20, "{} rows", rows.len());
}

#[test]
fn every_vector_of_the_catalogue_is_backed_by_tests_that_exist() {
    let mut numbers = Vec::new();
    for row in backed_rows("vectors.md", "Vectors") {
        for range in row.split(", ") {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            numbers.extend(first.parse::<u32>().unwrap()..=last.parse().unwrap());
        }
    }
    assert_eq!(numbers, (1..=146).collect::<Vec<_>>());
}

#[test]
fn the_backend_of_the_documentation_is_one_that_is_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let code = read("shared/imaging/tests/it/backend.rs");
    let text = read("docs/operations.md");
    let mut blocks = text.split("   ```rust\n").skip(1);
    for block in [blocks.next().unwrap(), blocks.next().unwrap()] {
        let (block, _) = block.split_once("   ```").unwrap();
        let lines = block
            .lines()
            .map(|line| line.strip_prefix("   ").unwrap_or(line));
        let quoted = lines.collect::<Vec<_>>().join("\n");
        assert!(code.contains(&quoted), "{quoted}");
    }
    assert!(blocks.next().is_none());
}
