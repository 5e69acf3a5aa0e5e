//! Casts of any sample of any type beside the formula of the mappings, written down once more.

use super::{CastPlan, tests::cast};
use domain::{DType, DataFormat, DataMapping, ValueRange};
use proptest::prelude::*;

/// Every type but the undefined one and complex numbers, which are copied only.
const REAL: [DType; 8] = [
    DType::UInt8,
    DType::UInt16,
    DType::UInt32,
    DType::Int8,
    DType::Int16,
    DType::Int32,
    DType::Float32,
    DType::Float64,
];

/// The bounds of a type, those of floating ones near enough for sums.
fn bounds(dtype: DType) -> (f64, f64) {
    if dtype.is_float() {
        (-1e6, 1e6)
    } else {
        dtype.bounds()
    }
}

/// A sample of a type: anywhere within its bounds, or at one of them.
fn sample(dtype: DType) -> impl Strategy<Value = f64> {
    let (low, high) = bounds(dtype);
    let anywhere = (0.0..=1.0_f64).prop_map(move |share| low + (high - low) * share);
    let special = if dtype.is_float() {
        vec![
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            0.0,
            -0.5,
            0.5,
            2.5,
        ]
    } else {
        vec![low, high, low + 1.0, high - 1.0, 0.0]
    };
    prop_oneof![6 => anywhere, 1 => prop::sample::select(special)]
        .prop_map(move |value| stored(dtype, value))
}

/// The value as it is stored in a type.
fn stored(dtype: DType, value: f64) -> f64 {
    match dtype {
        DType::Float64 => value,
        DType::Float32 => f64::from(value as f32),
        _ => value.round(),
    }
}

fn mappings() -> impl Strategy<Value = (DataMapping, f64)> {
    prop::sample::select(REAL.to_vec()).prop_flat_map(|dtype| {
        let (low, high) = bounds(dtype);
        let exponents = prop::sample::select(vec![1.0, 1.0, 1.0, 0.5, 2.0, 3.0]);
        let hole = prop_oneof![1 => Just(f64::NAN), 2 => sample(dtype).prop_map(|hole| {
            if hole.is_finite() { hole } else { f64::NAN }
        })];
        let range = (-1000.0..1000.0_f64, 0.1..2000.0_f64);
        (
            0.0..0.45_f64,
            0.55..1.0_f64,
            range,
            exponents,
            hole,
            sample(dtype),
        )
            .prop_map(
                move |(first, last, (value, span), exponent, hole, sample)| {
                    let at = |share: f64| stored(dtype, low + (high - low) * share);
                    let format = DataFormat::try_new(dtype, hole, at(first), at(last)).unwrap();
                    let range = ValueRange {
                        min: value,
                        max: value + span,
                    };
                    (
                        DataMapping::try_new(format, range, exponent).unwrap(),
                        sample,
                    )
                },
            )
    })
}

/// What a sample becomes before it is stored, by the table of the mappings; `None` where there is no cast.
fn exact(from: &DataMapping, to: &DataMapping, sample: f64) -> Option<f64> {
    let line = |v: f64, (a, b): (f64, f64), (c, d): (f64, f64)| c + (d - c) * ((v - a) / (b - a));
    let (f, t) = (
        (from.format.min, from.format.max),
        (to.format.min, to.format.max),
    );
    let (fe, te) = (
        (from.range.min, from.range.max),
        (to.range.min, to.range.max),
    );
    let power = |v: f64, (a, b): (f64, f64), (c, d): (f64, f64), q: f64| {
        c + (d - c) * ((v - a) / (b - a)).clamp(0.0, 1.0).powf(q)
    };
    if from == to {
        return Some(sample);
    }
    let (input, output, exponent) = if to.exponent == 1.0 {
        (f, (line(fe.0, te, t), line(fe.1, te, t)), from.exponent)
    } else if from.exponent == 1.0 {
        ((line(te.0, fe, f), line(te.1, fe, f)), t, 1.0 / to.exponent)
    } else if from.exponent == to.exponent && fe.0 == te.0 {
        let share = (fe.1 - fe.0) / (te.1 - te.0);
        (
            f,
            (t.0, t.0 + (t.1 - t.0) * share.powf(1.0 / to.exponent)),
            1.0,
        )
    } else {
        return None;
    };
    Some(if exponent == 1.0 {
        line(sample, input, output)
    } else {
        power(sample, input, output, exponent)
    })
}

/// The numbers that a value may be stored as: two where the last digit decides which one is nearer.
fn candidates(to: &DataFormat, exact: f64) -> Vec<f64> {
    let near = exact.abs().max(1.0) * 1e-9;
    if !to.dtype.is_integer() {
        return vec![exact];
    }
    let (low, high) = to.dtype.bounds();
    let mut found: Vec<f64> = [exact - near, exact, exact + near]
        .iter()
        .map(|value| value.round().clamp(low, high))
        .collect();
    found.dedup();
    // A valid sample never becomes the marker.
    for value in &mut found {
        if *value == to.no_data {
            *value += if to.no_data == low { 1.0 } else { -1.0 };
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn every_sample_is_cast_by_the_formula((from, sample) in mappings(), (mut to, _) in mappings(), alike in 0_u8..4) {
        if alike == 0 {
            // the one case of two powers that can be cast
            to.exponent = from.exponent;
            to.range.min = from.range.min;
            to.range.max = to.range.min + 1000.0;
        }
        let plan = CastPlan::new(&from, &to);
        let Some(exact) = exact(&from, &to, sample) else {
            prop_assert!(plan.is_err());
            return Ok(());
        };
        let found = cast(&plan.unwrap(), sample);
        let hole = sample.is_nan() || sample == from.format.no_data;
        prop_assert_eq!(found.is_none(), hole, "{} of {:?}", sample, from);
        let Some(found) = found else { return Ok(()) };
        let expected = candidates(&to.format, exact);
        let tolerance = match to.format.dtype {
            DType::Float32 => exact.abs().max(1.0) * 1e-6,
            DType::Float64 => exact.abs().max(1.0) * 1e-9,
            _ => 0.0,
        };
        let same = |value: &f64| (found - value).abs() <= tolerance || found == *value;
        prop_assert!(expected.iter().any(same), "{} from {:?} to {:?}: {} instead of {:?}", sample, from, to, found, expected);
        prop_assert!(found != to.format.no_data, "{} from {:?} to {:?}", sample, from, to);
    }

    #[test]
    fn complex_samples_are_copied_or_holes(real in -9.0..9.0_f32, hole in prop::option::of(-9_i8..9)) {
        let hole = hole.map_or(f64::NAN, f64::from);
        let format = DataFormat::try_new(DType::Complex64, hole, -10.0, 10.0).unwrap();
        let plan = CastPlan::new(&DataMapping::identity(format), &DataMapping::identity(format)).unwrap();
        prop_assert!(plan.is_identity());
        prop_assert_eq!(cast(&plan, f64::from(real)), Some(f64::from(real)).filter(|real| *real != hole));
    }
}

#[test]
fn a_float_that_only_equals_the_marker_once_stored_steps_off_it() {
    let format = |dtype, no_data| DataFormat::try_new(dtype, no_data, 0.0, 10.0).unwrap();
    let from = DataMapping::identity(format(DType::Float64, f64::NAN));
    let to = DataMapping::identity(format(DType::Float32, f64::from(0.1_f32)));
    let found = cast(&CastPlan::new(&from, &to).unwrap(), 0.1).unwrap();
    assert!(found < f64::from(0.1_f32) && found > 0.09999, "{found}");
}
