//! Malformed and oversized requests, sent to every method: each is answered at once, none as a fault of the
//! service, and the service goes on.

mod generate;
mod random;
mod raw;
mod sweep;
