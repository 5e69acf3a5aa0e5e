use std::{fs, path::Path};

use cog::{
    Error, File, InterlacingPattern, Offsets, TiledSource, assemble_cog, assemble_mucog,
    validate_cog,
};

use crate::{gdal, scene::Scene};

fn open(path: &Path) -> TiledSource<fs::File> {
    let name = path.file_stem().unwrap().to_str().unwrap();
    TiledSource::open(fs::File::open(path).unwrap(), name).unwrap()
}

fn pattern(text: &str) -> InterlacingPattern {
    InterlacingPattern::parse(text).unwrap()
}

/// Assembles scenes and checks that GDAL reads from each record what it reads from its source.
fn mucog_keeps_everything(
    scenes: &[Scene],
    options: &[&str],
    overviews: &[&str],
    text: &str,
    offsets: Offsets,
) {
    let folder = tempfile::tempdir().unwrap();
    let made = scenes
        .iter()
        .map(|scene| scene.make(folder.path(), options, overviews))
        .collect::<Vec<_>>();
    let sources = made.iter().map(|path| open(path)).collect::<Vec<_>>();
    let path = folder.path().join("mucog.tif");
    let mut out = std::io::BufWriter::new(fs::File::create(&path).unwrap());
    let len = assemble_mucog(&sources, &pattern(text), offsets, &mut out).unwrap();
    drop(out);
    assert_eq!(len, fs::metadata(&path).unwrap().len());
    for (at, source) in made.iter().enumerate() {
        let record = format!("GTIFF_DIR:{}:{}", at + 1, path.display());
        let source = source.to_str().unwrap();
        assert_eq!(
            gdal::shape(&record),
            gdal::shape(source),
            "{options:?} {at}"
        );
        assert_eq!(
            gdal::checksums(&record),
            gdal::checksums(source),
            "{options:?} {at}"
        );
    }
    let file = File::read(&fs::File::open(&path).unwrap()).unwrap();
    assert_eq!(file.records.len(), scenes.len());
    assert_eq!(file.big, offsets == Offsets::Big);
    let name = file.records[0].main().tags.document_name.as_deref();
    assert_eq!(name, made[0].file_stem().unwrap().to_str());
}

#[test]
fn records_keep_pixels_and_overviews_whatever_the_compression() {
    if !gdal::available() {
        return;
    }
    let scenes = [Scene::new(1), Scene::new(2)];
    let series = "Z=0>T>R>B;R>Z=1:>T>B";
    for options in [
        [
            "COMPRESS=NONE",
            "BLOCKXSIZE=256",
            "BLOCKYSIZE=256",
            "SPARSE_OK=FALSE",
        ],
        [
            "COMPRESS=ZSTD",
            "PREDICTOR=2",
            "BLOCKXSIZE=128",
            "BLOCKYSIZE=128",
        ],
        [
            "COMPRESS=DEFLATE",
            "PREDICTOR=2",
            "BLOCKXSIZE=256",
            "BLOCKYSIZE=256",
        ],
        [
            "COMPRESS=LZW",
            "BIGTIFF=YES",
            "BLOCKXSIZE=256",
            "BLOCKYSIZE=256",
        ],
        [
            "COMPRESS=LERC",
            "MAX_Z_ERROR=0.01",
            "BLOCKXSIZE=256",
            "BLOCKYSIZE=256",
        ],
        [
            "COMPRESS=LERC_ZSTD",
            "MAX_Z_ERROR=0",
            "BLOCKXSIZE=256",
            "BLOCKYSIZE=256",
        ],
        [
            "COMPRESS=ZSTD",
            "SPARSE_OK=TRUE",
            "BLOCKXSIZE=64",
            "BLOCKYSIZE=64",
        ],
        [
            "COMPRESS=NONE",
            "SPARSE_OK=TRUE",
            "BLOCKXSIZE=64",
            "BLOCKYSIZE=32",
        ],
        [
            "COMPRESS=ZSTD",
            "SPARSE_OK=TRUE",
            "BLOCKXSIZE=32",
            "BLOCKYSIZE=128",
        ],
    ] {
        mucog_keeps_everything(&scenes, &options, &["2", "4"], series, Offsets::Auto);
    }
}

