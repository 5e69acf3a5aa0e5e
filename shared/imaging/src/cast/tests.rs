use super::{CastPlan, paint_row, plan::Scale};
use crate::sample::{Sample, with_sample};
use domain::{DType, DataFormat, DataMapping, ValueRange};
use proptest::prelude::*;

const NAN: f64 = f64::NAN;

fn mapping(
    dtype: DType,
    (min, max): (f64, f64),
    range: (f64, f64),
    no_data: f64,
    exponent: f64,
) -> DataMapping {
    let format = DataFormat::try_new(dtype, no_data, min, max).unwrap();
    let range = ValueRange {
        min: range.0,
        max: range.1,
    };
    DataMapping::try_new(format, range, exponent).unwrap()
}

/// One sample through a plan; `None` when it has no data.
pub(super) fn cast(plan: &CastPlan, sample: f64) -> Option<f64> {
    let mut from = vec![0; plan.from.dtype.size()];
    let mut to = vec![0xAA; plan.to.dtype.size()];
    with_sample!(plan.from.dtype, S => S::from_f64(sample).store(&mut from), undefined => ());
    let valid = paint_row(plan, &from, &mut to);
    valid.then(|| with_sample!(plan.to.dtype, S => S::load(&to).to_f64(), undefined => NAN))
}

fn f() -> DataMapping {
    mapping(
        DType::Int16,
        (-10000.0, 10000.0),
        (-1.0, 1.0),
        -10001.0,
        1.0,
    )
}

#[test]
fn samples_follow_the_vectors() {
    let byte = |range, exponent| mapping(DType::UInt8, (0.0, 254.0), range, 255.0, exponent);
    let (half, square) = (byte((0.0, 0.5), 1.0), byte((-1.0, 1.0), 2.0));
    let half_square = byte((0.0, 0.5), 2.0);
    for (from, to, sample, expected) in [
        (f(), f(), 6399.0, Some(6399.0)),
        (
            f(),
            mapping(DType::Float32, (-1.0, 1.0), (-1.0, 1.0), NAN, 1.0),
            6399.0,
            Some(f64::from(0.6399_f32)),
        ),
        (f(), byte((-1.0, 1.0), 1.0), 6399.0, Some(208.0)),
        (f(), half, 6399.0, Some(254.0)),
        (f(), square, 6399.0, Some(230.0)),
        (f(), half_square, 6399.0, Some(254.0)),
        (half_square, byte((0.0, 1.0), 1.0), 254.0, Some(127.0)),
        (
            half_square,
            mapping(DType::Int16, (0.0, 10000.0), (0.0, 1.0), -10001.0, 2.0),
            254.0,
            Some(7071.0),
        ),
        (square, f(), 230.0, Some(6399.0)),
        (f(), half, -10001.0, None),
        (square, f(), 255.0, None),
        (
            mapping(DType::Int16, (-10000.0, 10000.0), (-1.0, 1.0), NAN, 1.0),
            byte((-1.0, 1.0), 1.0),
            -10001.0,
            Some(0.0),
        ),
    ] {
        let plan = CastPlan::new(&from, &to).unwrap();
        assert_eq!(cast(&plan, sample), expected, "{from:?} {to:?} {sample}");
    }
    let kept = mapping(DType::Int16, (-10000.0, 10000.0), (-1.0, 1.0), NAN, 1.0);
    let plan = CastPlan::new(&kept, &kept).unwrap();
    assert!(plan.is_identity());
    assert_eq!(cast(&plan, -10001.0), Some(-10001.0));
}

