//! rpc: see ARCHITECTURE.md.
