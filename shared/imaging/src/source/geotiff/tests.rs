//! The tags read here and by GDAL must say the same.

use super::Header;
use crate::{
    Options, init,
    source::{FileInfo, header, info, open},
};
use domain::{Bands, Uri};
use std::{fs, path::Path, process::Command};

/// Runs a tool of GDAL; whether it is there.
fn run(tool: &str, arguments: &str, folder: &Path) -> bool {
    let words = arguments.split_whitespace();
    let Ok(output) = Command::new(tool).args(words).current_dir(folder).output() else {
        eprintln!("skipped: needs {tool}");
        return false;
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool} {arguments}: {errors}");
    true
}

/// The tags of a file, if it is of the plain kind.
fn read(path: &Path, subdir: &str) -> Option<Header> {
    let uri = Uri::parse(path.to_str().unwrap()).unwrap();
    let opened = header::open(&uri).ok()??;
    Header::of(&*opened.header?, subdir)
}

/// Compares both readers on a file; whether it could be read without GDAL.
fn agree(path: &Path) -> bool {
    agree_on(path, "")
}

/// Compares both readers on a sub-dataset of a file.
fn agree_on(path: &Path, subdir: &str) -> bool {
    let Some(header) = read(path, subdir) else {
        return false;
    };
    let uri = Uri::parse(path.to_str().unwrap()).unwrap();
    let opened = header::open(&uri).unwrap().unwrap();
    let (dataset, name) = open::open(&uri, subdir, Some(&opened.file)).unwrap();
    let crs = info::crs(&dataset, &name).unwrap();
    for band in 1..=header.bands() {
        let bands = Bands::try_new(&[band as i64]).unwrap();
        let expected = FileInfo::of(&dataset, &name, &bands).unwrap();
        let found = header.info(crs.clone());
        assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{name}");
    }
    // what another file with the same tags would be given
    if let Some(known) = header.crs() {
        assert_eq!(known.to_wkt(), crs.to_wkt(), "{name}");
        assert_eq!(known.srid(), crs.srid(), "{name}");
    }
    header.remember(crs);
    true
}

/// Options of `gdal_translate`, and whether the result is of the plain kind.
const TRANSLATIONS: [(&str, bool); 49] = [
    ("", true),
    ("-ot Byte -co PIXELTYPE=SIGNEDBYTE", true),
    ("-ot UInt16", true),
    ("-ot Int16", true),
    ("-ot UInt32", true),
    ("-ot Int32", true),
    ("-ot Float32", true),
    ("-ot Float64", true),
    ("-ot CFloat32", true),
    ("-ot CFloat64", false),
    ("-ot CInt16", false),
    ("-b 1 -b 1 -b 1", true),
    (
        "-b 1 -b 1 -b 1 -b 1 -co ALPHA=YES -co INTERLEAVE=BAND",
        true,
    ),
    ("-b 1 -b 1 -b 1 -co PHOTOMETRIC=RGB", true),
    ("-b 1 -b 1 -b 1 -b 1 -co PHOTOMETRIC=CMYK", false),
    ("-co PHOTOMETRIC=MINISWHITE", true),
    (
        "-b 1 -b 1 -b 1 -co COMPRESS=JPEG -co PHOTOMETRIC=YCBCR",
        false,
    ),
    ("-co COMPRESS=LZW -co PREDICTOR=2", true),
    ("-co COMPRESS=DEFLATE -co TILED=YES", true),
    (
        "-co COMPRESS=ZSTD -co TILED=YES -co BLOCKXSIZE=128 -co BLOCKYSIZE=64",
        true,
    ),
    ("-co COMPRESS=PACKBITS", false),
    ("-co COMPRESS=LERC", false),
    ("-co BIGTIFF=YES", true),
    ("-co ENDIANNESS=BIG", true),
    ("-co NBITS=4", false),
    ("-ot Float32 -co NBITS=16", false),
    ("-co PROFILE=GeoTIFF", true),
    ("-co SPARSE_OK=YES", true),
    ("-co BLOCKYSIZE=1", true),
    ("-outsize 20 3000 -co BLOCKYSIZE=3000", false),
    ("-outsize 20 3000 -co BLOCKYSIZE=999", true),
    ("-a_nodata 255", true),
    ("-a_nodata none", true),
    ("-ot Float32 -a_nodata nan", true),
    ("-ot Float32 -a_nodata -9999.5", true),
    ("-ot Float32 -a_nodata -3.4028234663852886e38", false),
    ("-ot Float64 -a_nodata 1e300", true),
    ("-a_srs EPSG:4326 -a_ullr 10 50 11 49", true),
    ("-a_srs EPSG:3857", true),
    ("-a_srs EPSG:2154", true),
    ("-a_srs EPSG:27700", true),
    ("-a_srs EPSG:3035", true),
    ("-a_srs EPSG:32632+5773", true),
    ("-a_srs ESRI:54009", true),
    ("-mo AREA_OR_POINT=Point", true),
    ("-mo PIXELTYPE=SIGNEDBYTE", false),
    ("-a_scale 0.5 -a_offset 3", true),
    ("-gcp 0 0 10 50 -gcp 64 0 11 50 -gcp 0 64 10 49", false),
    ("-of COG -co OVERVIEWS=NONE", true),
];

