use crate::{ByteOrder, Error, GhostArea, Header, Ifd, Image, ReadAt, header::Reader};

/// All the images of a TIFF file.
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
/// let bytes: Vec<u8> = tiff();
/// let file = cog::File::read(&bytes)?;
/// assert_eq!(file.records[0].main().tags.width, 4);
/// # Ok::<(), cog::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// Order of the bytes of all numbers, samples included.
    pub byte_order: ByteOrder,
    /// True for `BigTIFF`.
    pub big: bool,
    /// Structural metadata of cloud-optimised writers.
    pub ghost: Option<GhostArea>,
    /// Where the directories of the main chain start, in order; those of sub-directories are not among them.
    pub directories: Vec<u64>,
    /// The main images with what belongs to each, in file order. GDAL opens record `k` as `GTIFF_DIR:<k+1>:<path>`
    /// when overviews are sub-directories.
    pub records: Vec<Record>,
}

/// A main image with its overviews and masks.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The main image, then its overviews from the largest to the smallest. Never empty.
    pub levels: Vec<Level>,
}

/// An image at one resolution.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// The image.
    pub image: Image,
    /// Its validity masks, of the same size.
    pub masks: Vec<Image>,
}

impl File {
    /// Reads the directories and the places of all the blocks.
    ///
    /// # Errors
    /// As [`Header::read`]; [`Error::Corrupt`] also for an image without size or with too few block offsets.
    pub fn read<R: ReadAt + ?Sized>(source: &R) -> Result<Self, Error> {
        let reader = Reader::open(source)?;
        let Header {
            byte_order,
            big,
            ghost,
            ifds,
        } = reader.header()?;
        let mut groups: Vec<Vec<Image>> = Vec::new();
        for ifd in &ifds {
            let image = Image::read(&reader, ifd)?;
            match groups.last_mut() {
                Some(group) if image.tags.is_reduced() || image.tags.is_mask() => group.push(image),
                _ => groups.push(vec![image]),
            }
            let group = groups.last_mut().ok_or(Error::NotTiff)?;
            for sub in &ifd.sub_ifds {
                group.extend(sub_image(&reader, sub)?);
            }
        }
        let records = groups
            .into_iter()
            .map(Record::group)
            .collect::<Result<Vec<_>, _>>()?;
        if records.is_empty() {
            return Err(Error::corrupt("no image"));
        }
        Ok(Self {
            byte_order,
            big,
            ghost,
            directories: ifds.iter().map(|ifd| ifd.offset).collect(),
            records,
        })
    }

    /// Bytes of memory that it takes, about.
    pub fn bytes_held(&self) -> usize {
        let levels = self.records.iter().flat_map(|record| &record.levels);
        let images = levels.flat_map(|level| std::iter::once(&level.image).chain(&level.masks));
        size_of::<Self>()
            + 8 * self.directories.len()
            + images.map(Image::bytes_held).sum::<usize>()
    }
}

/// Sub-directories that are neither overview nor mask belong to other applications.
fn sub_image<R: ReadAt + ?Sized>(
    reader: &Reader<'_, R>,
    sub: &Ifd,
) -> Result<Option<Image>, Error> {
    let image = Image::read(reader, sub)?;
    Ok((image.tags.is_reduced() || image.tags.is_mask()).then_some(image))
}

impl Record {
    /// Full resolution.
    pub fn main(&self) -> &Image {
        &self.levels[0].image
    }

    /// Overviews, from the largest to the smallest.
    pub fn overviews(&self) -> impl ExactSizeIterator<Item = &Image> {
        self.levels[1..].iter().map(|level| &level.image)
    }

    /// The first of the images is the main one.
    fn group(images: Vec<Image>) -> Result<Self, Error> {
        let mut levels = Vec::new();
        let mut masks = Vec::new();
        for image in images {
            if image.tags.is_mask() && !levels.is_empty() {
                masks.push(image);
            } else {
                levels.push(Level {
                    image,
                    masks: Vec::new(),
                });
            }
        }
        let size = |image: &Image| (image.tags.width, image.tags.height);
        levels[1..].sort_by_key(|level| std::cmp::Reverse(size(&level.image)));
        for mask in masks {
            let of_size = levels
                .iter_mut()
                .find(|level| size(&level.image) == size(&mask));
            let (width, height) = size(&mask);
            let orphan = || Error::corrupt(format!("mask of {width} x {height} without an image"));
            of_size.ok_or_else(orphan)?.masks.push(mask);
        }
        Ok(Self { levels })
    }
}
