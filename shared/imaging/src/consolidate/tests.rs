//! Consolidation.
