//! Any bytes: the directories, then a corner of every image and mask. Run it with
//! `cargo +nightly fuzz run read` in `shared/cog`.

#![no_main]

use cog::{File, Image, PlanLimits, Window, WindowReader};
use libfuzzer_sys::fuzz_target;

const LIMITS: PlanLimits = PlanLimits {
    max_gap: 64,
    max_len: 1 << 20,
};

fuzz_target!(|bytes: &[u8]| {
    let Ok(file) = File::read(bytes) else { return };
    let _ = cog::inspect(&file, bytes.len() as u64);
    for level in file.records.iter().flat_map(|record| &record.levels) {
        read(bytes, &level.image);
        for mask in &level.masks {
            let window = corner(mask);
            let mut out = vec![0; window.pixels()];
            let _ = reader().read_mask(bytes, mask, window, &mut out);
        }
    }
});

fn reader() -> WindowReader {
    let mut reader = WindowReader::new(LIMITS);
    reader.set_piece_limit(4 << 20);
    reader
}

fn corner(image: &Image) -> Window {
    Window {
        x: 0,
        y: 0,
        width: image.tags.width.min(64),
        height: image.tags.height.min(64),
    }
}

fn read(bytes: &[u8], image: &Image) {
    let Ok(format) = image.block_format(0) else {
        return;
    };
    let window = corner(image);
    let samples: Vec<u16> = (0..image.tags.samples.min(4)).collect();
    let size = format.sample_bytes();
    let mut out = vec![0; window.pixels() * samples.len() * size];
    let _ = reader().read(bytes, image, &samples, window, &vec![0; size], &mut out);
}
