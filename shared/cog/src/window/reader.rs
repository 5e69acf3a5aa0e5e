use super::{Piece, Window, copy::Bands, pieces};
use crate::{
    Block, Decoder, Error, Image, Place, PlanLimits, ReadAt, plan_ranges, source::read_exact,
};

/// Bytes of buffers kept from one window to the next.
const KEPT: usize = 8 << 20;

/// Reads windows of images, keeping its buffers from one to the next.
///
/// ```
/// # fn tiff() -> Vec<u8> {
/// #     let tags = cog::ImageTags::new(4, 4, 16, 16, 8);
/// #     let image = cog::ImageLayout { tags, lengths: vec![0] };
/// #     let record = cog::RecordLayout { levels: vec![cog::LevelLayout { image, masks: vec![] }], first_tile: (0, 0) };
/// #     let mut out = Vec::new();
/// #     cog::write_cog(&record, cog::Offsets::Auto, &mut cog::NoTiles, &mut out).unwrap();
/// #     out
/// # }
/// use cog::{File, PlanLimits, Window, WindowReader};
/// let bytes: Vec<u8> = tiff();
/// let file = File::read(&bytes)?;
/// let window = Window { x: 1, y: 1, width: 2, height: 2 };
/// let mut samples = [0; 4];
/// let limits = PlanLimits { max_gap: 4096, max_len: 1 << 20 };
/// WindowReader::new(limits).read(&bytes, file.records[0].main(), &[0], window, &[7], &mut samples)?;
/// assert_eq!(samples, [7; 4]); // the only block is sparse
/// # Ok::<(), cog::Error>(())
/// ```
#[derive(Debug)]
pub struct WindowReader {
    limits: PlanLimits,
    piece_limit: u64,
    decoder: Decoder,
    encoded: Vec<u8>,
    decoded: Vec<u8>,
}

impl WindowReader {
    /// A reader that joins reads within these limits.
    pub fn new(limits: PlanLimits) -> Self {
        Self {
            limits,
            piece_limit: u64::MAX,
            decoder: Decoder::new(),
            encoded: Vec::new(),
            decoded: Vec::new(),
        }
    }

    /// Bounds the memory besides that of the window: blocks that take more bytes, stored or decoded, are refused, as
    /// are rows of blocks without compression.
    pub fn set_piece_limit(&mut self, bytes: u64) {
        self.piece_limit = bytes;
    }

    /// Reads a window of some samples (from 0) of an image into `out`, one band of the window after the other, in the
    /// byte order of the machine. `sparse` is the sample that stands where nothing is stored.
    ///
    /// # Errors
    /// As [`pieces`]; [`Error::Unsupported`] for blocks above the limit, [`Error::Corrupt`] for bytes outside of the file and for buffers of another size,
    /// [`Error::Read`] or [`Error::NeedBytes`] from the source. `out` is then unspecified.
    pub fn read<R: ReadAt + ?Sized>(
        &mut self,
        source: &R,
        image: &Image,
        samples: &[u16],
        window: Window,
        sparse: &[u8],
        out: &mut [u8],
    ) -> Result<(), Error> {
        let pieces = pieces(image, samples, window)?;
        self.check_size(&pieces)?;
        let bytes = pieces
            .first()
            .map_or(0, |piece| piece.format.sample_bytes());
        let expected = window
            .pixels()
            .saturating_mul(samples.len())
            .saturating_mul(bytes);
        if out.len() != expected || sparse.len() != bytes {
            return Err(Error::corrupt(format!(
                "a buffer of {} bytes, expected {expected}",
                out.len()
            )));
        }
        let mut bands = Bands {
            samples,
            apart: image.tags.planes() > 1,
            window,
            out,
        };
        let done = self.read_pieces(source, &pieces, sparse, &mut bands);
        for buffer in [&mut self.encoded, &mut self.decoded] {
            if buffer.len() > KEPT {
                *buffer = Vec::new();
            }
        }
        done
    }

    fn check_size(&self, pieces: &[Piece]) -> Result<(), Error> {
        for piece in pieces {
            let needed = piece.needed_bytes()?;
            if needed > self.piece_limit {
                return Err(Error::Unsupported(format!(
                    "a block of {needed} bytes, at most {} are accepted",
                    self.piece_limit
                )));
            }
        }
        Ok(())
    }

    fn read_pieces<R: ReadAt + ?Sized>(
        &mut self,
        source: &R,
        pieces: &[Piece],
        sparse: &[u8],
        bands: &mut Bands<'_>,
    ) -> Result<(), Error> {
        let blocks: Vec<Block> = pieces.iter().map(|piece| piece.bytes).collect();
        let plan = plan_ranges(&blocks, self.limits);
        if plan
            .ranges
            .last()
            .is_some_and(|last| last.end > source.len())
        {
            return Err(Error::corrupt("a block lies outside of the file"));
        }
        let mut stored: Vec<(Place, &Piece)> = Vec::with_capacity(pieces.len());
        for (piece, place) in pieces.iter().zip(plan.places) {
            match place {
                Some(place) => stored.push((place, piece)),
                None => bands.fill(piece, sparse),
            }
        }
        stored.sort_by_key(|(place, _)| place.range);
        for together in stored.chunk_by(|(a, _), (b, _)| a.range == b.range) {
            let range = &plan.ranges[together[0].0.range];
            let len = (range.end - range.start) as usize;
            let encoded = at_least(&mut self.encoded, len)?;
            read_exact(source, range.start, encoded)?;
            for (place, piece) in together {
                let (start, end) = (place.start as usize, (place.start + place.len) as usize);
                let encoded = &self.encoded[start..end];
                if piece.is_plain() {
                    bands.copy(piece, encoded);
                    continue;
                }
                let decoded = at_least(&mut self.decoded, piece.format.decoded_bytes()?)?;
                self.decoder.decode_into(&piece.format, encoded, decoded)?;
                bands.copy(piece, decoded);
            }
        }
        Ok(())
    }
}

/// The first `len` bytes of a buffer that grows when needed.
fn at_least(buffer: &mut Vec<u8>, len: usize) -> Result<&mut [u8], Error> {
    if buffer.len() < len {
        let more = len - buffer.len();
        let refused = |_| Error::corrupt(format!("no memory for {len} bytes"));
        buffer.try_reserve_exact(more).map_err(refused)?;
        buffer.resize(len, 0);
    }
    Ok(&mut buffer[..len])
}
