//! Files for GDAL: a file system of its own, which knows the files that are open, each by a name that
//! nobody guesses.

use std::{
    any::Any,
    collections::HashMap,
    ffi::{CStr, c_char, c_int, c_void},
    mem::size_of,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr::{null_mut, write_bytes},
    slice,
    sync::{LazyLock, Mutex, MutexGuard, Once, PoisonError},
};

use domain::Uri;
use gdal_sys::{
    VSIAllocFilesystemPluginCallbacksStruct, VSIFreeFilesystemPluginCallbacksStruct,
    VSIInstallPluginHandler, VSIStatBufL, vsi_l_offset,
};

use uuid::Uuid;

use crate::{abandon::is_abandoned, file::OpenFile};

/// GDAL keeps the pointer for the life of the process.
const PREFIX: &CStr = c"/vsigeocube/";
/// GDAL's own buffers, before it asks here.
const BUFFER: usize = 64 << 10;
const CACHE: usize = 128 << 10;

static INSTALL: Once = Once::new();

/// Files by the path behind the prefix; all other names do not exist. Drivers open a file again from threads of their own.
static PLACES: LazyLock<Mutex<HashMap<Box<str>, OpenFile>>> = LazyLock::new(Mutex::default);

/// The place of a file in GDAL's file system, until it is dropped.
pub(crate) struct Place {
    name: Box<str>,
    uri: Uri,
}

impl Place {
    /// Makes a file known under a new name, which ends as its address does.
    pub(crate) fn of(file: OpenFile) -> Self {
        INSTALL.call_once(install);
        let uri = file.uri().clone();
        let name = format!("{}/{uri}", Uuid::new_v4().simple()).into_boxed_str();
        places().insert(name.clone(), file);
        Self { name, uri }
    }

    /// How GDAL is told to open it.
    pub(crate) fn path(&self) -> String {
        format!("{}{}", PREFIX.to_string_lossy(), self.name)
    }

    /// What GDAL says of it, for those who know the address of the file and not its place.
    pub(crate) fn in_public(&self, reason: &str) -> String {
        reason.replace(&self.path(), self.uri.as_str())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        places().remove(&self.name);
    }
}

fn places() -> MutexGuard<'static, HashMap<Box<str>, OpenFile>> {
    PLACES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What GDAL holds of an open file. It uses a handle from one thread at a time.
struct Handle {
    file: OpenFile,
    position: u64,
    at_end: bool,
}

fn install() {
    // SAFETY: the structure is allocated by GDAL with every callback empty, filled here, copied by the second call and
    // freed by the third; the prefix is static. The callbacks stay for the life of the process.
    unsafe {
        let callbacks = VSIAllocFilesystemPluginCallbacksStruct();
        if callbacks.is_null() {
            return;
        }
        (*callbacks).stat = Some(stat);
        (*callbacks).open = Some(open);
        (*callbacks).tell = Some(tell);
        (*callbacks).seek = Some(seek);
        (*callbacks).read = Some(read);
        (*callbacks).read_multi_range = Some(read_multi_range);
        (*callbacks).eof = Some(eof);
        (*callbacks).close = Some(close);
        (*callbacks).nBufferSize = BUFFER;
        (*callbacks).nCacheSize = CACHE;
        VSIInstallPluginHandler(PREFIX.as_ptr(), callbacks);
        VSIFreeFilesystemPluginCallbacksStruct(callbacks);
    }
}

/// Runs a callback. A panic must not reach C, which would end the process: it is a failure of that call.
fn guarded<T>(failed: T, callback: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(callback)).unwrap_or_else(|panic| {
        tracing::error!(cause = cause(&*panic), "reading for GDAL panicked");
        failed
    })
}

fn cause(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown")
}

/// Where a handle is after it was moved. Negative offsets come as large ones.
fn moved(position: u64, size: u64, offset: u64, whence: c_int) -> Option<u64> {
    match whence {
        libc::SEEK_SET => Some(offset),
        libc::SEEK_CUR => Some(position.wrapping_add(offset)),
        libc::SEEK_END => Some(size.wrapping_add(offset)),
        _ => None,
    }
}

impl Handle {
    /// Fills as much of a buffer as there are bytes.
    fn read(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let count = match self.file.read(self.position, buffer) {
            Ok(count) => count,
            Err(error) => {
                self.fail(error);
                return None;
            }
        };
        self.position = self.position.saturating_add(count as u64);
        self.at_end = count < buffer.len();
        Some(count)
    }

    /// GDAL is only told that something failed; who called it asks the file for the cause.
    fn fail(&self, error: storage::Error) {
        if !is_abandoned() {
            tracing::warn!(error = &error as &dyn std::error::Error, "reading for GDAL");
        }
        self.file.fail(error);
    }
}

/// The file of a name, with or without the prefix.
///
/// # Safety
/// `name` is a C string.
unsafe fn known(name: *const c_char) -> Option<OpenFile> {
    // SAFETY: as the caller promises.
    let name = unsafe { CStr::from_ptr(name) }.to_str().ok()?;
    let prefix = PREFIX.to_str().ok()?;
    let name = name.strip_prefix(prefix).unwrap_or(name);
    places().get(name).cloned()
}

unsafe extern "C" fn stat(
    _user: *mut c_void,
    name: *const c_char,
    out: *mut VSIStatBufL,
    _flags: c_int,
) -> c_int {
    guarded(-1, || {
        // SAFETY: GDAL passes a C string.
        let Some(file) = (unsafe { known(name) }) else {
            return -1;
        };
        let out = out.cast::<libc::stat64>();
        // SAFETY: VSIStatBufL is a stat64 of the C library, whatever the bindings say, and GDAL passes one to be
        // filled; all its fields may be zero.
        unsafe {
            write_bytes(out.cast::<u8>(), 0, size_of::<libc::stat64>());
            (*out).st_mode = libc::S_IFREG;
            (*out).st_size = i64::try_from(file.size()).unwrap_or(i64::MAX);
        }
        0
    })
}