#[test]
fn records_of_several_bands_keep_them_by_pixel_and_by_plane() {
    if !gdal::available() {
        return;
    }
    let scenes = [1, 2, 3].map(|seed| Scene {
        bands: 3,
        kind: "Byte",
        ..Scene::new(seed)
    });
    let block = ["BLOCKXSIZE=128", "BLOCKYSIZE=128", "COMPRESS=DEFLATE"];
    for more in ["INTERLEAVE=PIXEL", "INTERLEAVE=BAND", "PHOTOMETRIC=RGB"] {
        let options = [block.as_slice(), &[more]].concat();
        mucog_keeps_everything(&scenes, &options, &["2"], "Z>T>B>R", Offsets::Auto);
    }
    let lossy = [
        "BLOCKXSIZE=128",
        "BLOCKYSIZE=128",
        "COMPRESS=JPEG",
        "INTERLEAVE=PIXEL",
        "PHOTOMETRIC=YCBCR",
    ];
    mucog_keeps_everything(&scenes, &lossy, &[], "R>Z>T>B", Offsets::Auto);
}

#[test]
fn five_records_of_other_origins_and_sizes_share_a_big_file() {
    if !gdal::available() {
        return;
    }
    let scene = |seed, width, height, origin| Scene {
        width,
        height,
        origin,
        kind: "Float32",
        ..Scene::new(seed)
    };
    let scenes = [
        scene(1, 700, 500, (0, 0)),
        scene(2, 700, 500, (128, -256)),
        scene(3, 300, 900, (-384, 128)),
        scene(4, 128, 128, (0, 0)),
        scene(5, 1000, 400, (256, 256)),
    ];
    let options = [
        "COMPRESS=ZSTD",
        "PREDICTOR=3",
        "BLOCKXSIZE=128",
        "BLOCKYSIZE=128",
    ];
    for text in ["Z=0>T>R>B;Z=1:>R>T>B", "R>Z=1:>T>B;R>Z=0>T>B"] {
        mucog_keeps_everything(&scenes, &options, &["2", "4", "8"], text, Offsets::Big);
    }
}

#[test]
fn colours_of_paletted_records_go_along() {
    if !gdal::available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let colour = |level: u32| {
        format!(
            r#"<Entry c1="{level}" c2="{}" c3="7" c4="255"/>"#,
            255 - level
        )
    };
    let table: String = (0..256).map(colour).collect();
    let colours = |dataset: &str| {
        let told = gdal::run("gdalinfo", &[dataset]);
        let lines = told.lines().map(str::trim);
        let found: Vec<String> = lines
            .filter(|line| line.ends_with(",7,255") || line.ends_with(",7,0"))
            .map(str::to_owned)
            .collect();
        assert_eq!(found.len(), 256, "{dataset}: {told}");
        found
    };
    let made = [1, 2].map(|seed| {
        let scene = Scene {
            kind: "Byte",
            ..Scene::new(seed)
        };
        let plain = scene.make(folder.path(), &[], &[]);
        let virtual_file = folder.path().join("coloured.vrt");
        gdal::run(
            "gdal_translate",
            &["-q", "-of", "VRT", &text(&plain), &text(&virtual_file)],
        );
        let described = fs::read_to_string(&virtual_file).unwrap();
        let grey = "<ColorInterp>Gray</ColorInterp>";
        assert!(described.contains(grey), "{described}");
        let palette = format!("<ColorInterp>Palette</ColorInterp><ColorTable>{table}</ColorTable>");
        fs::write(&virtual_file, described.replace(grey, &palette)).unwrap();
        let coloured = folder.path().join(format!("coloured_{seed}.tif"));
        let arguments = ["-q", "-co", "TILED=YES", "-co", "COMPRESS=ZSTD"];
        let files = [text(&virtual_file), text(&coloured)];
        let files = files.iter().map(String::as_str);
        gdal::run(
            "gdal_translate",
            &arguments.into_iter().chain(files).collect::<Vec<_>>(),
        );
        coloured
    });
    let path = folder.path().join("mucog.tif");
    let mut out = fs::File::create(&path).unwrap();
    let sources = made.each_ref().map(|path| open(path));
    assemble_mucog(&sources, &pattern("Z>T>R>B"), Offsets::Auto, &mut out).unwrap();
    for (at, source) in made.iter().enumerate() {
        let record = format!("GTIFF_DIR:{}:{}", at + 1, path.display());
        assert_eq!(colours(&record), colours(&text(source)));
        assert_eq!(gdal::checksums(&record), gdal::checksums(&text(source)));
    }
}

