//! database: see ARCHITECTURE.md.