#[test]
fn holes_are_masked_before_they_are_scaled() {
    let float = mapping(DType::Float32, (-1.0, 1.0), (-1.0, 1.0), NAN, 1.0);
    let unit = mapping(DType::Float32, (0.0, 1.0), (0.0, 1.0), NAN, 1.0);
    let byte = mapping(DType::UInt8, (0.0, 254.0), (-1.0, 1.0), 255.0, 1.0);
    let square = mapping(DType::Int16, (0.0, 10000.0), (0.0, 1.0), -10001.0, 2.0);
    let wide = mapping(DType::UInt16, (0.0, 10000.0), (0.0, 1.0), 65535.0, 1.0);
    let bare = mapping(DType::Float64, (-1.0, 1.0), (-1.0, 1.0), NAN, 1.0);
    for (from, to, hole) in [
        (f(), float, -10001.0),
        (f(), byte, -10001.0),
        (byte, float, 255.0),
        (square, unit, -10001.0),
        (bare, byte, NAN),
        (wide, unit, 65535.0),
    ] {
        let plan = CastPlan::new(&from, &to).unwrap();
        assert_eq!(cast(&plan, hole), None, "{from:?} {to:?}");
    }
}

#[test]
fn values_beyond_the_range_are_those_of_the_line() {
    let float = mapping(DType::Float32, (-1.0, 1.0), (-1.0, 1.0), NAN, 1.0);
    let open = mapping(DType::Int16, (-10000.0, 10000.0), (-1.0, 1.0), NAN, 1.0);
    let plan = CastPlan::new(&open, &float).unwrap();
    assert_eq!(
        [-12000.0, -10001.0, 12000.0, 32767.0].map(|input| cast(&plan, input).unwrap() as f32),
        [-1.2, -1.0001, 1.2, 3.2767]
    );
    let byte = mapping(DType::UInt8, (0.0, 254.0), (-1.0, 1.0), 255.0, 1.0);
    let plan = CastPlan::new(&open, &byte).unwrap();
    assert_eq!(
        [-12000.0, 10000.0, 12000.0, 32767.0].map(|input| cast(&plan, input).unwrap()),
        [0.0, 254.0, 254.0, 254.0]
    );
}

#[test]
fn two_powers_or_half_a_complex_cannot_be_cast() {
    let from = mapping(DType::UInt8, (0.0, 100.0), (0.0, 1.0), NAN, 2.0);
    let to = mapping(DType::UInt8, (0.0, 100.0), (0.1, 1.0), NAN, 2.0);
    let error = CastPlan::new(&from, &to).unwrap_err().to_string();
    assert!(
        error.starts_with("Unable to cast ") && error.ends_with("unableToCast"),
        "{error}"
    );
    let complex = mapping(DType::Complex64, (0.0, 100.0), (0.0, 100.0), NAN, 1.0);
    let float = mapping(DType::Float32, (0.0, 100.0), (0.0, 100.0), NAN, 1.0);
    assert!(CastPlan::new(&complex, &float).is_err());
    assert!(CastPlan::new(&float, &complex).is_err());
    assert!(CastPlan::new(&complex, &complex).is_ok());
}

#[test]
fn scales_follow_the_vectors() {
    let scale = |dtype, input: (f64, f64), output: (f64, f64), power| {
        let from = mapping(DType::Float64, input, output, NAN, power);
        let to = mapping(dtype, output, output, NAN, 1.0);
        CastPlan::new(&from, &to).unwrap()
    };
    let bytes = scale(DType::UInt8, (-10000.0, 10000.0), (0.0, 254.0), 1.0);
    let inputs = [-12000.0, -10000.0, 0.0, 5000.0, 10000.0, 12000.0, 32767.0];
    assert_eq!(
        inputs.map(|input| cast(&bytes, input).unwrap()),
        [0., 0., 127., 191., 254., 255., 255.]
    );
    let roots = scale(DType::UInt8, (-10000.0, 10000.0), (0.0, 254.0), 0.5);
    assert_eq!(
        inputs[..6]
            .iter()
            .map(|input| cast(&roots, *input).unwrap())
            .collect::<Vec<_>>(),
        [0., 0., 180., 220., 254., 254.]
    );
    let squares = scale(DType::Float32, (0.0, 10000.0), (0.0, 1.0), 2.0);
    assert_eq!(
        [-12000.0, 0.0, 5000.0, 10000.0, 12000.0].map(|input| cast(&squares, input).unwrap()),
        [0., 0., 0.25, 1., 1.]
    );
    let plain = scale(DType::UInt8, (0.0, 254.0), (0.0, 254.0), 1.0);
    assert_eq!(plain.scale, Scale::None);
    assert_eq!(
        [-0.6, 0.49, 0.5, 1.5, 2.5, 254.4, 254.5].map(|input| cast(&plain, input).unwrap()),
        [0., 0., 1., 2., 3., 254., 255.]
    );
    let words = scale(DType::Int16, (0.0, 254.0), (0.0, 254.0), 1.0);
    assert_eq!(
        [-0.6, 0.5, 2.5].map(|input| cast(&words, input).unwrap()),
        [-1., 1., 3.]
    );
    assert_eq!(cast(&words, NAN), None);
    assert_eq!(cast(&plain, NAN), None);
}

