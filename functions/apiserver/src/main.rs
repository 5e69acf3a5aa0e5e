//! geocube apiserver
fn main() {}
