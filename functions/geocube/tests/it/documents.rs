//! The tables of the documentation that name tests.

use std::collections::BTreeSet;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

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

/// The folder of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text_of(document: &str) -> String {
    fs::read_to_string(root().join("docs").join(document)).unwrap()
}

/// The first cells of the rows of the tables of a document. The last ones name tests, all of which exist.
fn backed_rows(document: &str, title: &str) -> Vec<String> {
    let mut present = BTreeSet::new();
    for folder in ["shared", "functions"] {
        tests_below(&root().join(folder), &mut present);
    }
    let text = text_of(document);
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

/// What the items of the list below a heading begin with, up to a colon.
fn items_below(document: &str, heading: &str) -> Vec<String> {
    let text = text_of(document);
    let (_, section) = text.split_once(&format!("## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    section
        .lines()
        .filter_map(|line| line.strip_prefix("- ")?.split_once(':'))
        .map(|(begin, _)| begin.to_owned())
        .collect()
}

/// The vectors of `8, 10-12` or `S8, S10-S12`, each with its series.
fn vectors_of(text: &str) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    for range in text.split(", ") {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let series = first.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let number = |text: &str| text.strip_prefix(series).unwrap().parse().unwrap();
        let numbers: RangeInclusive<u32> = number(first)..=number(last);
        found.extend(numbers.map(|number| (series.to_owned(), number)));
    }
    found
}

/// All vectors of series of so many.
fn all_of(series: &[(&str, u32)]) -> Vec<(String, u32)> {
    let numbers = |(name, last): &(&str, u32)| {
        let name = (*name).to_owned();
        (1..=*last).map(move |number| (name.clone(), number))
    };
    series.iter().flat_map(numbers).collect()
}

#[test]
fn every_failure_of_the_table_is_backed_by_tests_that_exist() {
    let rows = backed_rows("failures.md", "What happens");
    assert!(rows.len() > 20, "{} rows", rows.len());
}

#[test]
fn every_vector_of_the_catalogue_is_backed_by_tests_that_exist() {
    let rows = backed_rows("vectors.md", "Vectors");
    let found: Vec<_> = rows.iter().flat_map(|row| vectors_of(row)).collect();
    assert_eq!(found, all_of(&[("", 146)]));
}

#[test]
fn every_vector_of_jobs_is_backed_by_tests_that_exist_or_named_as_one_without() {
    let document = "vectors-jobs.md";
    let mut named = backed_rows(document, "Numbers");
    named.extend(items_below(document, "Without a test"));
    let mut found: Vec<_> = named.iter().flat_map(|text| vectors_of(text)).collect();
    let mut expected = all_of(&[
        ("S", 43),
        ("P", 16),
        ("M", 26),
        ("A", 23),
        ("F", 13),
        ("U", 16),
        ("T", 7),
        ("WP", 43),
    ]);
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn every_vector_of_imaging_is_backed_by_tests_that_exist_or_named_as_one_without() {
    let document = "vectors-imaging.md";
    let mut named = backed_rows(document, "Numbers");
    named.extend(items_below(document, "Without a test"));
    let mut found: Vec<_> = named.iter().flat_map(|text| vectors_of(text)).collect();
    let mut expected = all_of(&[("", 115), ("WP", 49)]);
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
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
