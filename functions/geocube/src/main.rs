//! geocube geocube
fn main() {}
