use std::{fs, path::Path};

use cog::{BlockError, Decoder, File, Image, ReadAt};

use crate::{gdal, scene::Scene};

/// The samples of an image, pixel-interleaved, decoded by the crate.
fn decoded(path: &Path, image: &Image) -> Vec<u8> {
    let file = fs::File::open(path).unwrap();
    let tags = &image.tags;
    let mut decoder = Decoder::new();
    let bytes = usize::from(tags.bits_per_sample[0] / 8);
    let pixel = bytes * usize::from(tags.samples);
    let mut whole = vec![0; tags.width as usize * tags.height as usize * pixel];
    for plane in 0..tags.planes() {
        for y in 0..tags.blocks_down() {
            for x in 0..tags.blocks_across() {
                let block = image.block(plane, x, y).unwrap();
                if block.is_sparse() {
                    continue;
                }
                let mut encoded = vec![0; block.len as usize];
                file.read_at(block.offset, &mut encoded).unwrap();
                let format = image.block_format(y).unwrap();
                let samples = decoder.decode(&format, &encoded).unwrap();
                let piece = samples.len() / (format.width * format.height) as usize;
                for (at, pixels) in samples.chunks_exact(piece).enumerate() {
                    let column = x * tags.block_width + at as u32 % format.width;
                    let row = y * tags.block_height + at as u32 / format.width;
                    if column < tags.width && row < tags.height {
                        let start = (row as usize * tags.width as usize + column as usize) * pixel;
                        let start = start + plane as usize * piece;
                        whole[start..start + piece].copy_from_slice(pixels);
                    }
                }
            }
        }
    }
    whole
}

#[test]
fn blocks_are_decoded_as_gdal_does() {
    if !gdal::available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&str, u16, &[&str]); 19] = [
        ("Byte", 1, &["COMPRESS=NONE"]),
        ("UInt16", 1, &["COMPRESS=NONE"]),
        ("UInt16", 3, &["COMPRESS=NONE", "INTERLEAVE=BAND"]),
        ("UInt16", 1, &["COMPRESS=NONE", "ENDIANNESS=BIG"]),
        ("Byte", 3, &["COMPRESS=DEFLATE", "PREDICTOR=2"]),
        ("UInt16", 3, &["COMPRESS=DEFLATE", "PREDICTOR=2"]),
        (
            "UInt16",
            3,
            &["COMPRESS=LZW", "PREDICTOR=2", "INTERLEAVE=BAND"],
        ),
        ("Int16", 2, &["COMPRESS=LZW"]),
        ("UInt32", 2, &["COMPRESS=LZW", "PREDICTOR=2"]),
        (
            "UInt32",
            2,
            &["COMPRESS=ZSTD", "PREDICTOR=2", "ENDIANNESS=BIG"],
        ),
        (
            "UInt16",
            1,
            &[
                "COMPRESS=ZSTD",
                "PREDICTOR=2",
                "BLOCKXSIZE=64",
                "BLOCKYSIZE=128",
                "SPARSE_OK=TRUE",
            ],
        ),
        ("Float32", 1, &["COMPRESS=ZSTD", "PREDICTOR=3"]),
        ("Float32", 3, &["COMPRESS=DEFLATE", "PREDICTOR=3"]),
        (
            "Float32",
            3,
            &["COMPRESS=DEFLATE", "PREDICTOR=3", "ENDIANNESS=BIG"],
        ),
        ("Float64", 2, &["COMPRESS=ZSTD", "PREDICTOR=3"]),
        ("Float64", 2, &["COMPRESS=ZSTD", "PREDICTOR=2"]),
        ("Float64", 1, &["COMPRESS=NONE", "ENDIANNESS=BIG"]),
        ("CFloat32", 1, &["COMPRESS=ZSTD", "ENDIANNESS=BIG"]),
        ("CFloat32", 2, &["COMPRESS=DEFLATE"]),
    ];
    for (kind, bands, options) in cases {
        let scene = Scene {
            kind,
            bands,
            ..Scene::new(1)
        };
        let tiled = scene.make(folder.path(), options, &[]);
        let strips = folder.path().join("strips.tif");
        let mut arguments = vec!["-q"];
        options
            .iter()
            .filter(|option| !option.starts_with("BLOCKX"))
            .for_each(|option| {
                arguments.extend(["-co", *option]);
            });
        arguments.extend([tiled.to_str().unwrap(), strips.to_str().unwrap()]);
        gdal::run("gdal_translate", &arguments);
        for path in [&tiled, &strips] {
            let file = File::read(&fs::File::open(path).unwrap()).unwrap();
            let found = decoded(path, file.records[0].main());
            let expected = gdal::samples(path.to_str().unwrap(), folder.path());
            assert!(
                found == expected,
                "{kind} {bands} {options:?} {}",
                path.display()
            );
        }
    }
}

#[test]
fn what_is_left_to_gdal_says_so() {
    if !gdal::available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (options, code) in [
        ("COMPRESS=LERC", 34887),
        ("COMPRESS=JPEG", 7),
        ("COMPRESS=PACKBITS", 32773),
    ] {
        let scene = Scene {
            kind: "Byte",
            ..Scene::new(1)
        };
        let path = scene.make(folder.path(), &[options], &[]);
        let file = File::read(&fs::File::open(&path).unwrap()).unwrap();
        let format = file.records[0].main().block_format(0).unwrap();
        assert!(!Decoder::supports(&format));
        assert_eq!(
            Decoder::new().decode(&format, &[]),
            Err(BlockError::UnsupportedCompression(code))
        );
    }
}
