//! Stored samples to values of the variable.

use crate::harness::Server;
use crate::harness::answers::invalid;
use crate::harness::catalogue::{dataset, format};
use crate::harness::cube::{gdal_name, utm_request};
use crate::harness::raster::{Raster, have_gdal};
use rpc::pb;
use rpc::pb::data_format::Dtype;

const NAN: f64 = f64::NAN;

/// A file, how it is indexed, the variable, and what becomes of its samples.
struct Case {
    name: &'static str,
    stored: (Dtype, f64, f64, f64),
    range: (f64, f64),
    exponent: f64,
    variable: (Dtype, f64, f64, f64),
    samples: &'static [f64],
    values: &'static [f64],
}

const CASES: [Case; 16] = [
    Case {
        name: "linear-to-float",
        stored: (Dtype::Int16, -10001., -10000., 10000.),
        range: (-1., 1.),
        exponent: 1.,
        variable: (Dtype::Float32, NAN, -1., 1.),
        samples: &[6399., -10001., -12000., 12000., 32767.],
        values: &[0.6399, NAN, -1.2, 1.2, 3.2767],
    },
    Case {
        name: "no-nodata-stays-a-value",
        stored: (Dtype::Int16, NAN, -10000., 10000.),
        range: (-1., 1.),
        exponent: 1.,
        variable: (Dtype::Float32, NAN, -1., 1.),
        samples: &[-10001., 0.],
        values: &[-1.0001, 0.],
    },
    Case {
        name: "nodata-stays-a-value-of-variables-without",
        stored: (Dtype::Int16, -10001., -10000., 10000.),
        range: (-10000., 10000.),
        exponent: 1.,
        variable: (Dtype::Int16, NAN, -10000., 10000.),
        samples: &[6399., -10001., 12000.],
        values: &[6399., -10001., 12000.],
    },
    Case {
        name: "linear-to-byte",
        stored: (Dtype::Int16, -10001., -10000., 10000.),
        range: (0., 254.),
        exponent: 1.,
        variable: (Dtype::UInt8, 255., 0., 254.),
        // what would land on the nodata code moves one step away
        samples: &[
            6399., -12000., -10000., 0., 5000., 10000., 12000., 32767., -10001.,
        ],
        values: &[208., 0., 0., 127., 191., 254., 254., 254., 255.],
    },
    Case {
        name: "clamped-to-the-type",
        stored: (Dtype::Int16, NAN, -10000., 10000.),
        range: (0., 254.),
        exponent: 1.,
        variable: (Dtype::UInt8, NAN, 0., 254.),
        samples: &[-12000., 12000., 32767.],
        values: &[0., 255., 255.],
    },
    Case {
        name: "power-2",
        stored: (Dtype::Int16, NAN, 0., 10000.),
        range: (0., 1.),
        exponent: 2.,
        variable: (Dtype::Float32, NAN, 0., 1.),
        samples: &[-12000., 0., 5000., 10000., 12000.],
        values: &[0., 0., 0.25, 1., 1.],
    },
    Case {
        name: "power-a-half",
        stored: (Dtype::Int16, NAN, -10000., 10000.),
        range: (0., 254.),
        exponent: 0.5,
        variable: (Dtype::UInt8, NAN, 0., 254.),
        samples: &[-12000., -10000., 0., 5000., 10000., 12000.],
        values: &[0., 0., 180., 220., 254., 254.],
    },
    Case {
        name: "power-with-nodata",
        stored: (Dtype::Int16, -10001., 0., 10000.),
        range: (0., 1.),
        exponent: 2.,
        variable: (Dtype::Float32, -1., 0., 1.),
        samples: &[-10001., 0., 10000.],
        values: &[-1., 0., 1.],
    },
    Case {
        name: "power-within-one-range",
        stored: (Dtype::UInt8, NAN, 0., 254.),
        range: (0., 254.),
        exponent: 2.,
        variable: (Dtype::Float32, NAN, 0., 254.),
        samples: &[0., 127., 254.],
        values: &[0., 63.5, 254.],
    },
    Case {
        name: "nodata-above-the-range",
        stored: (Dtype::UInt16, 65535., 0., 10000.),
        range: (0., 1.),
        exponent: 1.,
        variable: (Dtype::Float32, NAN, 0., 1.),
        samples: &[65535., 5000.],
        values: &[NAN, 0.5],
    },
    Case {
        name: "float-to-byte",
        stored: (Dtype::Float32, NAN, 0., 255.),
        range: (0., 255.),
        exponent: 1.,
        variable: (Dtype::UInt8, NAN, 0., 255.),
        samples: &[-0.6, 0.49, 0.5, 1.5, 2.5, 254.4, 254.5, NAN],
        values: &[0., 0., 1., 2., 3., 254., 255., 0.],
    },
    Case {
        name: "float-to-int16",
        stored: (Dtype::Float32, NAN, -100., 100.),
        range: (-100., 100.),
        exponent: 1.,
        variable: (Dtype::Int16, -32768., -100., 100.),
        samples: &[-0.6, 0.5, 2.5, NAN],
        values: &[-1., 1., 3., -32768.],
    },
    Case {
        name: "onto-the-nodata-code",
        stored: (Dtype::UInt8, 255., 0., 254.),
        range: (0., 254.),
        exponent: 1.,
        variable: (Dtype::UInt8, 127., 0., 254.),
        samples: &[0., 126., 127., 128., 255.],
        values: &[0., 126., 126., 128., 127.],
    },
    Case {
        name: "signed-bytes",
        stored: (Dtype::Int8, -128., -100., 100.),
        range: (-100., 100.),
        exponent: 1.,
        variable: (Dtype::Int8, -128., -100., 100.),
        samples: &[-5., 5., -128., 127.],
        values: &[-5., 5., -128., 127.],
    },
    Case {
        name: "uint32",
        stored: (Dtype::UInt32, 0., 0., 4294967295.),
        range: (0., 4294967295.),
        exponent: 1.,
        variable: (Dtype::UInt32, 0., 0., 4294967295.),
        samples: &[4294967295., 3000000001., 0.],
        values: &[4294967295., 3000000001., 0.],
    },
    Case {
        name: "double",
        stored: (Dtype::Float64, -9999., 0., 1.),
        range: (0., 1.),
        exponent: 1.,
        variable: (Dtype::Float64, NAN, 0., 1.),
        samples: &[0.1, -9999., 1e300],
        values: &[0.1, NAN, 1e300],
    },
];

