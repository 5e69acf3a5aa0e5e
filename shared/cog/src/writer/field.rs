use super::form::Form;
use crate::{Error, ImageTags, tags};

/// One entry of a directory to write. Its bytes are those of the values; tile arrays and sub-directories get theirs
/// when places are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub tag: u16,
    pub kind: u16,
    pub count: u64,
    pub bytes: Vec<u8>,
}

const BYTE: u16 = 1;
const ASCII: u16 = 2;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const DOUBLE: u16 = 12;
const LONG8: u16 = 16;

impl Field {
    pub fn byte_len(&self) -> u64 {
        let size = match self.kind {
            BYTE | ASCII => 1,
            SHORT => 2,
            LONG => 4,
            _ => 8,
        };
        self.count * size
    }

    /// True for the arrays gathered after the directories.
    pub fn is_tile_array(&self) -> bool {
        matches!(self.tag, tags::TILE_OFFSETS | tags::TILE_BYTE_COUNTS)
    }
}

/// The fields of an image in ascending order. `tiles` and `sub_ifds` are the lengths of the arrays to come.
pub(super) fn fields(
    image: &ImageTags,
    tiles: u64,
    sub_ifds: u64,
    form: Form,
) -> Result<Vec<Field>, Error> {
    let offset = match form {
        Form::Classic => LONG,
        Form::Big => LONG8,
    };
    let mut list = List(Vec::with_capacity(24));
    if image.subfile_type != 0 {
        list.longs(tags::SUBFILE_TYPE, &[image.subfile_type]);
    }
    list.longs(tags::IMAGE_WIDTH, &[image.width]);
    list.longs(tags::IMAGE_HEIGHT, &[image.height]);
    list.shorts(tags::BITS_PER_SAMPLE, &image.bits_per_sample);
    list.shorts(tags::COMPRESSION, &[image.compression]);
    list.shorts(tags::PHOTOMETRIC, &[image.photometric]);
    list.text(tags::DOCUMENT_NAME, image.document_name.as_deref())?;
    list.shorts(tags::SAMPLES_PER_PIXEL, &[image.samples]);
    list.shorts(tags::PLANAR_CONFIGURATION, &[image.planar]);
    list.text(tags::DATE_TIME, image.date_time.as_deref())?;
    if image.predictor != 1 {
        list.shorts(tags::PREDICTOR, &[image.predictor]);
    }
    list.shorts(tags::COLOUR_MAP, &image.colour_map);
    list.shorts(tags::TILE_WIDTH, &[image.block_width as u16]);
    list.shorts(tags::TILE_HEIGHT, &[image.block_height as u16]);
    list.push(tags::TILE_OFFSETS, offset, tiles, Vec::new());
    list.push(tags::TILE_BYTE_COUNTS, LONG, tiles, Vec::new());
    list.push(tags::SUB_IFDS, offset, sub_ifds, Vec::new());
    list.shorts(tags::EXTRA_SAMPLES, &image.extra_samples);
    list.shorts(tags::SAMPLE_FORMAT, &image.sample_format);
    list.push(
        tags::JPEG_TABLES,
        BYTE,
        image.jpeg_tables.len() as u64,
        image.jpeg_tables.clone(),
    );
    list.doubles(tags::PIXEL_SCALE, &image.geo.pixel_scale);
    list.doubles(tags::TIEPOINTS, &image.geo.tiepoints);
    list.doubles(tags::TRANSFORMATION, &image.geo.transformation);
    list.shorts(tags::GEO_KEYS, &image.geo.keys);
    list.doubles(tags::GEO_DOUBLES, &image.geo.doubles);
    list.text(tags::GEO_ASCII, image.geo.ascii.as_deref())?;
    list.text(tags::GDAL_METADATA, image.gdal_metadata.as_deref())?;
    list.text(tags::GDAL_NODATA, image.nodata.as_deref())?;
    list.longs(tags::LERC_PARAMETERS, &image.lerc_parameters);
    list.doubles(tags::RPC_COEFFICIENTS, &image.geo.rpc);
    Ok(list.0)
}

/// Skips what is empty.
struct List(Vec<Field>);

impl List {
    fn push(&mut self, tag: u16, kind: u16, count: u64, bytes: Vec<u8>) {
        if count > 0 {
            self.0.push(Field {
                tag,
                kind,
                count,
                bytes,
            });
        }
    }

    fn shorts(&mut self, tag: u16, values: &[u16]) {
        let bytes = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.push(tag, SHORT, values.len() as u64, bytes);
    }

    fn longs(&mut self, tag: u16, values: &[u32]) {
        let bytes = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.push(tag, LONG, values.len() as u64, bytes);
    }

    fn doubles(&mut self, tag: u16, values: &[f64]) {
        let bytes = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.push(tag, DOUBLE, values.len() as u64, bytes);
    }

    fn text(&mut self, tag: u16, text: Option<&str>) -> Result<(), Error> {
        let Some(text) = text else { return Ok(()) };
        if text.contains('\0') {
            return Err(Error::Layout(format!(
                "the text of tag {tag} contains a NUL"
            )));
        }
        let mut bytes = text.as_bytes().to_vec();
        bytes.push(0);
        self.push(tag, ASCII, bytes.len() as u64, bytes);
        Ok(())
    }
}
