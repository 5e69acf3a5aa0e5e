/// Bounds on the memory of one operation.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one resulting image.
    pub image_bytes: u64,
    /// Bytes of one window of a source, and of one warped part. Larger ones are worked in parts.
    pub window_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            image_bytes: 1 << 30,
            window_bytes: 256 << 20,
        }
    }
}
