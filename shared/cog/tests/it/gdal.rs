use std::{path::Path, process::Command};

/// True when GDAL's command-line tools are there; says so when they are not.
pub fn available() -> bool {
    let found = Command::new("gdalinfo").arg("--version").output().is_ok();
    if !found {
        println!("skipped: needs gdalinfo");
    }
    found
}

/// Runs a tool that must succeed without a word on its error output.
pub fn run(tool: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool} {arguments:?}: {errors}");
    assert!(errors.is_empty(), "{tool} {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// What `gdalinfo` says of the pixels of a dataset: checksums of bands, overviews and masks.
pub fn checksums(dataset: &str) -> Vec<String> {
    let keep = |line: &&str| line.contains("hecksum");
    let text = run("gdalinfo", &["-checksum", dataset]);
    text.lines()
        .filter(keep)
        .map(|line| line.trim().to_owned())
        .collect()
}

/// What `gdalinfo` says of the place, type, blocks and overviews of a dataset.
pub fn shape(dataset: &str) -> Vec<String> {
    let keys = [
        "Size is",
        "Origin =",
        "Pixel Size =",
        "Block=",
        "Overviews:",
        "NoData",
        "PROJCRS[",
        "Mask Flags",
        "Color Table",
    ];
    let text = run("gdalinfo", &[dataset]);
    text.lines()
        .filter(|line| keys.iter().any(|key| line.contains(key)))
        .map(|line| line.trim().to_owned())
        .collect()
}

/// The samples of a dataset, pixel-interleaved, as GDAL reads them.
pub fn samples(dataset: &str, folder: &Path) -> Vec<u8> {
    let raw = folder.join("raw.bin");
    let path = raw.to_str().unwrap();
    run(
        "gdal_translate",
        &["-q", "-of", "ENVI", "-co", "INTERLEAVE=BIP", dataset, path],
    );
    std::fs::read(raw).unwrap()
}