#[test]
fn masks_go_along() {
    if !gdal::available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("masked.tif");
    let plain = Scene::new(7).make(folder.path(), &[], &[]);
    let config = ["--config", "GDAL_TIFF_INTERNAL_MASK", "YES"];
    let options = [
        "-q",
        "-mask",
        "1",
        "-co",
        "TILED=YES",
        "-co",
        "BLOCKXSIZE=128",
        "-co",
        "BLOCKYSIZE=128",
    ];
    let paths = [plain.to_str().unwrap(), source.to_str().unwrap()];
    gdal::run(
        "gdal_translate",
        &[config.as_slice(), &options, &paths].concat(),
    );
    gdal::run(
        "gdaladdo",
        &[
            config.as_slice(),
            &["-q", source.to_str().unwrap(), "2", "4"],
        ]
        .concat(),
    );
    let record = open(&source);
    assert!(
        record
            .record()
            .levels
            .iter()
            .all(|level| level.masks.len() == 1)
    );
    for (name, mucog) in [("cog.tif", false), ("mucog.tif", true)] {
        let path = folder.path().join(name);
        let mut out = fs::File::create(&path).unwrap();
        if mucog {
            let records = [open(&source), open(&source)];
            assemble_mucog(&records, &pattern("Z>T>R>B"), Offsets::Auto, &mut out).unwrap();
        } else {
            assemble_cog(&record, Offsets::Auto, &mut out).unwrap();
        }
        let dataset = if mucog {
            format!("GTIFF_DIR:2:{}", path.display())
        } else {
            path.display().to_string()
        };
        assert_eq!(
            gdal::checksums(&dataset),
            gdal::checksums(source.to_str().unwrap()),
            "{name}"
        );
        assert_eq!(
            gdal::shape(&dataset),
            gdal::shape(source.to_str().unwrap()),
            "{name}"
        );
        let text = gdal::run("gdalinfo", &[&dataset]);
        assert!(text.contains("Mask Flags: PER_DATASET"), "{text}");
    }
}

#[test]
fn a_cog_is_one_for_gdal_and_for_us() {
    if !gdal::available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (seed, bands, offsets, sparse) in [
        (1, 1, Offsets::Auto, "FALSE"),
        (2, 3, Offsets::Big, "TRUE"),
        (3, 2, Offsets::Classic, "TRUE"),
    ] {
        let sparse = format!("SPARSE_OK={sparse}");
        let options = [
            "COMPRESS=ZSTD",
            "PREDICTOR=2",
            "BLOCKXSIZE=64",
            "BLOCKYSIZE=64",
            &sparse,
        ];
        let scene = Scene {
            bands,
            ..Scene::new(seed)
        };
        let source = scene.make(folder.path(), &options, &["2", "4", "8"]);
        let path = folder.path().join("cog.tif");
        let mut out = fs::File::create(&path).unwrap();
        assemble_cog(&open(&source), offsets, &mut out).unwrap();
        let (dataset, source) = (path.to_str().unwrap(), source.to_str().unwrap());
        assert_eq!(gdal::shape(dataset), gdal::shape(source));
        assert_eq!(gdal::checksums(dataset), gdal::checksums(source));
        let text = gdal::run("gdalinfo", &[dataset]);
        assert!(text.contains("LAYOUT=COG"), "{text}");
        let file = File::read(&fs::File::open(&path).unwrap()).unwrap();
        validate_cog(&file.records[0]).unwrap();
    }
}