#[test]
fn a_power_between_equal_ranges_is_cast() {
    let unit = (0.0, 1.0);
    let square = mapping(DType::Float32, unit, unit, NAN, 2.0);
    let plain = mapping(DType::Float32, unit, unit, NAN, 1.0);
    for (from, to, expected) in [(square, plain, 0.25), (plain, square, 0.5_f64.sqrt())] {
        let found = cast(&CastPlan::new(&from, &to).unwrap(), 0.5).unwrap();
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }
}

#[test]
fn a_valid_sample_steps_off_the_marker_of_the_other_side() {
    let from = mapping(DType::Int16, (0.0, 100.0), (0.0, 100.0), NAN, 1.0);
    for (no_data, sample, expected) in [
        (7.0, 7.0, 6.0),
        (0.0, 0.0, 1.0),
        (0.0, -5.0, 1.0),
        (255.0, 300.0, 254.0),
    ] {
        let to = mapping(DType::UInt8, (0.0, 100.0), (0.0, 100.0), no_data, 1.0);
        assert_eq!(
            cast(&CastPlan::new(&from, &to).unwrap(), sample),
            Some(expected)
        );
    }
    let to = mapping(DType::Float32, (0.0, 100.0), (0.0, 100.0), 7.0, 1.0);
    let stepped = cast(&CastPlan::new(&from, &to).unwrap(), 7.0).unwrap();
    assert!(stepped < 7.0 && stepped > 6.999);
}

fn any_mapping() -> impl Strategy<Value = DataMapping> {
    let dtype = prop::sample::select(DType::ALL[1..9].to_vec());
    (
        dtype,
        0.0..60.0_f64,
        61.0..127.0_f64,
        -10.0..10.0_f64,
        0.1..50.0_f64,
        prop::sample::select(vec![0.5, 1.0, 2.0]),
        prop::option::of(0_i32..127),
    )
        .prop_map(|(dtype, min, max, low, span, exponent, hole)| {
            mapping(
                dtype,
                (min, max),
                (low, low + span),
                hole.map_or(NAN, f64::from),
                exponent,
            )
        })
}

proptest! {
    #[test]
    fn casts_keep_the_value_within_the_range(from in any_mapping(), to in any_mapping(), sample in 0_i32..127) {
        let Ok(plan) = CastPlan::new(&from, &to) else {
            prop_assert!(from.exponent != 1.0 && to.exponent != 1.0);
            return Ok(());
        };
        let sample = f64::from(sample);
        let found = cast(&plan, sample);
        let hole = from.format.no_data == sample;
        prop_assert_eq!(found.is_none(), hole);
        let inside = |mapping: &DataMapping, sample: f64| (mapping.format.min..=mapping.format.max).contains(&sample);
        let value = from.value_of(sample);
        if let Some(found) = found.filter(|_| inside(&from, sample) && (to.range.min..=to.range.max).contains(&value)) {
            prop_assert!(found != to.format.no_data);
            // Rounding and one step off the marker.
            let step = if to.format.dtype.is_integer() { 1.5 } else { 1e-3 };
            let exact = (to.format.max - to.format.min) * ((value - to.range.min) / (to.range.max - to.range.min)).powf(1.0 / to.exponent) + to.format.min;
            prop_assert!((found - exact).abs() <= step, "{} instead of {}", found, exact);
        }
    }
}
