//! Messages of GDAL, kept per thread and per call instead of printed.

use gdal_sys::{
    CPLErr, CPLErrorNum, CPLGetErrorHandlerUserData, CPLPopErrorHandler, CPLPushErrorHandlerEx,
};
use std::{
    cell::RefCell,
    ffi::{CStr, c_char, c_void},
};

/// Failures kept of one call; the first ones tell the cause.
const KEPT: usize = 4;

/// Longest text kept of one failure, in characters.
const LONGEST: usize = 500;

/// What GDAL said during a call.
#[derive(Debug, Default)]
pub(crate) struct Captured {
    failures: Vec<String>,
}

impl Captured {
    /// Whether a failure was reported, even if the call returned well.
    pub(crate) fn failed(&self) -> bool {
        !self.failures.is_empty()
    }

    /// The failures in one line.
    pub(crate) fn text(&self) -> String {
        if self.failures.is_empty() {
            return "no reason given".to_owned();
        }
        self.failures.join("; ")
    }

    fn add(&mut self, message: &str) {
        tracing::debug!(message, "GDAL failure");
        let message: String = message.chars().take(LONGEST).collect();
        if self.failures.len() < KEPT && !self.failures.contains(&message) {
            self.failures.push(message);
        }
    }
}

/// Runs `work` and returns what GDAL reported on this thread meanwhile.
pub(crate) fn capture<T>(work: impl FnOnce() -> T) -> (T, Captured) {
    let captured = RefCell::new(Captured::default());
    let result = {
        let _handler = Handler::push(&captured);
        work()
    };
    (result, captured.into_inner())
}

/// Pops the handler, also when the work panics.
struct Handler;

impl Handler {
    fn push(captured: &RefCell<Captured>) -> Self {
        let data = std::ptr::from_ref(captured).cast_mut().cast::<c_void>();
        // SAFETY: `captured` outlives the guard, which pops the handler of this thread when it is dropped.
        unsafe { CPLPushErrorHandlerEx(Some(on_error), data) };
        Self
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        // SAFETY: `push` put a handler on the stack of this thread, and guards are dropped in reverse order.
        unsafe { CPLPopErrorHandler() };
    }
}

unsafe extern "C" fn on_error(class: CPLErr::Type, _: CPLErrorNum, message: *const c_char) {
    if class < CPLErr::CE_Failure || message.is_null() {
        return;
    }
    // SAFETY: the user data of this handler is the cell that `Handler::push` was given, alive until it is popped.
    let captured = unsafe {
        CPLGetErrorHandlerUserData()
            .cast::<RefCell<Captured>>()
            .as_ref()
    };
    // SAFETY: GDAL passes a NUL-terminated text that lives during the call.
    let message = unsafe { CStr::from_ptr(message) }.to_string_lossy();
    if let Some(mut captured) = captured.and_then(|cell| cell.try_borrow_mut().ok()) {
        captured.add(&message);
    }
}
