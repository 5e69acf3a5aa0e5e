//! Databases of the releases before this program, written from their description.

/// The schema of release 1.1.0 as a new installation has it.
pub const FRESH: &str = include_str!("reference/fresh_1_1_0.sql");

/// The scripts that lead to release 1.1.0 over the releases before; each of the first ones leaves
/// the schema of its release.
pub const UPGRADES: [&str; 4] = [
    include_str!("reference/first_0_1_0.sql"),
    include_str!("reference/update_0_3_0.sql"),
    include_str!("reference/update_0_6_0.sql"),
    include_str!("reference/update_1_1_0.sql"),
];

/// The table of the embedded queue of release 1.1.0.
pub const QUEUE: &str = include_str!("reference/queue.sql");

/// Rows that break rules of today, beside those of [`rows`].
pub const ODD: &str = include_str!("reference/odd.sql");

/// Rows of every table, with files below a folder.
pub fn rows(folder: &str) -> String {
    include_str!("reference/rows.sql").replace("FOLDER", folder)
}
