//! TIFF files for tests: small valid ones of every form, and what damage makes of them. All of them come from seeds.

mod build;
mod damage;
mod encode;
mod random;

pub use build::{Sample, samples};
pub use damage::damaged;
pub use random::Random;

/// CPU time that this process has taken so far, in steps of 10 ms: other than the time that passes, it says nothing about what
/// else the machine does.
///
/// # Panics
/// Where there is no `/proc`.
pub fn cpu_time() -> std::time::Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("a system with /proc");
    // the name of the program may hold anything
    let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
    let ticks = |field| -> u64 {
        let text = fields.split_whitespace().nth(field).expect("enough fields");
        text.parse().expect("a number")
    };
    std::time::Duration::from_millis(10 * (ticks(11) + ticks(12)))
}