#[test]
fn what_gdal_calls_a_cog_we_do_too() {
    if !gdal::available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene {
        width: 1500,
        height: 1300,
        ..Scene::new(1)
    };
    let source = scene.make(folder.path(), &[], &[]);
    let made = folder.path().join("gdal_cog.tif");
    let paths = [source.to_str().unwrap(), made.to_str().unwrap()];
    gdal::run(
        "gdal_translate",
        &[
            &["-q", "-of", "COG", "-co", "BLOCKSIZE=256"],
            paths.as_slice(),
        ]
        .concat(),
    );
    let file = File::read(&fs::File::open(&made).unwrap()).unwrap();
    assert!(file.ghost.as_ref().unwrap().is_cog());
    assert!(file.records[0].overviews().len() > 0);
    validate_cog(&file.records[0]).unwrap();
    // overviews added afterwards, and whole-width strips, make it no COG
    let added = scene.make(folder.path(), &["BLOCKXSIZE=256", "BLOCKYSIZE=256"], &["2"]);
    let file = File::read(&fs::File::open(&added).unwrap()).unwrap();
    assert!(validate_cog(&file.records[0]).is_err());
    let strips = folder.path().join("strips.tif");
    gdal::run(
        "gdal_translate",
        &["-q", source.to_str().unwrap(), strips.to_str().unwrap()],
    );
    let file = File::read(&fs::File::open(&strips).unwrap()).unwrap();
    assert!(validate_cog(&file.records[0]).is_err());
    let error = TiledSource::open(fs::File::open(&strips).unwrap(), "strips").unwrap_err();
    assert!(matches!(error, Error::Unsupported(_)), "{error}");
}

#[test]
fn a_mucog_can_be_taken_apart_and_put_together_again() {
    if !gdal::available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let options = ["COMPRESS=ZSTD", "BLOCKXSIZE=128", "BLOCKYSIZE=128"];
    let sources = [1, 2].map(|seed| open(&Scene::new(seed).make(folder.path(), &options, &["2"])));
    let mut first = Vec::new();
    assemble_mucog(&sources, &pattern("Z>T>R>B"), Offsets::Auto, &mut first).unwrap();
    let records = File::read(&first).unwrap().records;
    let again = records
        .into_iter()
        .map(|record| TiledSource::new(first.as_slice(), record, "other").unwrap());
    let again = again.collect::<Vec<_>>();
    let mut second = Vec::new();
    assemble_mucog(&again, &pattern("Z>T>R>B"), Offsets::Auto, &mut second).unwrap();
    assert!(first == second);
}

#[test]
fn records_that_do_not_fit_are_named() {
    if !gdal::available() {
        return;
    }
    let options = ["COMPRESS=ZSTD", "BLOCKXSIZE=128", "BLOCKYSIZE=128"];
    let folder = tempfile::tempdir().unwrap();
    let first = Scene::new(1).make(folder.path(), &options, &["2"]);
    let shifted = Scene {
        origin: (64, 0),
        ..Scene::new(2)
    }
    .make(folder.path(), &options, &["2"]);
    let blocks = Scene::new(3).make(folder.path(), &["BLOCKXSIZE=128", "BLOCKYSIZE=64"], &[]);
    let scaled = folder.path().join("scaled.tif");
    gdal::run(
        "gdal_translate",
        &[
            "-q",
            "-a_ullr",
            "500000",
            "4000000",
            "507100",
            "3995000",
            "-co",
            "TILED=YES",
            "-co",
            "BLOCKXSIZE=128",
            "-co",
            "BLOCKYSIZE=128",
            first.to_str().unwrap(),
            scaled.to_str().unwrap(),
        ],
    );
    for (other, expected) in [
        (shifted, "origin"),
        (blocks, "tiles of 128 x 64"),
        (scaled, "pixel size"),
    ] {
        let sources = [open(&first), open(&other)];
        let error = assemble_mucog(
            &sources,
            &pattern("R>Z>T>B"),
            Offsets::Auto,
            &mut Vec::new(),
        )
        .unwrap_err();
        let Error::Mismatch { record, name, why } = &error else {
            panic!("{error}")
        };
        assert_eq!(
            (*record, name.as_str()),
            (1, other.file_stem().unwrap().to_str().unwrap())
        );
        assert!(why.contains(expected), "{why}");
    }
}
