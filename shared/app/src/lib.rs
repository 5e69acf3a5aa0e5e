//! app: see ARCHITECTURE.md.
