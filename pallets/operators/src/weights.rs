//! Weights of `pallet_operators`, measured by `scripts/weights`. Do not edit: run it again.
//!
//! Date: 2026-11-30, steps: 16, repeats: 16, processor: Intel(R) Xeon(R) Processor, runtime in Wasm.

#![allow(unused_parens, missing_docs, reason = "written by scripts/weights")]

use core::marker::PhantomData;
use frame_support::{
	traits::Get,
	weights::{constants::ParityDbWeight, Weight},
};

/// Weight functions needed for `pallet_operators`.
pub trait WeightInfo {
	fn stake() -> Weight;
	fn unstake() -> Weight;
	fn withdraw() -> Weight;
	fn set_service_key() -> Weight;
	fn set_key_allowance() -> Weight;
	fn serve(n: u32) -> Weight;
	fn chill() -> Weight;
	fn activate() -> Weight;
}

/// Weights with the runtime's own cost of database access.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Storage: `Operators::Operators` (r:1 w:1)
	/// Proof: `Operators::Operators` (`max_values`: None, `max_size`: Some(410), added: 2885, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	fn stake() -> Weight {
		// Least time: 77_705_000 picoseconds.
		Weight::from_parts(88_708_000, 0)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// Storage: `Operators::Operators` (r:1 w:1)
	/// Proof: `Operators::Operators` (`max_values`: None, `max_size`: Some(410), added: 2885, mode: `MaxEncodedLen`)
	fn unstake() -> Weight {
		// Least time: 20_064_000 picoseconds.
		Weight::from_parts(25_247_000, 0)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Operators::Operators` (r:1 w:1)
	/// Proof: `Operators::Operators` (`max_values`: None, `max_size`: Some(410), added: 2885, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	/// Storage: `Operators::Serving` (r:0 w:1)
	/// Proof: `Operators::Serving` (`max_values`: None, `max_size`: Some(2098), added: 4573, mode: `MaxEncodedLen`)
	fn withdraw() -> Weight {
		// Least time: 70_594_000 picoseconds.
		Weight::from_parts(82_145_000, 0)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	/// Storage: `Operators::KeyOwner` (r:1 w:2)
	/// Proof: `Operators::KeyOwner` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:1 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	/// Storage: `Operators::ServiceKeys` (r:1 w:1)
	/// Proof: `Operators::ServiceKeys` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	fn set_service_key() -> Weight {
		// Least time: 92_466_000 picoseconds.
		Weight::from_parts(103_783_000, 0)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	/// Storage: `Operators::ServiceKeys` (r:1 w:1)
	/// Proof: `Operators::ServiceKeys` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	fn set_key_allowance() -> Weight {
		// Least time: 16_571_000 picoseconds.
		Weight::from_parts(21_408_000, 0)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Operators::Operators` (r:1 w:0)
	/// Proof: `Operators::Operators` (`max_values`: None, `max_size`: Some(410), added: 2885, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:64 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Operators::Serving` (r:0 w:1)
	/// Proof: `Operators::Serving` (`max_values`: None, `max_size`: Some(2098), added: 4573, mode: `MaxEncodedLen`)
	/// `n` is from 0 to 64.
	fn serve(n: u32) -> Weight {
		// Least time: 17_600_000 picoseconds.
		Weight::from_parts(26_406_151, 0)
			// Standard error: 33_004
			.saturating_add(Weight::from_parts(5_811_818, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Operators::Operators` (r:1 w:1)
	/// Proof: `Operators::Operators` (`max_values`: None, `max_size`: Some(410), added: 2885, mode: `MaxEncodedLen`)
	fn chill() -> Weight {
		// Least time: 18_929_000 picoseconds.
		Weight::from_parts(24_839_000, 0)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Operators::Operators` (r:1 w:1)
	/// Proof: `Operators::Operators` (`max_values`: None, `max_size`: Some(410), added: 2885, mode: `MaxEncodedLen`)
	fn activate() -> Weight {
		// Least time: 18_504_000 picoseconds.
		Weight::from_parts(27_061_000, 0)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
}

/// For tests and as a default.
impl WeightInfo for () {
	fn stake() -> Weight {
		Weight::from_parts(88_708_000, 0)
			.saturating_add(ParityDbWeight::get().reads(2_u64))
			.saturating_add(ParityDbWeight::get().writes(2_u64))
	}
	fn unstake() -> Weight {
		Weight::from_parts(25_247_000, 0)
			.saturating_add(ParityDbWeight::get().reads(1_u64))
			.saturating_add(ParityDbWeight::get().writes(1_u64))
	}
	fn withdraw() -> Weight {
		Weight::from_parts(82_145_000, 0)
			.saturating_add(ParityDbWeight::get().reads(2_u64))
			.saturating_add(ParityDbWeight::get().writes(3_u64))
	}
	fn set_service_key() -> Weight {
		Weight::from_parts(103_783_000, 0)
			.saturating_add(ParityDbWeight::get().reads(3_u64))
			.saturating_add(ParityDbWeight::get().writes(3_u64))
	}
	fn set_key_allowance() -> Weight {
		Weight::from_parts(21_408_000, 0)
			.saturating_add(ParityDbWeight::get().reads(1_u64))
			.saturating_add(ParityDbWeight::get().writes(1_u64))
	}
	fn serve(n: u32) -> Weight {
		Weight::from_parts(26_406_151, 0)
			.saturating_add(Weight::from_parts(5_811_818, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(1_u64))
			.saturating_add(ParityDbWeight::get().reads((1_u64).saturating_mul(n.into())))
			.saturating_add(ParityDbWeight::get().writes(1_u64))
	}
	fn chill() -> Weight {
		Weight::from_parts(24_839_000, 0)
			.saturating_add(ParityDbWeight::get().reads(1_u64))
			.saturating_add(ParityDbWeight::get().writes(1_u64))
	}
	fn activate() -> Weight {
		Weight::from_parts(27_061_000, 0)
			.saturating_add(ParityDbWeight::get().reads(1_u64))
			.saturating_add(ParityDbWeight::get().writes(1_u64))
	}
}
