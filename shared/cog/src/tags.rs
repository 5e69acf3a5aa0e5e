use crate::{Error, Ifd, ReadAt, header::Reader};

pub(crate) const SUBFILE_TYPE: u16 = 254;
pub(crate) const IMAGE_WIDTH: u16 = 256;
pub(crate) const IMAGE_HEIGHT: u16 = 257;
pub(crate) const BITS_PER_SAMPLE: u16 = 258;
pub(crate) const COMPRESSION: u16 = 259;
pub(crate) const PHOTOMETRIC: u16 = 262;
pub(crate) const FILL_ORDER: u16 = 266;
pub(crate) const DOCUMENT_NAME: u16 = 269;
pub(crate) const STRIP_OFFSETS: u16 = 273;
pub(crate) const SAMPLES_PER_PIXEL: u16 = 277;
pub(crate) const ROWS_PER_STRIP: u16 = 278;
pub(crate) const STRIP_BYTE_COUNTS: u16 = 279;
pub(crate) const PLANAR_CONFIGURATION: u16 = 284;
pub(crate) const DATE_TIME: u16 = 306;
pub(crate) const PREDICTOR: u16 = 317;
pub(crate) const COLOUR_MAP: u16 = 320;
pub(crate) const TILE_WIDTH: u16 = 322;
pub(crate) const TILE_HEIGHT: u16 = 323;
pub(crate) const TILE_OFFSETS: u16 = 324;
pub(crate) const TILE_BYTE_COUNTS: u16 = 325;
pub(crate) const SUB_IFDS: u16 = 330;
pub(crate) const EXTRA_SAMPLES: u16 = 338;
pub(crate) const SAMPLE_FORMAT: u16 = 339;
pub(crate) const JPEG_TABLES: u16 = 347;
pub(crate) const PIXEL_SCALE: u16 = 33550;
pub(crate) const TIEPOINTS: u16 = 33922;
pub(crate) const TRANSFORMATION: u16 = 34264;
pub(crate) const GEO_KEYS: u16 = 34735;
pub(crate) const GEO_DOUBLES: u16 = 34736;
pub(crate) const GEO_ASCII: u16 = 34737;
pub(crate) const GDAL_METADATA: u16 = 42112;
pub(crate) const GDAL_NODATA: u16 = 42113;
pub(crate) const LERC_PARAMETERS: u16 = 50674;
pub(crate) const RPC_COEFFICIENTS: u16 = 50844;

/// Bit of [`ImageTags::subfile_type`]: a reduced image of another one.
pub const REDUCED: u32 = 1;
/// Bit of [`ImageTags::subfile_type`]: a validity mask of another image.
pub const MASK: u32 = 4;

/// What the directory of one image says, tile places aside: the tags that this crate keeps when it
/// rewrites a file. Empty lists and `None` are tags that are absent.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageTags {
    /// Tag 254: [`REDUCED`], [`MASK`] or both, 0 for a main image.
    pub subfile_type: u32,
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Pixels per row of one tile or strip.
    pub block_width: u32,
    /// Rows of one tile or strip.
    pub block_height: u32,
    /// Tag 277: bands, alpha included.
    pub samples: u16,
    /// Tag 258: one value per sample.
    pub bits_per_sample: Vec<u16>,
    /// Tag 339: one value per sample (1 unsigned, 2 signed, 3 float, 5 complex integer, 6 complex float).
    pub sample_format: Vec<u16>,
    /// Tag 259.
    pub compression: u16,
    /// Tag 317: 1 none, 2 horizontal differences, 3 floating point.
    pub predictor: u16,
    /// Tag 262.
    pub photometric: u16,
    /// Tag 266: 1 the first pixel is in the highest bit of a byte, 2 in the lowest one.
    pub fill_order: u16,
    /// Tag 284: 1 samples of a pixel together, 2 one plane per sample.
    pub planar: u16,
    /// Tag 338.
    pub extra_samples: Vec<u16>,
    /// Tag 320.
    pub colour_map: Vec<u16>,
    /// Tag 347.
    pub jpeg_tables: Vec<u8>,
    /// Tag 50674.
    pub lerc_parameters: Vec<u32>,
    /// Tag 269.
    pub document_name: Option<String>,
    /// Tag 306.
    pub date_time: Option<String>,
    /// Tag 42112: XML of GDAL.
    pub gdal_metadata: Option<String>,
    /// Tag 42113: the nodata value as text.
    pub nodata: Option<String>,
    /// Georeferencing, empty on overviews and masks.
    pub geo: GeoTags,
}

