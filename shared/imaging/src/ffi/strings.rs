//! Lists of `KEY=VALUE` texts.

use gdal_sys::{CSLDestroy, CSLSetNameValue};
use std::ffi::{CString, c_char};

/// A list owned by us, in the form that GDAL takes.
pub(super) struct Options(*mut *mut c_char);

impl Options {
    /// Texts with a NUL are left out.
    pub(super) fn new<K: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let mut list = std::ptr::null_mut();
        for (key, value) in pairs {
            if let (Ok(key), Ok(value)) = (CString::new(key.as_ref()), CString::new(value.as_ref()))
            {
                // SAFETY: `list` is null or a list made by this function; both texts live during the call.
                list = unsafe { CSLSetNameValue(list, key.as_ptr(), value.as_ptr()) };
            }
        }
        Self(list)
    }

    /// The list, still owned by `self`.
    pub(super) fn as_ptr(&self) -> *mut *mut c_char {
        self.0
    }

    /// The list, to be freed by GDAL.
    pub(super) fn into_ptr(mut self) -> *mut *mut c_char {
        std::mem::replace(&mut self.0, std::ptr::null_mut())
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: null, or a list that nothing else owns.
        unsafe { CSLDestroy(self.0) };
    }
}
