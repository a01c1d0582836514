//! What the transaction pool remembers between validations, see [`assay_host::pool`].

use assay_host::{PoolMemory, PoolMemoryExt};
use sc_client_api::execution_extensions::ExtensionsFactory;
use schnellru::{ByLength, LruMap};
use sp_externalities::Extensions;
use sp_runtime::traits::{Block as BlockT, NumberFor};
use std::sync::{Arc, Mutex, PoisonError};

/// Names remembered at most: each cost somebody a live challenge and a proof.
const MAX_NAMES: u32 = 4_096;

/// The names, shared by all calls; the least used go first.
#[derive(Clone)]
struct Names(Arc<Mutex<LruMap<[u8; 32], ()>>>);

impl PoolMemory for Names {
	fn remembers(&mut self, name: &[u8; 32]) -> bool {
		self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).is_some()
	}

	fn remember(&mut self, name: [u8; 32]) {
		self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name, ());
	}
}

/// Gives every call into the runtime the memory: calls do not say what they are for.
pub(crate) struct Factory(Names);

impl Default for Factory {
	fn default() -> Self {
		Self(Names(Arc::new(Mutex::new(LruMap::new(ByLength::new(MAX_NAMES))))))
	}
}

impl<Block: BlockT> ExtensionsFactory<Block> for Factory {
	fn extensions_for(&self, _: Block::Hash, _: NumberFor<Block>) -> Extensions {
		let mut extensions = Extensions::new();
		extensions.register(PoolMemoryExt(Box::new(self.0.clone())));
		extensions
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn the_least_used_name_is_forgotten_first() {
		let Factory(names) = Factory::default();
		let (mut one, mut other) = (names.clone(), names);
		let name = |i: u32| {
			let mut name = [0; 32];
			name[..4].copy_from_slice(&i.to_le_bytes());
			name
		};
		for i in 0..MAX_NAMES {
			one.remember(name(i));
		}
		assert!(other.remembers(&name(0)), "calls share the names");
		one.remember(name(MAX_NAMES));
		assert!(other.remembers(&name(0)) && !other.remembers(&name(1)));
		assert!(other.remembers(&name(MAX_NAMES)));
	}
}