/// Georeferencing of an image as the file holds it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GeoTags {
    /// Tag 33550.
    pub pixel_scale: Vec<f64>,
    /// Tag 33922.
    pub tiepoints: Vec<f64>,
    /// Tag 34264: 4 × 4 matrix, row by row.
    pub transformation: Vec<f64>,
    /// Tag 34735.
    pub keys: Vec<u16>,
    /// Tag 34736.
    pub doubles: Vec<f64>,
    /// Tag 34737.
    pub ascii: Option<String>,
    /// Tag 50844.
    pub rpc: Vec<f64>,
}

impl ImageTags {
    /// One-band image of `bits`-bit unsigned samples in uncompressed tiles, nothing else known of it.
    pub fn new(width: u32, height: u32, block_width: u32, block_height: u32, bits: u16) -> Self {
        Self {
            subfile_type: 0,
            width,
            height,
            block_width,
            block_height,
            samples: 1,
            bits_per_sample: vec![bits],
            sample_format: vec![1],
            compression: 1,
            predictor: 1,
            photometric: 1,
            fill_order: 1,
            planar: 1,
            extra_samples: Vec::new(),
            colour_map: Vec::new(),
            jpeg_tables: Vec::new(),
            lerc_parameters: Vec::new(),
            document_name: None,
            date_time: None,
            gdal_metadata: None,
            nodata: None,
            geo: GeoTags::default(),
        }
    }

    /// Tiles or strips per row of blocks.
    pub fn blocks_across(&self) -> u32 {
        self.width.div_ceil(self.block_width.max(1))
    }

    /// Rows of blocks.
    pub fn blocks_down(&self) -> u32 {
        self.height.div_ceil(self.block_height.max(1))
    }

    /// Sample planes stored apart: 1 unless the planar configuration is "separate".
    pub fn planes(&self) -> u32 {
        if self.planar == 2 {
            u32::from(self.samples)
        } else {
            1
        }
    }

    /// Number of tiles or strips of all planes.
    pub fn block_count(&self) -> u64 {
        // 2^32 x 2^32 blocks x 2^16 planes do not fit; no file has that many either.
        (u64::from(self.blocks_across()) * u64::from(self.blocks_down()))
            .saturating_mul(u64::from(self.planes()))
    }

    /// Position of a block in the offset and length arrays of TIFF: plane after plane, row after row.
    /// Nothing outside of the image.
    pub fn block_index(&self, plane: u32, x: u32, y: u32) -> Option<usize> {
        if plane >= self.planes() || x >= self.blocks_across() || y >= self.blocks_down() {
            return None;
        }
        let per_plane = u64::from(self.blocks_across()) * u64::from(self.blocks_down());
        let in_plane = u64::from(y) * u64::from(self.blocks_across()) + u64::from(x);
        usize::try_from(
            u64::from(plane)
                .checked_mul(per_plane)?
                .checked_add(in_plane)?,
        )
        .ok()
    }

    /// Bytes of the lists and texts.
    pub(crate) fn bytes_held(&self) -> usize {
        let texts = [
            &self.document_name,
            &self.date_time,
            &self.gdal_metadata,
            &self.nodata,
            &self.geo.ascii,
        ];
        let shorts = [
            &self.bits_per_sample,
            &self.sample_format,
            &self.extra_samples,
            &self.colour_map,
            &self.geo.keys,
        ];
        let doubles = [
            &self.geo.pixel_scale,
            &self.geo.tiepoints,
            &self.geo.transformation,
            &self.geo.doubles,
            &self.geo.rpc,
        ];
        texts.into_iter().flatten().map(String::len).sum::<usize>()
            + shorts.into_iter().map(|list| 2 * list.len()).sum::<usize>()
            + doubles
                .into_iter()
                .map(|list| 8 * list.len())
                .sum::<usize>()
            + self.jpeg_tables.len()
            + 4 * self.lerc_parameters.len()
    }

    pub(crate) fn is_reduced(&self) -> bool {
        self.subfile_type & REDUCED != 0
    }

    pub(crate) fn is_mask(&self) -> bool {
        self.subfile_type & MASK != 0
    }

