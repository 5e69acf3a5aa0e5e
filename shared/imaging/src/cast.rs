#[cfg(test)]
mod formula;
mod paint;
mod plan;
#[cfg(test)]
mod tests;

pub(crate) use paint::paint_row;
pub use plan::CastPlan;
pub(crate) use plan::Side;
