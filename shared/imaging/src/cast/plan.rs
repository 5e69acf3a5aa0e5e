use crate::Result;
use domain::{DType, DataFormat, DataMapping};

/// How samples of one mapping become samples of another one that stand for the same values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CastPlan {
    pub(crate) from: Side,
    pub(crate) to: Side,
    pub(crate) scale: Scale,
}

/// One end of a cast.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side {
    pub(crate) dtype: DType,
    /// Sample without data, as a value of the type; NaN always is one for floating types.
    pub(crate) hole: Option<f64>,
}

/// What happens to a valid sample before it is rounded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scale {
    None,
    Linear {
        ratio: f64,
        offset: f64,
    },
    /// The normalised sample is clamped to [0, 1] before the power.
    Power {
        in_min: f64,
        in_range: f64,
        out_min: f64,
        out_range: f64,
        exponent: f64,
    },
}

impl CastPlan {
    /// Plans the cast from one mapping to another.
    ///
    /// # Errors
    /// [`domain::Error::Invalid`], `Unable to cast … unableToCast`, when the two mappings differ by more than one
    /// power, when only one side is complex, or when complex samples would have to be scaled.
    pub fn new(from: &DataMapping, to: &DataMapping) -> Result<Self> {
        let sides = (Side::of(&from.format), Side::of(&to.format));
        let scale = scale_between(from, to).filter(|scale| {
            let complex = from.format.dtype == DType::Complex64;
            from.format.dtype.casts_to(to.format.dtype)
                && to.format.dtype != DType::Undefined
                && from.format.dtype != DType::Undefined
                && !(complex && *scale != Scale::None)
        });
        match scale {
            Some(scale) => Ok(Self {
                from: sides.0,
                to: sides.1,
                scale,
            }),
            None => Err(domain::Error::invalid(format!(
                "Unable to cast {} to {}: unableToCast",
                describe(from),
                describe(to)
            ))
            .into()),
        }
    }

    /// Whether every sample, the one without data included, stays as it is.
    pub fn is_identity(&self) -> bool {
        self.from == self.to && self.scale == Scale::None
    }

    /// Whether a mean of samples becomes the mean of their casts.
    pub(crate) fn is_linear(&self) -> bool {
        !matches!(self.scale, Scale::Power { .. })
    }

    /// Whether a number of the samples stands for a hole.
    pub(crate) fn marks_holes(&self) -> bool {
        self.from.hole.is_some_and(|hole| !hole.is_nan())
    }

    /// The same cast of samples that are stored otherwise.
    pub(crate) fn reading(&self, from: Side) -> Self {
        Self { from, ..*self }
    }

    /// The same cast of floating samples whose holes became NaN.
    pub(crate) fn nan_holes(&self) -> Self {
        if self.from.dtype.is_float() {
            self.reading(Side::float(self.from.dtype))
        } else {
            *self
        }
    }

    /// The same cast in two steps: to floating samples that are not rounded, and from them.
    pub(crate) fn over_float(&self, dtype: DType) -> (Self, Self) {
        let first = Self {
            to: Side::float(dtype),
            ..*self
        };
        let second = Self {
            from: Side::float(dtype),
            to: self.to,
            scale: Scale::None,
        };
        (first, second)
    }

    /// Samples of another type, their values kept.
    pub(crate) fn convert(from: Side, to: Side) -> Self {
        Self {
            from,
            to,
            scale: Scale::None,
        }
    }
}

impl Side {
    /// The side of a format. A hole marker that no integer sample can have marks nothing.
    pub(crate) fn of(format: &DataFormat) -> Self {
        let fits =
            format.dtype.is_float() || !format.no_data.is_nan() && format.no_data.fract() == 0.0;
        Self {
            dtype: format.dtype,
            hole: fits.then_some(format.no_data),
        }
    }

    pub(crate) fn float(dtype: DType) -> Self {
        Self {
            dtype,
            hole: Some(f64::NAN),
        }
    }
}

impl PartialEq for Side {
    fn eq(&self, other: &Self) -> bool {
        let same = match (self.hole, other.hole) {
            (Some(a), Some(b)) => a == b || a.is_nan() && b.is_nan(),
            (None, None) => true,
            _ => false,
        };
        self.dtype == other.dtype && same
    }
}

impl Scale {
    fn new(input: (f64, f64), output: (f64, f64), exponent: f64) -> Self {
        if exponent != 1.0 {
            return Self::Power {
                in_min: input.0,
                in_range: input.1 - input.0,
                out_min: output.0,
                out_range: output.1 - output.0,
                exponent,
            };
        }
        if input == output {
            return Self::None;
        }
        let ratio = (output.1 - output.0) / (input.1 - input.0);
        Self::Linear {
            ratio,
            offset: output.0 - input.0 * ratio,
        }
    }

    /// The sample before rounding.
    #[inline]
    pub(crate) fn apply(self, sample: f64) -> f64 {
        match self {
            Self::None => sample,
            Self::Linear { ratio, offset } => sample * ratio + offset,
            Self::Power {
                in_min,
                in_range,
                out_min,
                out_range,
                exponent,
            } => {
                let unit = ((sample - in_min) / in_range).clamp(0.0, 1.0);
                out_min + out_range * unit.powf(exponent)
            }
        }
    }
}

fn scale_between(from: &DataMapping, to: &DataMapping) -> Option<Scale> {
    if from == to {
        return Some(Scale::None);
    }
    let (f, t) = (&from.format, &to.format);
    let scale = if to.exponent == 1.0 {
        let sample = |value| linear(value, (to.range.min, to.range.max), (t.min, t.max));
        Scale::new(
            (f.min, f.max),
            (sample(from.range.min), sample(from.range.max)),
            from.exponent,
        )
    } else if from.exponent == 1.0 {
        let sample = |value| linear(value, (from.range.min, from.range.max), (f.min, f.max));
        Scale::new(
            (sample(to.range.min), sample(to.range.max)),
            (t.min, t.max),
            1.0 / to.exponent,
        )
    } else if from.exponent == to.exponent && from.range.min == to.range.min {
        let share = (from.range.max - from.range.min) / (to.range.max - to.range.min);
        let top = t.min + (t.max - t.min) * share.powf(1.0 / to.exponent);
        Scale::new((f.min, f.max), (t.min, top), 1.0)
    } else {
        return None;
    };
    scale.is_finite().then_some(scale)
}

impl Scale {
    /// Ranges of very different magnitude may overflow.
    fn is_finite(self) -> bool {
        match self {
            Self::None => true,
            Self::Linear { ratio, offset } => ratio.is_finite() && offset.is_finite(),
            Self::Power {
                in_min,
                in_range,
                out_min,
                out_range,
                exponent,
            } => [in_min, in_range, out_min, out_range, exponent]
                .into_iter()
                .all(f64::is_finite),
        }
    }
}

fn linear(value: f64, from: (f64, f64), to: (f64, f64)) -> f64 {
    to.0 + (to.1 - to.0) * ((value - from.0) / (from.1 - from.0))
}

fn describe(mapping: &DataMapping) -> String {
    format!(
        "{} to [{} -> {}] exponent {}",
        mapping.format, mapping.range.min, mapping.range.max, mapping.exponent
    )
}