#[tokio::test]
async fn samples_become_values_of_the_variable() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    for Case {
        name,
        stored,
        range,
        exponent,
        variable,
        samples,
        values,
    } in CASES
    {
        let of = |(dtype, no_data, min, max)| format(dtype, no_data, min, max);
        let (_, instance) = server.variable(name, of(variable), 1).await;
        let record = server.record(name, 0).await;
        Raster::utm(gdal_name(stored.0), samples.len(), 1, samples.to_vec())
            .write(&server.path(name));
        let (real_min_value, real_max_value) = range;
        let mapped = dataset(&record, &instance, of(stored), &[1]);
        let mapped = pb::Dataset {
            real_min_value,
            real_max_value,
            exponent,
            ..mapped
        };
        server.index(&server.uri(name), vec![mapped]).await.unwrap();
        let cube = server
            .cube(utm_request(&instance, samples.len() as i32, 1))
            .await
            .unwrap();
        let found = cube.images[0].samples();
        assert_eq!(found.len(), values.len(), "{name}");
        for ((sample, value), found) in samples.iter().zip(values).zip(found) {
            let same = found == *value
                || (found - value).abs() <= 1e-6 * value.abs()
                || found.is_nan() && value.is_nan();
            assert!(same, "{name}: {sample} became {found}, expected {value}");
        }
        let meta = cube.images[0]
            .header
            .dataset_meta
            .clone()
            .unwrap()
            .internals_meta
            .remove(0);
        assert_eq!(
            (meta.range_min, meta.range_max, meta.exponent),
            (real_min_value, real_max_value, exponent)
        );
        assert_eq!(meta.dformat.unwrap().dtype(), stored.0, "{name}");
    }
}

#[tokio::test]
async fn complex_samples_keep_both_parts() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let complex = format(Dtype::Complex64, NAN, 0., 100.);
    let (_, instance) = server.variable("v", complex, 1).await;
    let record = server.record("r", 0).await;
    Raster::utm("CFloat32", 2, 1, vec![3., 4.]).write(&server.path("a.tif"));
    server
        .index(
            &server.uri("a.tif"),
            vec![dataset(&record, &instance, complex, &[1])],
        )
        .await
        .unwrap();
    let cube = server.cube(utm_request(&instance, 2, 1)).await.unwrap();
    assert_eq!(cube.images[0].samples(), [3., 0., 4., 0.]);

    // they are never cast to real ones, whatever the caller announces
    let float = format(Dtype::Float32, NAN, 0., 100.);
    let (_, real) = server.variable("real", float, 1).await;
    let other = Raster::utm("CFloat32", 2, 1, vec![3., 4.]);
    other.write(&server.path("b.tif"));
    invalid(
        server
            .index(
                &server.uri("b.tif"),
                vec![dataset(&record, &real, float, &[1])],
            )
            .await,
        "COMPLEX64",
    );
}

#[tokio::test]
async fn bands_come_in_the_order_of_the_dataset() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let bytes = format(Dtype::UInt8, 0., 0., 255.);
    let (_, instance) = server.variable("v", bytes, 2).await;
    let record = server.record("r", 0).await;
    let bands = vec![vec![1., 2.], vec![11., 12.], vec![21., 22.]];
    Raster {
        bands,
        ..Raster::utm("Byte", 2, 1, vec![0.; 2])
    }
    .write(&server.path("a.tif"));
    server
        .index(
            &server.uri("a.tif"),
            vec![dataset(&record, &instance, bytes, &[3, 1])],
        )
        .await
        .unwrap();
    let cube = server.cube(utm_request(&instance, 2, 1)).await.unwrap();
    assert_eq!(cube.images[0].samples(), [21., 1., 22., 2.]);
}