unsafe extern "C" fn open(
    _user: *mut c_void,
    name: *const c_char,
    access: *const c_char,
) -> *mut c_void {
    guarded(null_mut(), || {
        // SAFETY: GDAL passes two C strings.
        let (file, access) = unsafe { (known(name), CStr::from_ptr(access).to_bytes()) };
        let writes = access.iter().any(|letter| b"wa+".contains(letter));
        let Some(file) = file.filter(|_| !writes) else {
            return null_mut();
        };
        let handle = Handle {
            file,
            position: 0,
            at_end: false,
        };
        Box::into_raw(Box::new(handle)).cast()
    })
}

unsafe extern "C" fn tell(handle: *mut c_void) -> vsi_l_offset {
    // SAFETY: GDAL passes what `open` returned, until it is closed, from one thread at a time.
    unsafe { (*handle.cast::<Handle>()).position }
}

unsafe extern "C" fn seek(handle: *mut c_void, offset: vsi_l_offset, whence: c_int) -> c_int {
    guarded(-1, || {
        // SAFETY: as in `tell`.
        let handle = unsafe { &mut *handle.cast::<Handle>() };
        let Some(position) = moved(handle.position, handle.file.size(), offset, whence) else {
            return -1;
        };
        handle.position = position;
        handle.at_end = false;
        0
    })
}

unsafe extern "C" fn read(
    handle: *mut c_void,
    buffer: *mut c_void,
    size: usize,
    count: usize,
) -> usize {
    guarded(0, || {
        // SAFETY: as in `tell`.
        let handle = unsafe { &mut *handle.cast::<Handle>() };
        let Some(wanted) = size.checked_mul(count).filter(|wanted| *wanted > 0) else {
            return 0;
        };
        // SAFETY: GDAL passes a buffer of size * count bytes, to be filled.
        let buffer = unsafe {
            write_bytes(buffer.cast::<u8>(), 0, wanted);
            slice::from_raw_parts_mut(buffer.cast::<u8>(), wanted)
        };
        handle.read(buffer).map_or(0, |read| read / size)
    })
}

unsafe extern "C" fn read_multi_range(
    handle: *mut c_void,
    count: c_int,
    buffers: *mut *mut c_void,
    offsets: *const vsi_l_offset,
    sizes: *const usize,
) -> c_int {
    guarded(-1, || {
        let count = usize::try_from(count).unwrap_or_default();
        if count == 0 {
            return 0;
        }
        // SAFETY: as in `tell`; the three arrays have `count` items.
        let (handle, buffers, offsets, sizes) = unsafe {
            (
                &*handle.cast::<Handle>(),
                slice::from_raw_parts(buffers, count),
                slice::from_raw_parts(offsets, count),
                slice::from_raw_parts(sizes, count),
            )
        };
        let ranges: Vec<_> = offsets
            .iter()
            .zip(sizes)
            .filter(|(_, size)| **size > 0)
            .map(|(offset, size)| *offset..offset.saturating_add(*size as u64))
            .collect();
        let mut filled: Vec<&mut [u8]> = buffers
            .iter()
            .zip(sizes)
            .filter(|(_, size)| **size > 0)
            .map(|(buffer, size)| {
                // SAFETY: each buffer has the size that stands beside it, is to be filled, and overlaps no other.
                unsafe {
                    write_bytes(buffer.cast::<u8>(), 0, *size);
                    slice::from_raw_parts_mut(buffer.cast::<u8>(), *size)
                }
            })
            .collect();
        match handle.file.read_ranges(&ranges, &mut filled) {
            Ok(true) => 0,
            Ok(false) => -1,
            Err(error) => {
                handle.fail(error);
                -1
            }
        }
    })
}

unsafe extern "C" fn eof(handle: *mut c_void) -> c_int {
    // SAFETY: as in `tell`.
    c_int::from(unsafe { (*handle.cast::<Handle>()).at_end })
}

unsafe extern "C" fn close(handle: *mut c_void) -> c_int {
    guarded(-1, || {
        // SAFETY: `open` made it by `Box::into_raw`, and GDAL closes it once.
        drop(unsafe { Box::from_raw(handle.cast::<Handle>()) });
        0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_a_callback_is_a_failure_of_the_call() {
        assert_eq!(guarded(-1, || panic!("broken {}", 7)), -1);
        assert_eq!(guarded(-1, || 0), 0);
        let panic = catch_unwind(|| panic!("broken {}", 7)).unwrap_err();
        assert_eq!(cause(&*panic), "broken 7");
    }

    #[test]
    fn positions_move_as_in_the_c_library() {
        let back = 3_u64.wrapping_neg();
        for (offset, whence, expected) in [
            (5, libc::SEEK_SET, Some(5)),
            (5, libc::SEEK_CUR, Some(15)),
            (back, libc::SEEK_CUR, Some(7)),
            (0, libc::SEEK_END, Some(100)),
            (back, libc::SEEK_END, Some(97)),
            (u64::MAX, libc::SEEK_SET, Some(u64::MAX)),
            (u64::MAX, libc::SEEK_END, Some(99)),
            (0, 9, None),
        ] {
            assert_eq!(
                moved(10, 100, offset, whence),
                expected,
                "{offset} {whence}"
            );
        }
    }
}
