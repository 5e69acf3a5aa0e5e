"""Figures of a running Geocube, each beside the plain GDAL way of doing the same."""
