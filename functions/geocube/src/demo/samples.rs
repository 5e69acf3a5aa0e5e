//! Samples of any real type as numbers.

use domain::DType;

/// The number of a sample in the byte order of the machine; nothing outside of `samples` or for a type that is not real.
pub fn number(dtype: DType, samples: &[u8], index: usize) -> Option<f64> {
    let size = dtype.size();
    let start = index.checked_mul(size)?;
    let bytes = samples.get(start..start.checked_add(size)?)?;
    Some(match dtype {
        DType::UInt8 => f64::from(bytes[0]),
        DType::Int8 => f64::from(bytes[0].cast_signed()),
        DType::UInt16 => f64::from(u16::from_ne_bytes(bytes.try_into().ok()?)),
        DType::Int16 => f64::from(i16::from_ne_bytes(bytes.try_into().ok()?)),
        DType::UInt32 => f64::from(u32::from_ne_bytes(bytes.try_into().ok()?)),
        DType::Int32 => f64::from(i32::from_ne_bytes(bytes.try_into().ok()?)),
        DType::Float32 => f64::from(f32::from_ne_bytes(bytes.try_into().ok()?)),
        DType::Float64 => f64::from_ne_bytes(bytes.try_into().ok()?),
        DType::Undefined | DType::Complex64 => return None,
    })
}

/// Whether a number is a value: neither the hole marker nor no number at all.
pub fn is_value(number: f64, no_data: f64) -> bool {
    !number.is_nan() && number != no_data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_real_type_is_read() {
        let bytes: Vec<u8> = [-2.5_f32, 7.0]
            .iter()
            .flat_map(|v| v.to_ne_bytes())
            .collect();
        assert_eq!(number(DType::Float32, &bytes, 0), Some(-2.5));
        assert_eq!(number(DType::Float32, &bytes, 1), Some(7.0));
        assert_eq!(number(DType::Float32, &bytes, 2), None);
        assert_eq!(number(DType::Float32, &bytes, usize::MAX), None);
        assert_eq!(number(DType::Int8, &[251], 0), Some(-5.0));
        assert_eq!(number(DType::Int16, &(-3_i16).to_ne_bytes(), 0), Some(-3.0));
        assert_eq!(number(DType::Complex64, &[0; 8], 0), None);
    }

    #[test]
    fn holes_are_no_values() {
        assert!(is_value(1.0, 0.0) && is_value(1.0, f64::NAN));
        assert!(!is_value(0.0, 0.0) && !is_value(f64::NAN, 0.0));
    }
}
