//! Damage.

use super::{build::Sample, encode::put, random::Random};
use crate::{ByteOrder, Header, Ifd};

/// What happens to a file.
type Kind = fn(&mut Damaged) -> String;

const KINDS: [Kind; 13] = [
    cut,
    flip_head,
    flip_anywhere,
    lie_about_a_count,
    lie_about_a_value,
    lie_about_a_type,
    rename_a_tag,
    loop_the_chain,
    loop_a_sub_directory,
    huge_sizes,
    another_codec,
    erase,
    insert,
];

struct Damaged {
    bytes: Vec<u8>,
    order: ByteOrder,
    big: bool,
    /// Directories, sub-directories among them, by their start and their number of entries.
    directories: Vec<(usize, usize)>,
    random: Random,
}

/// A copy of a file that was damaged in one of many ways, and which it is: the same for the same seed. Thirteen seeds in
/// a row do thirteen kinds of damage.
pub fn damaged(sample: &Sample, seed: u64) -> (String, Vec<u8>) {
    let header = Header::read(&sample.bytes).expect("the file is valid");
    let start = |ifd: &Ifd| (ifd.offset as usize, ifd.entries.len());
    let chained = header.ifds.iter();
    let directories = chained.flat_map(|ifd| std::iter::once(ifd).chain(&ifd.sub_ifds));
    let mut damaged = Damaged {
        bytes: sample.bytes.clone(),
        order: header.byte_order,
        big: header.big,
        directories: directories.map(start).collect(),
        random: Random(seed ^ (sample.bytes.len() as u64) << 32),
    };
    let kind = KINDS[(seed % KINDS.len() as u64) as usize];
    let what = kind(&mut damaged);
    (
        format!("{what} (seed {seed}) of {}", sample.name),
        damaged.bytes,
    )
}

impl Damaged {
    /// Bytes of a count or an offset.
    fn wide(&self) -> usize {
        if self.big { 8 } else { 4 }
    }

    fn set(&mut self, at: usize, size: usize, number: u64) {
        let mut bytes = Vec::new();
        put(&mut bytes, self.order, size, number);
        if let Some(place) = self.bytes.get_mut(at..at + size) {
            place.copy_from_slice(&bytes);
        }
    }

    /// Start of some entry of some directory.
    fn entry(&mut self) -> usize {
        let (start, entries) = self.random.one(&self.directories.clone());
        let (count, entry) = if self.big { (8, 20) } else { (2, 12) };
        start + count + entry * self.random.below(entries)
    }

    /// Start of the entry of a tag in the first directory.
    fn entry_of(&self, tag: u64) -> Option<usize> {
        let (start, entries) = self.directories[0];
        let (count, entry) = if self.big { (8, 20) } else { (2, 12) };
        let mut wanted = Vec::new();
        put(&mut wanted, self.order, 2, tag);
        let all = (0..entries).map(|number| start + count + entry * number);
        all.into_iter()
            .find(|at| self.bytes[*at..*at + 2] == *wanted)
    }

    /// A number that breaks things.
    fn odd(&mut self) -> u64 {
        let near = self.bytes.len() as u64;
        let random = self.random.next();
        let all = [
            0,
            1,
            2,
            4,
            8,
            near - 1,
            near,
            u64::from(u16::MAX),
            1 << 31,
            u64::from(u32::MAX) - 1,
            u64::from(u32::MAX),
            1 << 62,
            u64::MAX,
            random,
            random % near,
        ];
        self.random.one(&all)
    }
}

fn cut(damaged: &mut Damaged) -> String {
    let end = damaged.random.below(damaged.bytes.len());
    damaged.bytes.truncate(end);
    format!("cut at {end}")
}

fn flip(damaged: &mut Damaged, end: usize) -> String {
    for _ in 0..=damaged.random.below(8) {
        let (at, bit) = (damaged.random.below(end), damaged.random.below(8));
        damaged.bytes[at] ^= 1 << bit;
    }
    format!("flips before {end}")
}