    pub(crate) fn read<R: ReadAt + ?Sized>(
        reader: &Reader<'_, R>,
        ifd: &Ifd,
    ) -> Result<Self, Error> {
        let found = Fields { reader, ifd };
        let width = found.required(IMAGE_WIDTH)?;
        let height = found.required(IMAGE_HEIGHT)?;
        let (block_width, block_height) = if ifd.entry(TILE_WIDTH).is_some() {
            (found.required(TILE_WIDTH)?, found.required(TILE_HEIGHT)?)
        } else {
            // The default of rows per strip is 2^32 - 1: one strip.
            (
                width,
                found.one(ROWS_PER_STRIP)?.unwrap_or(height).min(height),
            )
        };
        let samples = found.short(SAMPLES_PER_PIXEL, 1)?;
        if width == 0 || height == 0 || block_width == 0 || block_height == 0 || samples == 0 {
            return Err(Error::corrupt("an image, block or pixel has size zero"));
        }
        Ok(Self {
            subfile_type: found.one(SUBFILE_TYPE)?.unwrap_or(0),
            width,
            height,
            block_width,
            block_height,
            samples,
            bits_per_sample: found.per_sample(BITS_PER_SAMPLE, samples)?,
            sample_format: found.per_sample(SAMPLE_FORMAT, samples)?,
            compression: found.short(COMPRESSION, 1)?,
            predictor: found.short(PREDICTOR, 1)?,
            photometric: found.short(PHOTOMETRIC, 1)?,
            fill_order: found.short(FILL_ORDER, 1)?,
            planar: found.short(PLANAR_CONFIGURATION, 1)?,
            extra_samples: found.shorts(EXTRA_SAMPLES)?,
            colour_map: found.shorts(COLOUR_MAP)?,
            jpeg_tables: found.raw(JPEG_TABLES)?,
            lerc_parameters: found.longs(LERC_PARAMETERS)?,
            document_name: found.text(DOCUMENT_NAME)?,
            date_time: found.text(DATE_TIME)?,
            gdal_metadata: found.text(GDAL_METADATA)?,
            nodata: found.text(GDAL_NODATA)?,
            geo: GeoTags {
                pixel_scale: found.doubles(PIXEL_SCALE)?,
                tiepoints: found.doubles(TIEPOINTS)?,
                transformation: found.doubles(TRANSFORMATION)?,
                keys: found.shorts(GEO_KEYS)?,
                doubles: found.doubles(GEO_DOUBLES)?,
                ascii: found.text(GEO_ASCII)?,
                rpc: found.doubles(RPC_COEFFICIENTS)?,
            },
        })
    }
}

/// Typed access to the entries of one directory.
struct Fields<'a, R: ?Sized> {
    reader: &'a Reader<'a, R>,
    ifd: &'a Ifd,
}

impl<R: ReadAt + ?Sized> Fields<'_, R> {
    fn longs(&self, tag: u16) -> Result<Vec<u32>, Error> {
        self.ifd
            .entry(tag)
            .map_or(Ok(Vec::new()), |entry| self.reader.u32s(entry))
    }

    fn shorts(&self, tag: u16) -> Result<Vec<u16>, Error> {
        self.ifd
            .entry(tag)
            .map_or(Ok(Vec::new()), |entry| self.reader.u16s(entry))
    }

    fn doubles(&self, tag: u16) -> Result<Vec<f64>, Error> {
        self.ifd
            .entry(tag)
            .map_or(Ok(Vec::new()), |entry| self.reader.f64s(entry))
    }

    fn raw(&self, tag: u16) -> Result<Vec<u8>, Error> {
        self.ifd
            .entry(tag)
            .map_or(Ok(Vec::new()), |entry| self.reader.raw(entry))
    }

    fn text(&self, tag: u16) -> Result<Option<String>, Error> {
        self.ifd
            .entry(tag)
            .map(|entry| self.reader.text(entry))
            .transpose()
    }

    fn one(&self, tag: u16) -> Result<Option<u32>, Error> {
        Ok(self.longs(tag)?.first().copied())
    }

    fn required(&self, tag: u16) -> Result<u32, Error> {
        self.one(tag)?
            .ok_or_else(|| Error::corrupt(format!("tag {tag} is missing")))
    }

    fn short(&self, tag: u16, default: u16) -> Result<u16, Error> {
        Ok(self.shorts(tag)?.first().copied().unwrap_or(default))
    }

    /// A list with one value per sample. Absent, every sample has the value 1; one value counts for all.
    fn per_sample(&self, tag: u16, samples: u16) -> Result<Vec<u16>, Error> {
        let found = self.shorts(tag)?;
        self.reader.charge(2 * u64::from(samples))?;
        let samples = usize::from(samples);
        match found.len() {
            0 => Ok(vec![1; samples]),
            1 => Ok(vec![found[0]; samples]),
            count if count >= samples => Ok(found[..samples].to_vec()),
            count => Err(Error::corrupt(format!(
                "tag {tag} has {count} values for {samples} samples"
            ))),
        }
    }
}
