use super::Crs;
use domain::{Point, footprint::Project};

#[test]
fn every_accepted_form_names_the_same_system() {
    let utm = Crs::parse("32632").unwrap();
    assert_eq!(utm.srid(), 32632);
    for text in [
        "EPSG:32632",
        "epsg:32632",
        "Epsg 32632",
        utm.to_wkt(),
        "+proj=utm +zone=32 +datum=WGS84",
    ] {
        let other = Crs::parse(text).unwrap();
        assert!(utm.is_same(&other), "{text}");
        let named = !text.starts_with('+');
        assert_eq!(other.srid(), if named { 32632 } else { 0 }, "{text}");
    }
    assert!(!utm.is_same(&Crs::parse("32633").unwrap()));
}

#[test]
fn longitude_comes_first() {
    let lonlat = Crs::parse("EPSG:4326").unwrap();
    let utm = Crs::parse("EPSG:32632").unwrap();
    let point = Point::new(9.0, 50.0);
    assert_eq!(lonlat.to_lonlat(&[point]).unwrap(), [point]);
    let projected = utm.from_lonlat(&[point]).unwrap()[0];
    assert!((projected.x - 500000.0).abs() < 1e-6 && (projected.y - 5538630.7).abs() < 1.0);
    let back = utm.to_lonlat(&[projected]).unwrap()[0];
    assert!((back.x - 9.0).abs() < 1e-9 && (back.y - 50.0).abs() < 1e-9);
}

#[test]
fn hostile_texts_are_refused_with_a_short_message() {
    let long = "PROJCS[".repeat(200_000);
    for text in [
        "",
        " ",
        "epsg",
        "epsg:",
        "EPSG:x",
        "0",
        "-4326",
        "99999999999",
        "EPSG:999999",
        "nonsense",
        "WGS84",
        "http://localhost/crs",
        "/etc/passwd",
        "+init=/etc/passwd:x",
        "+proj=longlat +init=epsg:4326",
        "+proj=pipeline +step +proj=utm +zone=32",
        "+proj=longlat +nadgrids=/etc/passwd",
        "+proj=nothing",
        "+proj=longlat +geoidgrids=/etc/passwd",
        "\0",
        "epsgé",
        "épsg:4326",
        "EPSG:4978",
        "LOCAL_CS[\"x\"]",
        &long,
    ] {
        let error = Crs::parse(text).unwrap_err().to_string();
        assert!(error.starts_with("Invalid crs: "), "{text:.40}: {error}");
        assert!(error.len() < 2600, "{} bytes", error.len());
    }
}

const DATUM: &str = r#"GEOGCS["x",DATUM["x",SPHEROID["x",6378137,298],EXTENSION[KEY,"FILE"]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]"#;

#[test]
fn texts_that_make_proj_open_a_file_are_refused_before_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    // nobody writes into it: who opens it never returns
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let pipe = pipe.to_str().unwrap();
    let wkt = |key: &str, file: &str| DATUM.replace("KEY", key).replace("FILE", file);
    let mercator = |grids: &str| {
        let proj4 = format!("+proj=merc +a=6378137 +b=6378137 {grids} +wktext +no_defs");
        format!(
            r#"PROJCS["x",GEOGCS["x",DATUM["x",SPHEROID["x",6378137,298]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Mercator_1SP"],PARAMETER["central_meridian",0],PARAMETER["scale_factor",1],PARAMETER["false_easting",0],PARAMETER["false_northing",0],UNIT["metre",1],EXTENSION["PROJ4","{proj4}"]]"#
        )
    };
    let longlat = |grids: &str| format!("+proj=longlat +ellps=bessel {grids} +no_defs");
    for text in [
        wkt("\"PROJ4_GRIDS\"", pipe),
        wkt(" \"proj4_grids\" ", pipe),
        wkt("\"PROJ4_GRIDS\"", &format!("@null,{pipe}")),
        longlat(&format!("+nadgrids=@null,{pipe}")),
        longlat(&format!("+nadgrids=@null ,{pipe}")),
        longlat(&format!("+nadgrids=@null , {pipe}")),
        longlat(&format!("+nadgrids=@null\",{pipe}")),
        longlat(&format!("+NADGRIDS=@null,{pipe}")),
        longlat(&format!("+nadgrids=@null +nadgrids={pipe}")),
        mercator(&format!("+nadgrids=@null,{pipe}")),
        mercator(&format!("+nadgrids=@null\"\",{pipe}")),
        mercator(&format!("+geoidgrids={pipe}")),
    ] {
        let error = Crs::parse(&text).unwrap_err().to_string();
        assert!(error.contains("must not refer to files"), "{text}: {error}");
    }
    let without = [
        Crs::parse("3857").unwrap().to_wkt().to_owned(),
        longlat("+nadgrids=@null"),
        wkt("\"PROJ4_GRIDS\"", "@null"),
        mercator("+nadgrids=@null"),
    ];
    for text in without {
        let crs = Crs::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert!(crs.to_lonlat(&[Point::new(1.0, 1.0)]).is_ok(), "{text}");
        let again = Crs::parse(crs.to_wkt());
        assert!(again.is_ok(), "{text}: {again:?}");
    }
}

#[test]
fn points_without_image_are_errors() {
    let mercator = Crs::parse("3857").unwrap();
    for point in [Point::new(f64::NAN, 0.0), Point::new(0.0, f64::INFINITY)] {
        assert!(mercator.to_lonlat(&[point]).is_err());
    }
    let gnomonic = Crs::parse("+proj=gnom +lat_0=90 +datum=WGS84").unwrap();
    assert!(gnomonic.from_lonlat(&[Point::new(0.0, -45.0)]).is_err());
}
