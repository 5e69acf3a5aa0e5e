//! Sample types of the domain and of GDAL.

use domain::DType;
use gdal_sys::GDALDataType;

/// GDAL's type with the same bytes. Signed bytes are bytes for GDAL before 3.7.
pub(crate) fn to_gdal(dtype: DType) -> GDALDataType::Type {
    match dtype {
        DType::Undefined => GDALDataType::GDT_Unknown,
        DType::UInt8 | DType::Int8 => GDALDataType::GDT_Byte,
        DType::UInt16 => GDALDataType::GDT_UInt16,
        DType::UInt32 => GDALDataType::GDT_UInt32,
        DType::Int16 => GDALDataType::GDT_Int16,
        DType::Int32 => GDALDataType::GDT_Int32,
        DType::Float32 => GDALDataType::GDT_Float32,
        DType::Float64 => GDALDataType::GDT_Float64,
        DType::Complex64 => GDALDataType::GDT_CFloat32,
    }
}

/// The type of a band; `None` for GDAL's other types.
pub(crate) fn from_gdal(data_type: GDALDataType::Type, signed_byte: bool) -> Option<DType> {
    match data_type {
        GDALDataType::GDT_Byte if signed_byte => Some(DType::Int8),
        GDALDataType::GDT_Byte => Some(DType::UInt8),
        GDALDataType::GDT_UInt16 => Some(DType::UInt16),
        GDALDataType::GDT_UInt32 => Some(DType::UInt32),
        GDALDataType::GDT_Int16 => Some(DType::Int16),
        GDALDataType::GDT_Int32 => Some(DType::Int32),
        GDALDataType::GDT_Float32 => Some(DType::Float32),
        GDALDataType::GDT_Float64 => Some(DType::Float64),
        GDALDataType::GDT_CFloat32 => Some(DType::Complex64),
        _ => None,
    }
}

/// The sample of an opaque pixel in an alpha band, as GDAL's warper reads and writes it.
pub(crate) fn opaque(dtype: DType) -> u16 {
    match dtype {
        DType::Int8 => i8::MAX as u16,
        DType::UInt16 => u16::MAX,
        DType::Int16 => i16::MAX as u16,
        _ => u16::from(u8::MAX),
    }
}

/// GDAL's name of a type that has no place here.
pub(crate) fn name_of(data_type: GDALDataType::Type) -> &'static str {
    match data_type {
        GDALDataType::GDT_Int64 => "Int64",
        GDALDataType::GDT_UInt64 => "UInt64",
        GDALDataType::GDT_CInt16 => "CInt16",
        GDALDataType::GDT_CInt32 => "CInt32",
        GDALDataType::GDT_CFloat64 => "CFloat64",
        _ => "Unknown",
    }
}
