use super::codec::Codec;
use super::{OVERVIEW, Options, PHOTOMETRICS, Validity, codec_of, is_by_band, plain, takes_ycbcr};
use crate::{DType, DataFormat};

/// The options that a file is written with: those of an order, but for what would spoil its pixels or cannot be
/// written, orders of former versions included. JPEG has no signed samples, so that such files are compressed without
/// loss; `YCbCr` is for three colours in JPEG; the samples of colour spaces that are not known here would be read back
/// as others; a level of zstd below 1 stands for the fastest one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileOptions(Options);

impl FileOptions {
    /// The options of files of some samples and bands. `fastest_zstd` is the level that stands for the fastest one.
    pub fn of(options: &Options, dtype: DType, bands: usize, fastest_zstd: u8) -> Self {
        let mut options = options.clone();
        if dtype == DType::Int8 && compresses(&options, Codec::Jpeg) {
            without_jpeg(&mut options, fastest_zstd);
        }
        let ycbcr =
            ["PHOTOMETRIC", "PHOTOMETRIC_OVERVIEW"].map(|key| takes_ycbcr(&options, key, bands));
        options.retain(|key, value| {
            let named = |name: &str| name.eq_ignore_ascii_case(value);
            let fits = if named("YCBCR") {
                ycbcr[usize::from(key.ends_with(OVERVIEW))]
            } else {
                PHOTOMETRICS.into_iter().any(named)
            };
            plain(key) != "PHOTOMETRIC" || fits
        });
        let levels = options
            .iter_mut()
            .filter(|(key, _)| plain(key) == "ZSTD_LEVEL");
        for (_, level) in levels {
            if level.parse::<f64>().is_ok_and(|level| level < 1.0) {
                *level = fastest_zstd.to_string();
            }
        }
        Self(options)
    }

    /// Value of an option of the full resolution.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Value of an option of the overviews: that of the full resolution where they have none of their own.
    pub fn of_overviews(&self, key: &str) -> Option<&str> {
        self.get(&format!("{key}{OVERVIEW}"))
            .or_else(|| self.get(key))
    }

    /// Options of the full resolution.
    pub fn full(&self) -> impl Iterator<Item = (&str, &str)> {
        let options = self.0.iter().filter(|(key, _)| !key.ends_with(OVERVIEW));
        options.map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Options that the overviews have of their own, by the names of those of the full resolution.
    pub fn overviews(&self) -> impl Iterator<Item = (&str, &str)> {
        let options = self.0.iter();
        options.filter_map(|(key, value)| Some((key.strip_suffix(OVERVIEW)?, value.as_str())))
    }

    /// Whether each band has tiles of its own, in the full resolution and in the overviews.
    pub fn is_by_band(&self) -> bool {
        is_by_band(&self.0)
    }

    /// Where the files say which pixels hold data.
    pub fn validity(&self, format: &DataFormat, bands: usize) -> Validity {
        Validity::of(&self.0, format, bands)
    }
}

/// Whether the full resolution or the overviews are in a codec.
fn compresses(options: &Options, codec: Codec) -> bool {
    ["COMPRESS", "COMPRESS_OVERVIEW"]
        .into_iter()
        .any(|key| codec_of(options, key).is_some_and(|(_, found)| found == codec))
}

fn without_jpeg(options: &mut Options, zstd_level: u8) {
    options.retain(|key, _| {
        !matches!(
            plain(key),
            "JPEG_QUALITY" | "JPEGTABLESMODE" | "PHOTOMETRIC"
        )
    });
    let codecs = options
        .iter_mut()
        .filter(|(key, _)| plain(key) == "COMPRESS");
    for (_, codec) in codecs {
        "ZSTD".clone_into(codec);
    }
    options.insert("ZSTD_LEVEL".to_owned(), zstd_level.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> Options {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn what_cannot_be_written_is_left_out() {
        const JPEG: (&str, &str) = ("COMPRESS", "jpeg");
        const YCBCR: (&str, &str) = ("PHOTOMETRIC", "YCBCR");
        for (given, dtype, bands, expected) in [
            (&[JPEG, YCBCR][..], DType::UInt8, 3, &[JPEG, YCBCR][..]),
            (&[JPEG, YCBCR], DType::UInt8, 1, &[JPEG]),
            (&[YCBCR], DType::UInt8, 3, &[]),
            (
                &[JPEG, ("PHOTOMETRIC_OVERVIEW", "YCBCR")],
                DType::UInt8,
                3,
                &[JPEG, ("PHOTOMETRIC_OVERVIEW", "YCBCR")],
            ),
            (&[("PHOTOMETRIC", "CIELAB")], DType::UInt8, 3, &[]),
            (
                &[("PHOTOMETRIC", "rgb")],
                DType::UInt8,
                3,
                &[("PHOTOMETRIC", "rgb")],
            ),
            (
                &[JPEG, ("JPEG_QUALITY", "50"), YCBCR],
                DType::Int8,
                3,
                &[("COMPRESS", "ZSTD"), ("ZSTD_LEVEL", "3")],
            ),
            (
                &[
                    ("COMPRESS_OVERVIEW", "JPEG"),
                    ("JPEG_QUALITY_OVERVIEW", "5"),
                ],
                DType::Int8,
                1,
                &[("COMPRESS_OVERVIEW", "ZSTD"), ("ZSTD_LEVEL", "3")],
            ),
            (
                &[("ZSTD_LEVEL", "0.01"), ("ZSTD_LEVEL_OVERVIEW", "7")],
                DType::Int16,
                1,
                &[("ZSTD_LEVEL", "3"), ("ZSTD_LEVEL_OVERVIEW", "7")],
            ),
        ] {
            let found = FileOptions::of(&options(given), dtype, bands, 3);
            assert_eq!(found.0, options(expected), "{given:?}");
        }
    }

    #[test]
    fn overviews_have_the_options_of_the_full_resolution_where_they_have_none() {
        let given = options(&[
            ("COMPRESS", "ZSTD"),
            ("PREDICTOR", "2"),
            ("PREDICTOR_OVERVIEW", "1"),
        ]);
        let found = FileOptions::of(&given, DType::UInt8, 1, 1);
        assert_eq!(found.of_overviews("COMPRESS"), Some("ZSTD"));
        assert_eq!(found.of_overviews("PREDICTOR"), Some("1"));
        assert_eq!(found.get("PREDICTOR"), Some("2"));
        assert_eq!(found.overviews().collect::<Vec<_>>(), [("PREDICTOR", "1")]);
        let full = found.full().collect::<Vec<_>>();
        assert_eq!(full, [("COMPRESS", "ZSTD"), ("PREDICTOR", "2")]);
    }
}
