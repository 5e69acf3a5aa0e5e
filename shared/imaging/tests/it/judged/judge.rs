//! What `gdalwarp` says of a request, and whether we said the same.

use super::contents::{samples, write};
use super::request::{Layer, Request};
use crate::scene::{Look, Scene, plain, render, source, values};
use crate::tools::{run, text, words};
use domain::{DType, Resampling};
use gdal::{Dataset, DatasetOptions, GdalOpenFlags};
use std::path::PathBuf;

/// Hears requests one after the other.
pub struct Court {
    heard: usize,
    complaints: Vec<String>,
    with_data: usize,
}

impl Court {
    pub fn new() -> Self {
        Self {
            heard: 0,
            complaints: Vec::new(),
            with_data: 0,
        }
    }

    pub fn heard(&self) -> usize {
        self.heard
    }

    pub fn hear(&mut self, request: &Request) {
        let scene = Scene::new();
        let mapping = plain(request.dtype, request.no_data);
        let files: Vec<PathBuf> = request
            .layers
            .iter()
            .map(|layer| file(&scene, request, layer, request.dtype))
            .collect();
        let bands: Vec<i64> = (1..=request.contents.bands() as i64).collect();
        let sources: Vec<_> = files
            .iter()
            .map(|file| source(file, &bands, mapping))
            .collect();
        let image = render(&sources, &request.target, &mapping, request.kernel);
        let expected = gdalwarp(&scene, request, &files);
        self.with_data += usize::from(image.any_valid());
        if let Some(complaint) = difference(&values(&image), &expected, request) {
            self.complaints.push(format!(
                "request {}: {complaint}\n  {request:?}",
                self.heard
            ));
        }
        self.heard += 1;
    }

    /// Fails if there was any complaint, or if less than this share of the requests found data.
    pub fn close(self, seen: f64) {
        assert!(
            self.complaints.is_empty(),
            "{} of {} requests:\n{}",
            self.complaints.len(),
            self.heard,
            self.complaints.join("\n")
        );
        assert!(
            self.with_data as f64 >= seen * self.heard as f64,
            "{} of {} requests found data",
            self.with_data,
            self.heard
        );
    }
}

/// Writes the file of a layer with its overviews.
fn file(scene: &Scene, request: &Request, layer: &Layer, dtype: DType) -> PathBuf {
    let path = write(scene, request, layer, dtype);
    if layer.overviews > 0 {
        let factors: Vec<i32> = (1..=layer.overviews).map(|level| 1 << level).collect();
        let options = DatasetOptions {
            open_flags: GdalOpenFlags::GDAL_OF_UPDATE,
            ..DatasetOptions::default()
        };
        let mut dataset = Dataset::open_ex(&path, options).unwrap();
        dataset.build_overviews("NEAREST", &factors, &[]).unwrap();
    }
    path
}

/// What gdalwarp makes of the same sources. It does not know signed bytes: it gets wider samples.
fn gdalwarp(scene: &Scene, request: &Request, files: &[PathBuf]) -> Vec<f64> {
    let dtype = match request.dtype {
        DType::Int8 => DType::Int16,
        dtype => dtype,
    };
    let wider = |layer| file(scene, request, layer, dtype);
    let files: Vec<PathBuf> = if dtype == request.dtype {
        files.to_vec()
    } else {
        request.layers.iter().map(wider).collect()
    };
    let files = files.iter().map(|file| text(file));
    let out = scene.path("expected.tif");
    let (grid, size) = (request.target.transform, request.target.size);
    let mut arguments = words(&format!("-q -r {}", request.kernel.name().to_lowercase()));
    arguments.extend(["-t_srs".to_owned(), request.system.clone()]);
    // the files say which samples are holes: given here, bands that are without data alone would keep their markers
    let has_holes = request.has_holes();
    if has_holes {
        arguments.extend(words(&format!("-dstnodata {}", request.no_data)));
    }
    if grid.is_rotated() {
        let look = Look {
            dtype,
            bands: request.contents.bands(),
            size: (size.width as usize, size.height as usize),
            transform: grid.0,
            crs: Some(&request.system),
            no_data: has_holes.then_some(request.no_data),
            ..Look::default()
        };
        let hole = if has_holes { request.no_data } else { 0.0 };
        scene.raster("expected.tif", look, |_, _, _| hole);
    } else {
        let (first, last) = (
            grid.apply(0.0, 0.0),
            grid.apply(f64::from(size.width), f64::from(size.height)),
        );
        arguments.extend(words(&format!(
            "-te {} {} {} {} -ts {} {}",
            first.x, last.y, last.x, first.y, size.width, size.height
        )));
    }
    arguments.extend(files);
    arguments.push(text(&out));
    run("gdalwarp", &arguments);
    samples(request, &out)
}

/// Tells the samples that are further apart than the kernel allows.
fn difference(ours: &[f64], expected: &[f64], request: &Request) -> Option<String> {
    assert_eq!(ours.len(), expected.len(), "number of samples");
    let near = request.kernel == Resampling::Near;
    let apart = |(a, b): &(&f64, &f64)| {
        let tolerance = match (near, request.dtype.is_integer()) {
            (true, _) => 0.0,
            (false, false) => request.float_error * a.abs().max(b.abs()),
            (false, true) => 1.0,
        };
        !((*a - *b).abs() <= tolerance || a.is_nan() && b.is_nan())
    };
    let pairs = ours.iter().zip(expected).enumerate();
    let wrong: Vec<_> = pairs.filter(|(_, pair)| apart(pair)).collect();
    let allowed = if near { 0 } else { ours.len() / 1000 };
    (wrong.len() > allowed).then(|| {
        let first = &wrong[..wrong.len().min(3)];
        format!(
            "{} of {} samples differ, first {first:?}",
            wrong.len(),
            ours.len()
        )
    })
}
