//! Damaged files end in errors or in pixels: never in a panic, soon, and without much memory.

use cog::testing::{Sample, cpu_time, damaged, samples};
use cog::{
    Error, File, Image, InterlacingPattern, Offsets, PlanLimits, ReadAt, TiledSource, Window,
    WindowReader,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Damages of each valid file, of which there are 56.
const SEEDS: u64 = 39;
/// Most CPU time of one file.
const SLOW: Duration = Duration::from_secs(1);
const BLOCK_LIMIT: u64 = 4 << 20;
/// Most memory that the whole corpus may add to the process, in kB.
const MEMORY: u64 = 128 << 10;

/// Counts the bytes that are asked for.
struct Counted<'a> {
    bytes: &'a [u8],
    read: AtomicU64,
}

impl ReadAt for Counted<'_> {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<()> {
        self.read.fetch_add(buf.len() as u64, Ordering::Relaxed);
        self.bytes.read_at(offset, buf)
    }

    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }
}

/// Most memory that the process has had, in kB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let digits = line.unwrap().split_whitespace().nth(1);
    digits.unwrap().parse().unwrap()
}

fn reader() -> WindowReader {
    let mut reader = WindowReader::new(PlanLimits {
        max_gap: 64,
        max_len: 1 << 20,
    });
    reader.set_piece_limit(BLOCK_LIMIT);
    reader
}

/// All bands of the part of an image that is nearest to its origin.
fn corner(source: &impl ReadAt, image: &Image) -> Result<Vec<u8>, Error> {
    let tags = &image.tags;
    let window = Window {
        x: 0,
        y: 0,
        width: tags.width.min(64),
        height: tags.height.min(64),
    };
    let samples: Vec<u16> = (0..tags.samples.min(4)).collect();
    let bytes = image.block_format(0)?.sample_bytes();
    let mut out = vec![0; window.pixels() * samples.len() * bytes];
    reader().read(source, image, &samples, window, &vec![0; bytes], &mut out)?;
    Ok(out)
}

fn mask(source: &impl ReadAt, image: &Image) -> Result<(), Error> {
    let window = Window {
        x: 0,
        y: 0,
        width: image.tags.width.min(64),
        height: image.tags.height.min(64),
    };
    reader().read_mask(source, image, window, &mut vec![0; window.pixels()])
}

/// Does with a file all that is done with files; the corner of its first image, if it has one.
fn use_up(source: &impl ReadAt) -> Result<Vec<u8>, Error> {
    let file = File::read(source)?;
    let _ = cog::inspect(&file, source.len());
    for record in &file.records {
        let _ = cog::validate_cog(record);
        for level in &record.levels {
            let _ = corner(source, &level.image);
            for image in &level.masks {
                let _ = mask(source, image);
            }
        }
        if let Ok(tiled) = TiledSource::new(source, record.clone(), "a") {
            let pattern = InterlacingPattern::parse("Z>T>R>B").unwrap();
            let _ = cog::assemble_cog(&tiled, Offsets::Auto, &mut std::io::sink());
            let _ = cog::assemble_mucog(&[tiled], &pattern, Offsets::Auto, &mut std::io::sink());
        }
    }
    corner(source, file.records[0].main())
}

fn is_read_here(sample: &Sample) -> bool {
    matches!(sample.compression, 1 | 5 | 8 | 32946 | 50000)
}

#[test]
fn every_form_of_a_valid_file_has_its_pixels() {
    let samples = samples();
    assert_eq!(samples.len(), 56);
    for sample in samples {
        let file = File::read(&sample.bytes).unwrap();
        let levels = &file.records[0].levels;
        assert_eq!(
            (file.records.len(), levels.len()),
            (1, 2),
            "{}",
            sample.name
        );
        assert_eq!(levels[0].masks.len(), 1, "{}", sample.name);
        let found = use_up(&sample.bytes);
        if is_read_here(&sample) {
            assert!(found.unwrap() == sample.samples, "{}", sample.name);
            mask(&sample.bytes, &levels[0].masks[0]).unwrap();
        } else {
            assert!(matches!(found, Err(Error::Block(_))), "{}", sample.name);
        }
    }
}

#[test]
fn two_thousand_damaged_files_end_in_errors_or_pixels() {
    let before = peak();
    let (mut errors, mut pixels) = (0, 0);
    for (number, sample) in samples().into_iter().enumerate() {
        for seed in 0..SEEDS {
            let (what, bytes) = damaged(&sample, seed + SEEDS * number as u64);
            let source = Counted {
                bytes: &bytes,
                read: AtomicU64::new(0),
            };
            let start = cpu_time();
            let found = use_up(&source);
            let taken = cpu_time().saturating_sub(start);
            assert!(taken < SLOW, "{what}: {taken:?}");
            let read = source.read.into_inner();
            assert!(
                read < (2 << 20) + 40 * bytes.len() as u64,
                "{what}: {read} bytes"
            );
            match found {
                Ok(found) => {
                    pixels += 1;
                    // nothing but the end is missing
                    let whole = !what.starts_with("cut") || found == sample.samples;
                    assert!(whole, "{what}");
                }
                Err(error) => {
                    errors += 1;
                    assert!(!error.is_retryable(), "{what}: {error:?}");
                }
            }
        }
    }
    assert!(
        errors > 700 && pixels > 300,
        "{errors} errors, {pixels} pixels"
    );
    let more = peak() - before;
    assert!(more < MEMORY, "{more} kB");
}
