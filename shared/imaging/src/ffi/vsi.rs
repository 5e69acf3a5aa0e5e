//! Files of object stores for GDAL: a file system of its own, which knows the one file that is being opened.

use std::{
    cell::RefCell,
    ffi::{CStr, CString, c_char, c_int, c_void},
    mem::size_of,
    ptr::{null_mut, write_bytes},
    slice,
    sync::Once,
};

use gdal_sys::{
    VSIAllocFilesystemPluginCallbacksStruct, VSIFreeFilesystemPluginCallbacksStruct,
    VSIInstallPluginHandler, VSIStatBufL, vsi_l_offset,
};

use crate::remote::RemoteFile;

/// GDAL keeps the pointer for the life of the process.
const PREFIX: &CStr = c"/vsigeocube/";
/// GDAL's own buffers, before it asks here.
const BUFFER: usize = 64 << 10;
const CACHE: usize = 128 << 10;

static INSTALL: Once = Once::new();

thread_local! {
    /// The file that this thread opens; all other names do not exist.
    static OPENING: RefCell<Option<(CString, RemoteFile)>> = const { RefCell::new(None) };
}

/// What GDAL holds of an open file. It uses a handle from one thread at a time.
struct Handle {
    file: RemoteFile,
    position: u64,
    at_end: bool,
}

/// Calls `open` with the path under which GDAL finds `file`, and nothing else, as long as it runs.
pub(crate) fn with_remote<T>(name: &str, file: RemoteFile, open: impl FnOnce(&str) -> T) -> T {
    INSTALL.call_once(install);
    // a name holds no control characters
    let key = CString::new(name).unwrap_or_default();
    OPENING.set(Some((key, file)));
    let opened = open(&format!("{}{name}", PREFIX.to_string_lossy()));
    OPENING.set(None);
    opened
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

/// The file being opened, if `name` is its name, with or without the prefix.
///
/// # Safety
/// `name` is a C string.
unsafe fn opening(name: *const c_char) -> Option<RemoteFile> {
    // SAFETY: as the caller promises.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    let name = name.strip_prefix(PREFIX.to_bytes()).unwrap_or(name);
    OPENING.with_borrow(|opening| {
        let (expected, file) = opening.as_ref()?;
        (expected.to_bytes() == name).then(|| file.clone())
    })
}

unsafe extern "C" fn stat(
    _user: *mut c_void,
    name: *const c_char,
    out: *mut VSIStatBufL,
    _flags: c_int,
) -> c_int {
    // SAFETY: GDAL passes a C string.
    let Some(file) = (unsafe { opening(name) }) else {
        return -1;
    };
    let out = out.cast::<libc::stat64>();
    // SAFETY: VSIStatBufL is a stat64 of the C library, whatever the bindings say, and GDAL passes one to be filled;
    // all its fields may be zero.
    unsafe {
        write_bytes(out.cast::<u8>(), 0, size_of::<libc::stat64>());
        (*out).st_mode = libc::S_IFREG;
        (*out).st_size = file.size() as i64;
    }
    0
}

unsafe extern "C" fn open(
    _user: *mut c_void,
    name: *const c_char,
    access: *const c_char,
) -> *mut c_void {
    // SAFETY: GDAL passes two C strings.
    let (file, access) = unsafe { (opening(name), CStr::from_ptr(access).to_bytes()) };
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
}

unsafe extern "C" fn tell(handle: *mut c_void) -> vsi_l_offset {
    // SAFETY: GDAL passes what `open` returned, until it is closed, from one thread at a time.
    unsafe { (*handle.cast::<Handle>()).position }
}

unsafe extern "C" fn seek(handle: *mut c_void, offset: vsi_l_offset, whence: c_int) -> c_int {
    // SAFETY: as in `tell`.
    let handle = unsafe { &mut *handle.cast::<Handle>() };
    let base = match whence {
        libc::SEEK_SET => 0,
        libc::SEEK_CUR => handle.position,
        libc::SEEK_END => handle.file.size(),
        _ => return -1,
    };
    handle.position = base.saturating_add(offset);
    handle.at_end = false;
    0
}

unsafe extern "C" fn read(
    handle: *mut c_void,
    buffer: *mut c_void,
    size: usize,
    count: usize,
) -> usize {
    // SAFETY: as in `tell`.
    let handle = unsafe { &mut *handle.cast::<Handle>() };
    let Some(wanted) = size.checked_mul(count).filter(|wanted| *wanted > 0) else {
        return 0;
    };
    let end = handle.position.saturating_add(wanted as u64);
    let data = match handle.file.read(handle.position..end) {
        Ok(data) => data,
        Err(error) => {
            tracing::warn!(%error, "reading for GDAL");
            return 0;
        }
    };
    // SAFETY: GDAL passes a buffer of size * count bytes, and there are at most so many.
    unsafe { slice::from_raw_parts_mut(buffer.cast::<u8>(), data.len()) }.copy_from_slice(&data);
    handle.position += data.len() as u64;
    handle.at_end = data.len() < wanted;
    data.len() / size
}

unsafe extern "C" fn read_multi_range(
    handle: *mut c_void,
    count: c_int,
    buffers: *mut *mut c_void,
    offsets: *const vsi_l_offset,
    sizes: *const usize,
) -> c_int {
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
        .map(|(offset, size)| *offset..offset.saturating_add(*size as u64))
        .collect();
    let parts = match handle.file.read_ranges(&ranges) {
        Ok(parts) => parts,
        Err(error) => {
            tracing::warn!(%error, "reading for GDAL");
            return -1;
        }
    };
    for ((part, size), buffer) in parts.iter().zip(sizes).zip(buffers) {
        if part.len() != *size {
            return -1;
        }
        // SAFETY: each buffer has the size that stands beside it, which was just compared.
        unsafe { slice::from_raw_parts_mut(buffer.cast::<u8>(), *size) }.copy_from_slice(part);
    }
    0
}

unsafe extern "C" fn eof(handle: *mut c_void) -> c_int {
    // SAFETY: as in `tell`.
    c_int::from(unsafe { (*handle.cast::<Handle>()).at_end })
}

unsafe extern "C" fn close(handle: *mut c_void) -> c_int {
    // SAFETY: `open` made it by `Box::into_raw`, and GDAL closes it once.
    drop(unsafe { Box::from_raw(handle.cast::<Handle>()) });
    0
}
