//! geocube consolidater
fn main() {}
