//! Weights rearranged for the kernels, kept with the bundle that they belong to.

use assay_kernels::{Isa, Prepared};
use std::{
	collections::BTreeMap,
	sync::{Arc, Mutex, PoisonError},
};

/// Weights rearranged for the kernels, by op and operand.
pub(crate) type Packed = BTreeMap<(u32, usize), Arc<Prepared>>;

/// The same for every instruction set that was asked for.
#[derive(Debug, Default)]
pub(super) struct PackedByIsa(Mutex<Vec<(Isa, Arc<Packed>)>>);

impl PackedByIsa {
	/// Those for `isa`, made by `pack` the first time. Whoever asks at the same time waits.
	pub(super) fn get(&self, isa: Isa, pack: impl FnOnce() -> Packed) -> Arc<Packed> {
		let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
		if let Some((_, found)) = all.iter().find(|(at, _)| *at == isa) {
			return found.clone();
		}
		let new = Arc::new(pack());
		all.push((isa, new.clone()));
		new
	}
}
