//! Web-mercator tiles.
