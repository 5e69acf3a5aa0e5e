//! imaging: see ARCHITECTURE.md.
