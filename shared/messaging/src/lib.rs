//! messaging: see ARCHITECTURE.md.
