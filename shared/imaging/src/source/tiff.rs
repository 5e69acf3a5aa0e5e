//! Datasets of TIFF files that are read without GDAL.

use super::{
    header::Opened,
    mask::{Mask, opacities},
    pixels::Region,
    tags::{sample_type, size, transform},
};
use crate::{
    ffi::Window,
    file::OpenFile,
    sample::{Sample, with_sample},
};
use cog::{Image, Level, Piece, PlanLimits, Record, WindowReader, mask_pieces, pieces};
use domain::{DType, DatasetSource, GeoTransform, Size};
use std::{cell::RefCell, io, ops::Range, sync::Arc};

/// How reads of a local file are joined: copying a few kilobytes costs as much as asking for bytes once more.
const LOCAL: PlanLimits = PlanLimits {
    max_gap: 4 << 10,
    max_len: 4 << 20,
};

thread_local! {
    static READER: RefCell<WindowReader> = RefCell::new(WindowReader::new(LOCAL));
}

/// A dataset of a TIFF file whose structure is plain enough to be read here.
pub(super) struct Tiff {
    file: OpenFile,
    header: Arc<cog::File>,
    record: usize,
    /// Bands to read, from 0.
    samples: Vec<u16>,
    pub(super) size: Size,
    pub(super) transform: GeoTransform,
    pub(super) dtype: DType,
    /// From the largest to the smallest, as GDAL counts them.
    pub(super) overviews: Vec<Size>,
}

impl Tiff {
    /// A dataset of an opened file. `None` leaves it to GDAL: what is not understood in every detail.
    pub(super) fn of(source: &DatasetSource, opened: Opened) -> Option<Self> {
        let (file, header) = (opened.file, opened.header?);
        let index = position(&header, &source.subdir)?;
        let record = &header.records[index];
        let main = record.main();
        let samples = source
            .bands
            .numbers()
            .iter()
            .map(|band| u16::try_from(*band - 1).ok())
            .collect::<Option<Vec<u16>>>()?;
        let (size, transform) = (size(main)?, transform(main)?);
        let dtype = sample_type(&main.tags)?;
        let overviews = overviews(record)?;
        if samples.iter().any(|sample| *sample >= main.tags.samples) || !is_decodable(main) {
            return None;
        }
        Some(Self {
            transform,
            file,
            record: index,
            samples,
            size,
            dtype,
            overviews,
            header,
        })
    }

    /// The local file and what its directories say.
    pub(super) fn local(&self) -> Option<(&OpenFile, &cog::File)> {
        match &self.file {
            OpenFile::Local(_) => Some((&self.file, self.header.as_ref())),
            OpenFile::Remote(_) => None,
        }
    }

    /// The images of the dataset.
    pub(super) fn record(&self) -> &Record {
        &self.header.records[self.record]
    }

    /// Bands to read, from 0.
    pub(super) fn samples(&self) -> &[u16] {
        &self.samples
    }

    /// Reads a window of the bands, band after band. `no_data` stands where nothing is stored.
    pub(super) fn read(
        &self,
        region: Region,
        no_data: f64,
        out: &mut [u8],
    ) -> Result<(), cog::Error> {
        self.read_samples(&self.samples, region, no_data, out)
    }

    /// Reads a window of an alpha band (from 1), one byte of opacity per pixel.
    pub(super) fn read_alpha(
        &self,
        band: i32,
        region: Region,
        no_data: f64,
        out: &mut [u8],
    ) -> Result<(), cog::Error> {
        let sample = u16::try_from(band - 1).unwrap_or(u16::MAX);
        if self.dtype == DType::UInt8 {
            return self.read_samples(&[sample], region, no_data, out);
        }
        let mut samples = vec![0; out.len() * self.dtype.size()];
        self.read_samples(&[sample], region, no_data, &mut samples)?;
        opacities(self.dtype, &samples, out);
        Ok(())
    }

    /// Reads a window of the only mask, one byte per pixel.
    pub(super) fn read_mask(&self, region: Region, out: &mut [u8]) -> Result<(), cog::Error> {
        let mask = self.mask(region.overview)?;
        self.fetch(|| mask_pieces(mask, pixels(region.window)))?;
        READER.with_borrow_mut(|reader| {
            reader.set_piece_limit(region.limit);
            reader.read_mask(&self.file, mask, pixels(region.window), out)
        })
    }

    fn read_samples(
        &self,
        samples: &[u16],
        region: Region,
        no_data: f64,
        out: &mut [u8],
    ) -> Result<(), cog::Error> {
        let (main, image) = (self.record().main(), &self.level(region.overview)?.image);
        if image.tags.nodata != main.tags.nodata || sample_type(&image.tags) != Some(self.dtype) {
            return Err(cog::Error::Unsupported(
                "an overview with values of its own".to_owned(),
            ));
        }
        let window = pixels(region.window);
        self.fetch(|| pieces(image, samples, window))?;
        let mut sparse = vec![0; self.dtype.size()];
        with_sample!(self.dtype, S => S::from_f64(no_data).store(&mut sparse), undefined => ());
        READER.with_borrow_mut(|reader| {
            reader.set_piece_limit(region.limit);
            reader.read(&self.file, image, samples, window, &sparse, out)
        })
    }

