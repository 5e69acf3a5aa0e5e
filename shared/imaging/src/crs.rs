mod files;
mod parse;
mod project;
#[cfg(test)]
mod tests;

use crate::{Error, Result, ffi::capture, lru::Lru};
use gdal::spatial_ref::{AxisMappingStrategy, SpatialRef};
use std::{
    cell::RefCell,
    fmt,
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Reference systems kept by their text.
const KEPT: usize = 256;

/// Handles kept by each thread.
const HANDLES_KEPT: usize = 16;

/// Longest text that is kept as a key, in bytes.
const LONGEST_KEY: usize = 16 << 10;

/// A reference system, x (easting or longitude) first.
///
/// Plain data that may be shared between threads; handles of GDAL are made from it where they are used.
#[derive(Clone)]
pub struct Crs(Arc<Inner>);

struct Inner {
    /// Distinguishes reference systems in caches; equal for equal texts as long as they are kept.
    id: u64,
    definition: parse::Definition,
    wkt: String,
    srid: i32,
    geographic: bool,
}

static PARSED: LazyLock<Mutex<Lru<String, Crs>>> = LazyLock::new(|| Mutex::new(Lru::new(KEPT)));
static SAME: LazyLock<Mutex<Lru<(u64, u64), bool>>> = LazyLock::new(|| Mutex::new(Lru::new(1024)));
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static HANDLES: RefCell<Lru<u64, SpatialRef>> = RefCell::new(Lru::new(HANDLES_KEPT));
}

impl Crs {
    /// Reads an EPSG code (`32632`, `EPSG:32632`, any case and separator), a PROJ text (`+proj=…`) or a WKT.
    ///
    /// Recently used texts are answered from memory.
    ///
    /// # Errors
    /// [`domain::Error::Invalid`] with the text `Invalid crs: <input> (<reason>)`, the input shortened: for what
    /// PROJ does not know, for what is neither projected nor geographic, and for texts that name files or grids.
    pub fn parse(text: &str) -> Result<Self> {
        if let Some(known) = lock(&PARSED).get(text) {
            return Ok(known.clone());
        }
        let crs = Self::read(text).map_err(|reason| invalid(text, &reason))?;
        if text.len() <= LONGEST_KEY {
            lock(&PARSED).insert(text.to_owned(), crs.clone());
        }
        Ok(crs)
    }

    /// Distinguishes reference systems in caches.
    pub(crate) fn id(&self) -> u64 {
        self.0.id
    }

    /// The EPSG code, or 0 when there is none.
    pub fn srid(&self) -> i32 {
        self.0.srid
    }

    /// Well-known text, version 1 where it suffices.
    pub fn to_wkt(&self) -> &str {
        &self.0.wkt
    }

    /// Whether its coordinates are longitudes and latitudes in degrees.
    pub fn is_geographic(&self) -> bool {
        self.0.geographic
    }

    /// Whether both describe the same system.
    pub fn is_same(&self, other: &Self) -> bool {
        let (a, b) = (self.0.id, other.0.id);
        if a == b || self.0.wkt == other.0.wkt {
            return true;
        }
        let key = (a.min(b), a.max(b));
        if let Some(same) = lock(&SAME).get(&key) {
            return *same;
        }
        let (same, _) = capture(|| match (self.spatial_ref(), other.spatial_ref()) {
            (Ok(own), Ok(other)) => own == other,
            _ => false,
        });
        lock(&SAME).insert(key, same);
        same
    }

    /// A handle for the calling thread, a copy of one that the thread keeps.
    pub(crate) fn spatial_ref(&self) -> Result<SpatialRef> {
        HANDLES.with_borrow_mut(|handles| {
            if let Some(handle) = handles.get(&self.0.id) {
                return Ok(handle.clone());
            }
            let definition = &self.0.definition;
            let handle = definition
                .build()
                .map_err(|reason| invalid(&definition.to_string(), &reason))?;
            handles.insert(self.0.id, handle.clone());
            Ok(handle)
        })
    }

    fn read(text: &str) -> Result<Self, String> {
        let definition = parse::Definition::read(text)?;
        let handle = definition.build()?;
        if !(handle.is_projected() || handle.is_geographic()) {
            return Err("expected a projected or geographic reference system".to_owned());
        }
        let (wkt, captured) = capture(|| handle.to_wkt());
        let wkt = wkt.map_err(|_| captured.text())?;
        // however the text was written
        if !matches!(definition, parse::Definition::Epsg(_)) {
            files::refuse(&wkt)?;
        }
        let srid = definition.srid(&handle);
        Ok(Self(Arc::new(Inner {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            definition,
            wkt,
            srid,
            geographic: handle.is_geographic()
                && (handle.angular_units() - 1f64.to_radians()).abs() < 1e-12,
        })))
    }
}

impl PartialEq for Crs {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other)
    }
}

impl fmt::Debug for Crs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crs({})", self.0.definition)
    }
}

fn traditional(mut handle: SpatialRef) -> SpatialRef {
    handle.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    handle
}

fn invalid(text: &str, reason: &str) -> Error {
    const SHOWN: usize = 100;
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    domain::Error::invalid(format!("Invalid crs: {shown} ({reason})")).into()
}

/// A poisoned cache is still a cache.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
