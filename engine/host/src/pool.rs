//! The pool's memory, for the runtime.
//!
//! Ask it only while a transaction is validated for a pool: in a block, every node must find the same.

use crate::pool_memory;

/// Whether the pool was told to remember `name`, and has not forgotten. Never without a memory.
pub fn remembers(name: &[u8; 32]) -> bool {
	pool_memory::remembers(name) == 1
}

/// Have the pool remember `name`, if it has a memory.
pub fn remember(name: &[u8; 32]) {
	pool_memory::remember(name);
}
