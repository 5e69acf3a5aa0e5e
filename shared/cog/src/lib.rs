//! cog: see ARCHITECTURE.md.
