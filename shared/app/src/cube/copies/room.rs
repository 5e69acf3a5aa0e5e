//! Bytes of copies that may exist together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Room for copies, shared by all cubes.
#[derive(Clone, Debug)]
pub(super) struct Room(Arc<AtomicU64>);

/// A part of the room, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Taken {
    room: Room,
    bytes: u64,
}

impl Room {
    pub(super) fn new(bytes: u64) -> Self {
        Self(Arc::new(AtomicU64::new(bytes)))
    }

    pub(super) fn left(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// A part of no bytes, to grow.
    pub(super) fn enter(&self) -> Taken {
        Taken {
            room: self.clone(),
            bytes: 0,
        }
    }
}

impl Taken {
    /// Takes more; whether there was so much left.
    pub(super) fn grow(&mut self, bytes: u64) -> bool {
        let left = &self.room.0;
        let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(bytes)
        });
        if taken.is_ok() {
            self.bytes += bytes;
        }
        taken.is_ok()
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.room.0.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Room;

    #[test]
    fn bytes_are_taken_as_long_as_there_are_some_and_come_back() {
        let room = Room::new(10);
        let (mut a, mut b) = (room.enter(), room.enter());
        assert!(a.grow(4) && b.grow(6) && !a.grow(1));
        drop(b);
        assert!(a.grow(6));
        assert_eq!(room.left(), 0);
        drop(a);
        assert_eq!(room.left(), 10);
    }
}
