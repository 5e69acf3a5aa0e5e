//! GDAL's command lines, as the reference.

use std::{path::Path, process::Command};

/// Whether a tool is there; says so when it is not. In continuous integration all of them are.
///
/// # Panics
/// When it is absent in continuous integration.
pub fn available(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").output().is_ok();
    if !found {
        assert!(std::env::var_os("CI").is_none(), "{tool} is needed");
        eprintln!("skipped: needs {tool}");
    }
    found
}

/// Runs a tool that must succeed.
pub fn run<S: AsRef<str>>(tool: &str, arguments: &[S]) -> String {
    let arguments: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
    let output = Command::new(tool).args(&arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool} {arguments:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The words of a command line.
pub fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// A path as text.
pub fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
