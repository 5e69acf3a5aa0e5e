//! The images of the tests of `app`.

#[path = "../../../../../shared/app/tests/it/world/scene.rs"]
#[expect(
    clippy::module_inception,
    reason = "one file for the tests of two crates"
)]
mod scene;

pub use scene::{ORIGIN, SIDE, Scene, transform};
