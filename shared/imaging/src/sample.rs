//! Samples of every type, read from and written to bytes.

/// One sample. Real numbers convert through `f64`; a complex one by its real part.
pub(crate) trait Sample: Copy + PartialEq {
    /// Bytes of one sample.
    const SIZE: usize;
    /// Reads a sample from exactly [`Sample::SIZE`] bytes.
    fn load(bytes: &[u8]) -> Self;
    /// Writes a sample to exactly [`Sample::SIZE`] bytes.
    fn store(self, bytes: &mut [u8]);
    /// The value.
    fn to_f64(self) -> f64;
    /// The nearest value, half away from zero, clamped; NaN is 0 for integers.
    fn from_f64(value: f64) -> Self;
    /// The next lower value, or the next higher one at the lowest.
    fn step_away(self) -> Self;
    /// Whether this is no number.
    fn is_nan(self) -> bool;
}

macro_rules! bytes_of {
    ($type:ty) => {
        const SIZE: usize = size_of::<$type>();

        #[inline]
        fn load(bytes: &[u8]) -> Self {
            let mut exact = [0; size_of::<$type>()];
            exact.copy_from_slice(bytes);
            Self::from_ne_bytes(exact)
        }

        #[inline]
        fn store(self, bytes: &mut [u8]) {
            bytes.copy_from_slice(&self.to_ne_bytes());
        }
    };
}

macro_rules! integer {
    ($($type:ty)*) => {$(
        impl Sample for $type {
            bytes_of!($type);

            #[inline]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }

            #[inline]
            fn from_f64(value: f64) -> Self {
                (value + 0.5_f64.copysign(value)) as Self
            }

            #[inline]
            fn step_away(self) -> Self {
                self.checked_sub(1).unwrap_or(Self::MIN + 1)
            }

            #[inline]
            fn is_nan(self) -> bool {
                false
            }
        }
    )*};
}

macro_rules! float {
    ($($type:ty)*) => {$(
        impl Sample for $type {
            bytes_of!($type);

            #[inline]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }

            #[inline]
            fn from_f64(value: f64) -> Self {
                value as Self
            }

            #[inline]
            fn step_away(self) -> Self {
                if self == Self::MIN { self.next_up() } else { self.next_down() }
            }

            #[inline]
            fn is_nan(self) -> bool {
                <$type>::is_nan(self)
            }
        }
    )*};
}

integer!(u8 u16 u32 i8 i16 i32);
float!(f32 f64);

/// Real and imaginary part.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Complex(f32, f32);

impl Sample for Complex {
    const SIZE: usize = 8;

    #[inline]
    fn load(bytes: &[u8]) -> Self {
        Self(f32::load(&bytes[..4]), f32::load(&bytes[4..]))
    }

    #[inline]
    fn store(self, bytes: &mut [u8]) {
        self.0.store(&mut bytes[..4]);
        self.1.store(&mut bytes[4..]);
    }

    #[inline]
    fn to_f64(self) -> f64 {
        f64::from(self.0)
    }

    #[inline]
    fn from_f64(value: f64) -> Self {
        Self(value as f32, 0.0)
    }

    #[inline]
    fn step_away(self) -> Self {
        Self(self.0.step_away(), self.1)
    }

    #[inline]
    fn is_nan(self) -> bool {
        self.0.is_nan() || self.1.is_nan()
    }
}

/// Evaluates an expression with a type name bound to the sample type of a [`domain::DType`].
macro_rules! with_sample {
    ($dtype:expr, $S:ident => $body:expr, undefined => $undefined:expr) => {
        match $dtype {
            domain::DType::Undefined => $undefined,
            domain::DType::UInt8 => {
                type $S = u8;
                $body
            }
            domain::DType::UInt16 => {
                type $S = u16;
                $body
            }
            domain::DType::UInt32 => {
                type $S = u32;
                $body
            }
            domain::DType::Int8 => {
                type $S = i8;
                $body
            }
            domain::DType::Int16 => {
                type $S = i16;
                $body
            }
            domain::DType::Int32 => {
                type $S = i32;
                $body
            }
            domain::DType::Float32 => {
                type $S = f32;
                $body
            }
            domain::DType::Float64 => {
                type $S = f64;
                $body
            }
            domain::DType::Complex64 => {
                type $S = $crate::sample::Complex;
                $body
            }
        }
    };
}
pub(crate) use with_sample;