#[test]
fn files_of_all_kinds_are_described_as_by_gdal() {
    init(&Options::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let base = "-of GTiff -outsize 64 48 -bands 1 -burn 7 -a_srs EPSG:32632 -a_ullr 500000 5000000 500640 4999520 base.tif";
    if !run("gdal_create", base, folder.path()) {
        return;
    }
    for (index, (options, plain)) in TRANSLATIONS.into_iter().enumerate() {
        let name = format!("{index}.tif");
        run(
            "gdal_translate",
            &format!("-q {options} base.tif {name}"),
            folder.path(),
        );
        assert_eq!(agree(&at(&name)), plain, "{options}");
    }
}

#[test]
fn overviews_masks_and_files_beside_are_seen_as_by_gdal() {
    init(&Options::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let base = "-of GTiff -outsize 640 480 -bands 2 -a_srs EPSG:32632 -a_ullr 500000 5000000 506400 4995200 base.tif";
    if !run("gdal_create", base, folder.path()) {
        return;
    }
    let tool = |tool: &str, arguments: &str| run(tool, arguments, folder.path());
    for (name, plain) in [
        ("overviews", true),
        ("cog", true),
        ("mask", true),
        ("two", true),
        ("beside", true),
        ("external", true),
    ] {
        let file = format!("{name}.tif");
        match name {
            "cog" => tool(
                "gdal_translate",
                "-q -of COG -co BLOCKSIZE=128 base.tif cog.tif",
            ),
            "mask" => tool(
                "gdal_translate",
                "-q -mask 1 --config GDAL_TIFF_INTERNAL_MASK YES base.tif mask.tif",
            ),
            "two" => {
                tool("gdal_translate", "-q base.tif two.tif")
                    && tool(
                        "gdal_translate",
                        "-q -co APPEND_SUBDATASET=YES base.tif two.tif",
                    )
            }
            _ => tool("gdal_translate", &format!("-q base.tif {file}")),
        };
        match name {
            "overviews" => tool("gdaladdo", "-q overviews.tif 2 4"),
            "external" => tool("gdaladdo", "-q -ro external.tif 2 4"),
            "beside" => {
                fs::write(at("beside.tfw"), "1\n0\n0\n-1\n5\n6\n").unwrap();
                let elsewhere = "<PAMDataset><SRS>EPSG:4326</SRS><GeoTransform>1,2,0,3,0,-2</GeoTransform></PAMDataset>";
                fs::write(at("beside.tif.aux.xml"), elsewhere).unwrap();
                true
            }
            _ => true,
        };
        assert_eq!(agree(&at(&file)), plain, "{name}");
    }
    for (subdir, there) in [
        ("GTIFF_DIR:1", true),
        ("GTIFF_DIR:2", true),
        ("GTIFF_DIR:3", false),
        ("GTIFF_DIR:0", false),
        ("GTIFF_DIR:x", false),
    ] {
        assert_eq!(agree_on(&at("two.tif"), subdir), there, "{subdir}");
    }
    // behind a prefix GDAL does not look for the overviews in the chain
    assert!(!agree_on(&at("cog.tif"), "GTIFF_DIR:1"));
    assert!(!agree_on(&at("cog.tif"), "GTIFF_DIR:2"));
}

#[test]
fn real_images_are_described_as_by_gdal() {
    let Some(samples) = std::env::var_os("GEOCUBE_SAMPLES") else {
        eprintln!("skipped: needs GEOCUBE_SAMPLES");
        return;
    };
    init(&Options::default()).unwrap();
    let mut seen = 0;
    for entry in fs::read_dir(samples).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "tif") {
            assert!(agree(&path), "{path:?}");
            seen += 1;
        }
    }
    assert!(seen > 0, "no image among the samples");
}

#[test]
fn what_is_no_plain_file_is_left_to_gdal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    assert!(read(&path, "").is_none());
    assert!(read(folder.path(), "").is_none());
    for bytes in [&b""[..], b"II*\0\x08\0\0\0", b"\x89PNG\r\n\x1a\n"] {
        fs::write(&path, bytes).unwrap();
        assert!(read(&path, "").is_none());
    }
}
