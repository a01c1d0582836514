//! The pool's memory, for the runtime.
//!
//! Ask it only while a transaction is validated for a pool: in a block, every node must find the same.
//!
//! # Examples
//!
//! ```
//! use assay_host::{pool, PoolMemory, PoolMemoryExt};
//! use std::collections::BTreeSet;
//!
//! /// What a node gives its pool; a real one has bounds.
//! struct Names(BTreeSet<[u8; 32]>);
//!
//! impl PoolMemory for Names {
//!     fn remembers(&mut self, name: &[u8; 32]) -> bool {
//!         self.0.contains(name)
//!     }
//!
//!     fn remember(&mut self, name: [u8; 32]) {
//!         self.0.insert(name);
//!     }
//! }
//!
//! let judged = [7; 32];
//! let mut validation = sp_io::TestExternalities::default();
//! // Without a memory nothing is remembered.
//! validation.execute_with(|| pool::remember(&judged));
//! assert!(!validation.execute_with(|| pool::remembers(&judged)));
//! validation.register_extension(PoolMemoryExt(Box::new(Names(BTreeSet::new()))));
//! validation.execute_with(|| pool::remember(&judged));
//! assert!(validation.execute_with(|| pool::remembers(&judged)));
//! ```

use crate::pool_memory;

/// Whether the pool was told to remember `name`, and has not forgotten. Never without a memory.
pub fn remembers(name: &[u8; 32]) -> bool {
	pool_memory::remembers(name) == 1
}

/// Have the pool remember `name`, if it has a memory.
pub fn remember(name: &[u8; 32]) {
	pool_memory::remember(name);
}