    /// The bytes of the file that hold a window, its mask among them.
    pub(super) fn ranges(
        &self,
        overview: Option<usize>,
        window: Window,
        mask: Mask,
    ) -> Result<Vec<Range<u64>>, cog::Error> {
        let (image, window) = (&self.level(overview)?.image, pixels(window));
        let mut found = pieces(image, &self.samples, window)?;
        match mask {
            Mask::None => {}
            Mask::Alpha { band, .. } => {
                let sample = u16::try_from(band - 1).unwrap_or(u16::MAX);
                found.extend(pieces(image, &[sample], window)?);
            }
            Mask::PerDataset { .. } | Mask::PerBand => {
                found.extend(mask_pieces(self.mask(overview)?, window)?);
            }
        }
        Ok(stored(&found))
    }

    /// Asks a store for all that is read next at once: each read by itself would wait for its answer.
    fn fetch(
        &self,
        wanted: impl FnOnce() -> Result<Vec<Piece>, cog::Error>,
    ) -> Result<(), cog::Error> {
        let Some(file) = self.file.remote() else {
            return Ok(());
        };
        let ranges = stored(&wanted()?);
        file.fetch(&ranges).map_err(|error| cog::Error::Read {
            offset: ranges.first().map_or(0, |range| range.start),
            len: ranges.iter().map(|range| range.end - range.start).sum(),
            source: io::Error::other(error),
        })
    }

    fn mask(&self, overview: Option<usize>) -> Result<&Image, cog::Error> {
        match self.level(overview)?.masks.as_slice() {
            [mask] => Ok(mask),
            _ => Err(cog::Error::Unsupported("not exactly one mask".to_owned())),
        }
    }

    fn level(&self, overview: Option<usize>) -> Result<&Level, cog::Error> {
        let index = overview.map_or(0, |index| index + 1);
        let missing = || cog::Error::Unsupported("no such overview".to_owned());
        self.record().levels.get(index).ok_or_else(missing)
    }
}

/// Where pieces lie in their file.
fn stored(pieces: &[Piece]) -> Vec<Range<u64>> {
    let blocks = pieces.iter().map(|piece| piece.bytes);
    blocks
        .filter(|block| !block.is_sparse())
        .map(|block| block.offset..block.end())
        .collect()
}

/// The record that GDAL opens under a prefix: the first one, or that of a directory of the main chain.
pub(super) fn position(header: &cog::File, subdir: &str) -> Option<usize> {
    let chained = |image: &Image| header.directories.contains(&image.ifd_offset);
    let index = match subdir {
        "" => 0,
        subdir => {
            let number: usize = subdir.strip_prefix("GTIFF_DIR:")?.parse().ok()?;
            let offset = header.directories.get(number.checked_sub(1)?)?;
            let mut records = header.records.iter();
            records.position(|record| record.main().ifd_offset == *offset)?
        }
    };
    let record = header.records.get(index)?;
    let alone = subdir.is_empty() && header.records.len() == 1;
    // GDAL looks along the chain for what belongs to the first image alone, and not at all behind a prefix.
    let parts = record.levels.iter().flat_map(|level| {
        let own = (level.image.ifd_offset != record.main().ifd_offset).then_some(&level.image);
        own.into_iter().chain(&level.masks)
    });
    let understood = alone || !parts.into_iter().any(chained);
    (understood && record.main().tags.subfile_type & (cog::REDUCED | cog::MASK) == 0)
        .then_some(index)
}

/// Sizes of the overviews; `None` unless each is smaller than the one before, and behind it in the file.
fn overviews(record: &Record) -> Option<Vec<Size>> {
    let samples = record.main().tags.samples;
    let ordered = record.levels.windows(2).all(|pair| {
        let (larger, smaller) = (&pair[0].image, &pair[1].image);
        larger.tags.width > smaller.tags.width
            && larger.tags.height > smaller.tags.height
            && larger.ifd_offset < smaller.ifd_offset
            && smaller.tags.samples == samples
    });
    let sizes = record.overviews().map(size);
    ordered.then(|| sizes.collect()).flatten()
}

/// Whether the samples are stored as they are, in a codec that is handled.
fn is_decodable(image: &Image) -> bool {
    const WHITE_IS_ZERO: u16 = 0;
    const PALETTE: u16 = 3;
    (WHITE_IS_ZERO..=PALETTE).contains(&image.tags.photometric)
        && image.tags.fill_order == 1
        && image
            .block_format(0)
            .is_ok_and(|format| cog::Decoder::supports(&format))
}

fn pixels(window: Window) -> cog::Window {
    // Sizes of images fit in 32 bits; a window that does not is refused as outside.
    let fit = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    cog::Window {
        x: fit(window.x),
        y: fit(window.y),
        width: fit(window.width),
        height: fit(window.height),
    }
}
