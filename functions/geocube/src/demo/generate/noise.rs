//! Smooth chance: the same for the same place, every time.

/// Value of noise at a place, 0 to 1, over cells of size 1.
pub fn value(x: f64, y: f64, seed: u32) -> f64 {
    let (column, row) = (x.floor(), y.floor());
    let (across, down) = (smooth(x - column), smooth(y - row));
    let (column, row) = (column as i32, row as i32);
    let corner = |dx: i32, dy: i32| chance(column.wrapping_add(dx), row.wrapping_add(dy), seed);
    let upper = mix(corner(0, 0), corner(1, 0), across);
    let lower = mix(corner(0, 1), corner(1, 1), across);
    mix(upper, lower, down)
}

/// Several layers of noise, each twice as fine and half as strong as the one before; 0 to 1.
pub fn layers(x: f64, y: f64, seed: u32, count: u32) -> f64 {
    let (mut sum, mut weight, mut strength, mut scale) = (0.0, 0.0, 1.0, 1.0);
    for layer in 0..count {
        sum += strength * value(x * scale, y * scale, seed.wrapping_add(layer * 101));
        weight += strength;
        strength *= 0.5;
        scale *= 2.0;
    }
    sum / weight
}

/// A number from 0 to 1 for a cell.
pub fn chance(column: i32, row: i32, seed: u32) -> f64 {
    let mut hash = (column as u32).wrapping_mul(0x9E37_79B1)
        ^ (row as u32).wrapping_mul(0x85EB_CA77)
        ^ seed.wrapping_mul(0xC2B2_AE3D);
    for shift in [15, 13, 16] {
        hash ^= hash >> shift;
        hash = hash.wrapping_mul(0x2C1B_3C6D);
    }
    f64::from(hash ^ (hash >> 15)) / f64::from(u32::MAX)
}

/// From one value to another, `share` of the way.
pub fn mix(from: f64, to: f64, share: f64) -> f64 {
    from + (to - from) * share
}

/// 0 below `low`, 1 above `high`, smooth between.
pub fn step(low: f64, high: f64, at: f64) -> f64 {
    smooth(((at - low) / (high - low)).clamp(0.0, 1.0))
}

fn smooth(share: f64) -> f64 {
    share * share * (3.0 - 2.0 * share)
}
