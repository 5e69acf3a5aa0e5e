//! Use cases on a real database, with files in a folder of their own.

mod jobs;
mod world;
