//! Weights of `pallet_challenges`.
//!
//! First estimates, in the layout that the benchmarking tool writes; replaced by its output when
//! the benchmarks of this pallet run on the reference machine.

#![allow(unused_parens)]
#![allow(missing_docs)]

use core::marker::PhantomData;
use frame_support::{
	traits::Get,
	weights::{constants::ParityDbWeight, Weight},
};

/// Weight functions needed for `pallet_challenges`.
pub trait WeightInfo {
	/// Bond held, first challenge of a job.
	fn open() -> Weight;
	/// The same checks and one signature.
	fn authorize_open() -> Weight;
	/// One slice of the trace verified.
	fn reveal_trace() -> Weight;
	/// The same checks and one signature.
	fn authorize_reveal_trace() -> Weight;
	/// Fee held, node asked.
	fn ask() -> Weight;
	/// The same checks and one signature.
	fn authorize_ask() -> Weight;
	/// A node of 1,024 children verified and published.
	fn answer() -> Weight;
	/// The same checks and one signature.
	fn authorize_answer() -> Weight;
	/// The costliest proof judged, a batch of challenges settled.
	fn prove_fault() -> Weight;
	/// The same judgement and one signature.
	fn authorize_prove_fault() -> Weight;
	/// A batch of challenges forfeited.
	fn poke() -> Weight;
	/// A claim ended for silence, a batch of challenges settled.
	fn lapse() -> Weight;
	/// Look for the alarms of one block.
	fn on_idle_block() -> Weight;
	/// Ring one alarm: a claim ended for silence, a batch of challenges settled.
	fn on_idle_alarm() -> Weight;
}

/// Weights for `pallet_challenges` on a chain with ParityDB.
pub struct SubstrateWeight<T>(PhantomData<T>);

/// One sr25519 verification and the hash of what was signed, in picoseconds.
const SIGNATURE: u64 = 60_000_000;

fn weigh<D: Get<frame_support::weights::RuntimeDbWeight>>(
	ref_time: u64,
	reads: u64,
	writes: u64,
) -> Weight {
	Weight::from_parts(ref_time, 0).saturating_add(D::get().reads_writes(reads, writes))
}

macro_rules! estimates {
	($db:ty) => {
		fn open() -> Weight {
			weigh::<$db>(120_000_000, 10, 8)
		}
		fn authorize_open() -> Weight {
			weigh::<$db>(60_000_000 + SIGNATURE, 7, 0)
		}
		fn reveal_trace() -> Weight {
			weigh::<$db>(90_000_000, 4, 1)
		}
		fn authorize_reveal_trace() -> Weight {
			weigh::<$db>(80_000_000 + SIGNATURE, 6, 0)
		}
		fn ask() -> Weight {
			weigh::<$db>(110_000_000, 9, 4)
		}
		fn authorize_ask() -> Weight {
			weigh::<$db>(80_000_000 + SIGNATURE, 9, 0)
		}
		fn answer() -> Weight {
			weigh::<$db>(900_000_000, 8, 4)
		}
		fn authorize_answer() -> Weight {
			weigh::<$db>(900_000_000 + SIGNATURE, 7, 0)
		}
		fn prove_fault() -> Weight {
			weigh::<$db>(40_000_000_000, 60, 60)
		}
		fn authorize_prove_fault() -> Weight {
			weigh::<$db>(40_000_000_000 + SIGNATURE, 6, 0)
		}
		fn poke() -> Weight {
			weigh::<$db>(900_000_000, 70, 60)
		}
		fn lapse() -> Weight {
			weigh::<$db>(900_000_000, 70, 60)
		}
		fn on_idle_block() -> Weight {
			weigh::<$db>(5_000_000, 2, 1)
		}
		fn on_idle_alarm() -> Weight {
			weigh::<$db>(900_000_000, 72, 62)
		}
	};
}

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	estimates!(T::DbWeight);
}

impl WeightInfo for () {
	estimates!(ParityDbWeight);
}
