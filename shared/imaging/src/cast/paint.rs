//! Loops over rows of samples.

use super::plan::{CastPlan, Scale, Side};
use crate::sample::{Sample, with_sample};

/// Casts the valid samples of a row onto another row; the rest of that row stays. Returns whether any was valid.
///
/// Both rows hold as many whole samples of the types of the plan.
pub(crate) fn paint_row(plan: &CastPlan, from: &[u8], to: &mut [u8]) -> bool {
    if plan.from.dtype == plan.to.dtype && plan.scale == Scale::None {
        return with_sample!(plan.from.dtype, S => same_type::<S>(plan, from, to), undefined => false);
    }
    with_sample!(plan.from.dtype, S => to_type::<S>(plan, from, to), undefined => false)
}

fn same_type<S: Sample>(plan: &CastPlan, from: &[u8], to: &mut [u8]) -> bool {
    if plan.from.hole.is_none() && plan.to.hole.is_none() {
        to.copy_from_slice(from);
        return !from.is_empty();
    }
    match (plan.from.hole, plan.to.hole) {
        // No valid sample can be the marker of the other side.
        (Some(from_hole), Some(to_hole))
            if from_hole == to_hole || from_hole.is_nan() && to_hole.is_nan() =>
        {
            paint_equal(Marker::<S>::of(plan.from), from, to)
        }
        _ => paint::<S, S>(plan, from, to, |sample| sample),
    }
}

/// Copies what is no hole, without a branch.
fn paint_equal<S: Sample>(hole: Marker<S>, from: &[u8], to: &mut [u8]) -> bool {
    let mut any = false;
    for (from, to) in from.chunks_exact(S::SIZE).zip(to.chunks_exact_mut(S::SIZE)) {
        let sample = S::load(from);
        let valid = !(sample.is_nan() || sample == hole.value);
        let result = if valid { sample } else { S::load(to) };
        result.store(to);
        any |= valid;
    }
    any
}

fn to_type<S: Sample>(plan: &CastPlan, from: &[u8], to: &mut [u8]) -> bool {
    with_sample!(plan.to.dtype, D => match plan.scale {
        Scale::None => paint::<S, D>(plan, from, to, |sample| D::from_f64(sample.to_f64())),
        Scale::Linear { ratio, offset } => {
            paint::<S, D>(plan, from, to, |sample| D::from_f64(sample.to_f64() * ratio + offset))
        }
        power @ Scale::Power { .. } => {
            paint::<S, D>(plan, from, to, |sample| D::from_f64(power.apply(sample.to_f64())))
        }
    }, undefined => false)
}

/// A marker of samples without data, in a form that costs one comparison.
#[derive(Clone, Copy)]
struct Marker<S> {
    exists: bool,
    value: S,
}

impl<S: Sample> Marker<S> {
    fn of(side: Side) -> Self {
        Self {
            exists: side.hole.is_some(),
            value: S::from_f64(side.hole.unwrap_or_default()),
        }
    }

    #[inline]
    fn is(self, sample: S) -> bool {
        self.exists && sample == self.value
    }
}

fn paint<S: Sample, D: Sample>(
    plan: &CastPlan,
    from: &[u8],
    to: &mut [u8],
    cast: impl Fn(S) -> D,
) -> bool {
    let (hole, code) = (Marker::<S>::of(plan.from), Marker::<D>::of(plan.to));
    let mut any = false;
    for (from, to) in from.chunks_exact(S::SIZE).zip(to.chunks_exact_mut(D::SIZE)) {
        let sample = S::load(from);
        let valid = !(sample.is_nan() || hole.is(sample));
        let result = cast(sample);
        // A valid sample must not become the marker of the other side.
        let result = if code.is(result) {
            result.step_away()
        } else {
            result
        };
        let result = if valid { result } else { D::load(to) };
        result.store(to);
        any |= valid;
    }
    any
}