fn flip_head(damaged: &mut Damaged) -> String {
    flip(damaged, 600)
}

fn flip_anywhere(damaged: &mut Damaged) -> String {
    flip(damaged, damaged.bytes.len())
}

fn lie_about_a_count(damaged: &mut Damaged) -> String {
    let (at, count) = (damaged.entry(), damaged.odd());
    damaged.set(at + 4, damaged.wide(), count);
    format!("count {count} at {at}")
}

fn lie_about_a_value(damaged: &mut Damaged) -> String {
    let (at, value, wide) = (damaged.entry(), damaged.odd(), damaged.wide());
    damaged.set(at + 4 + wide, wide, value);
    format!("value {value} at {at}")
}

fn lie_about_a_type(damaged: &mut Damaged) -> String {
    let (at, kind) = (damaged.entry(), damaged.random.below(20));
    damaged.set(at + 2, 2, kind as u64);
    format!("type {kind} at {at}")
}

fn rename_a_tag(damaged: &mut Damaged) -> String {
    const TAGS: [u64; 10] = [254, 256, 273, 322, 324, 330, 347, 33550, 34735, 42113];
    let (at, tag) = (damaged.entry(), damaged.random.one(&TAGS));
    damaged.set(at, 2, tag);
    format!("tag {tag} at {at}")
}

fn loop_the_chain(damaged: &mut Damaged) -> String {
    let directories = damaged.directories.clone();
    let (start, entries) = damaged.random.one(&directories);
    let (to, _) = damaged.random.one(&directories);
    let (count, entry) = if damaged.big { (8, 20) } else { (2, 12) };
    damaged.set(start + count + entry * entries, damaged.wide(), to as u64);
    format!("next directory of {start} is {to}")
}

fn loop_a_sub_directory(damaged: &mut Damaged) -> String {
    let (to, _) = damaged.random.one(&damaged.directories.clone());
    let (at, wide) = (damaged.entry(), damaged.wide());
    damaged.set(at, 2, 330);
    damaged.set(at + 2, 2, if damaged.big { 18 } else { 13 });
    damaged.set(at + 4, wide, 1);
    damaged.set(at + 4 + wide, wide, to as u64);
    format!("sub-directory {to} at {at}")
}

fn huge_sizes(damaged: &mut Damaged) -> String {
    const SIZES: [u64; 6] = [0, 65_535, 65_536, 1 << 24, 1 << 31, 0xffff_ffff];
    let tag = damaged.random.one(&[256, 257, 277, 278, 322, 323]);
    let size = damaged.random.one(&SIZES);
    let wide = damaged.wide();
    if let Some(at) = damaged.entry_of(tag) {
        // as a number of 32 bits, whatever it was
        damaged.set(at + 2, 2, 4);
        damaged.set(at + 4 + wide, 4, size);
    }
    format!("{size} in tag {tag}")
}

fn another_codec(damaged: &mut Damaged) -> String {
    const CODES: [u64; 14] = [
        1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34887, 34925, 50000, 50001,
    ];
    let code = damaged.random.one(&CODES);
    let wide = damaged.wide();
    if let Some(at) = damaged.entry_of(259) {
        damaged.set(at + 4 + wide, 2, code);
    }
    format!("compression {code}")
}

fn erase(damaged: &mut Damaged) -> String {
    let at = damaged.random.below(damaged.bytes.len());
    let end = damaged.bytes.len().min(at + 64);
    damaged.bytes[at..end].fill(0);
    format!("zeros at {at}")
}

fn insert(damaged: &mut Damaged) -> String {
    let at = damaged.random.below(damaged.bytes.len());
    let more: Vec<u8> = (0..=damaged.random.below(40))
        .map(|_| damaged.random.next() as u8)
        .collect();
    let count = more.len();
    damaged.bytes.splice(at..at, more);
    format!("{count} bytes more at {at}")
}
