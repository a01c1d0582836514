//! Weights of `pallet_models`, measured by `scripts/weights`. Do not edit: run it again.
//!
//! Date: 2026-11-30, steps: 16, repeats: 16, processor: Intel(R) Xeon(R) Processor, runtime in Wasm.

#![allow(unused_parens, missing_docs, reason = "written by scripts/weights")]

use core::marker::PhantomData;
use frame_support::{
	traits::Get,
	weights::{constants::ParityDbWeight, Weight},
};

/// Weight functions needed for `pallet_models`.
pub trait WeightInfo {
	fn register(n: u32) -> Weight;
	fn retire() -> Weight;
	fn remove() -> Weight;
	fn endorse() -> Weight;
	fn recall() -> Weight;
	fn stop() -> Weight;
}

/// Weights with the runtime's own cost of database access.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Storage: `Models::Models` (r:2 w:1)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	/// Storage: `Models::Endorsements` (r:0 w:1)
	/// Proof: `Models::Endorsements` (`max_values`: None, `max_size`: Some(593), added: 3068, mode: `MaxEncodedLen`)
	/// Storage: `Models::Metadata` (r:0 w:1)
	/// Proof: `Models::Metadata` (`max_values`: None, `max_size`: Some(262), added: 2737, mode: `MaxEncodedLen`)
	/// `n` is from 2 to 1025.
	fn register(n: u32) -> Weight {
		// Least time: 240_923_000 picoseconds.
		Weight::from_parts(749_158_546, 0)
			// Standard error: 308_650
			.saturating_add(Weight::from_parts(123_333_058, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	/// Storage: `Models::Models` (r:1 w:1)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Models::Endorsements` (r:3 w:3)
	/// Proof: `Models::Endorsements` (`max_values`: None, `max_size`: Some(593), added: 3068, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	fn retire() -> Weight {
		// Least time: 103_253_000 picoseconds.
		Weight::from_parts(114_186_000, 0)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(5_u64))
	}
	/// Storage: `Models::Models` (r:1 w:1)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Models::OpenJobs` (r:1 w:0)
	/// Proof: `Models::OpenJobs` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:1 w:1)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	/// Storage: `Models::Metadata` (r:0 w:1)
	/// Proof: `Models::Metadata` (`max_values`: None, `max_size`: Some(262), added: 2737, mode: `MaxEncodedLen`)
	fn remove() -> Weight {
		// Least time: 79_578_000 picoseconds.
		Weight::from_parts(85_503_000, 0)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	/// Storage: `Models::Models` (r:2 w:1)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Models::Endorsements` (r:1 w:1)
	/// Proof: `Models::Endorsements` (`max_values`: None, `max_size`: Some(593), added: 3068, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:1 w:1)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:2 w:2)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	/// Storage: `Models::Metadata` (r:0 w:1)
	/// Proof: `Models::Metadata` (`max_values`: None, `max_size`: Some(262), added: 2737, mode: `MaxEncodedLen`)
	fn endorse() -> Weight {
		// Least time: 164_032_000 picoseconds.
		Weight::from_parts(168_470_000, 0)
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().writes(6_u64))
	}
	/// Storage: `Models::Models` (r:1 w:1)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Models::Endorsements` (r:4 w:3)
	/// Proof: `Models::Endorsements` (`max_values`: None, `max_size`: Some(593), added: 3068, mode: `MaxEncodedLen`)
	fn recall() -> Weight {
		// Least time: 55_963_000 picoseconds.
		Weight::from_parts(74_386_000, 0)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	/// Storage: `Models::Models` (r:1 w:1)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:1 w:1)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	fn stop() -> Weight {
		// Least time: 77_306_000 picoseconds.
		Weight::from_parts(85_181_000, 0)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
}

/// For tests and as a default.
impl WeightInfo for () {
	fn register(n: u32) -> Weight {
		Weight::from_parts(749_158_546, 0)
			.saturating_add(Weight::from_parts(123_333_058, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(3_u64))
			.saturating_add(ParityDbWeight::get().writes(4_u64))
	}
	fn retire() -> Weight {
		Weight::from_parts(114_186_000, 0)
			.saturating_add(ParityDbWeight::get().reads(5_u64))
			.saturating_add(ParityDbWeight::get().writes(5_u64))
	}
	fn remove() -> Weight {
		Weight::from_parts(85_503_000, 0)
			.saturating_add(ParityDbWeight::get().reads(4_u64))
			.saturating_add(ParityDbWeight::get().writes(4_u64))
	}
	fn endorse() -> Weight {
		Weight::from_parts(168_470_000, 0)
			.saturating_add(ParityDbWeight::get().reads(6_u64))
			.saturating_add(ParityDbWeight::get().writes(6_u64))
	}
	fn recall() -> Weight {
		Weight::from_parts(74_386_000, 0)
			.saturating_add(ParityDbWeight::get().reads(5_u64))
			.saturating_add(ParityDbWeight::get().writes(4_u64))
	}
	fn stop() -> Weight {
		Weight::from_parts(85_181_000, 0)
			.saturating_add(ParityDbWeight::get().reads(3_u64))
			.saturating_add(ParityDbWeight::get().writes(3_u64))
	}
}
