//! Weights of `pallet_jobs`, measured by `scripts/weights`. Do not edit: run it again.
//!
//! Date: 2026-11-29, steps: 16, repeats: 8, processor: AMD EPYC, runtime in Wasm.

#![allow(unused_parens)]
#![allow(missing_docs)]

use core::marker::PhantomData;
use frame_support::{
	traits::Get,
	weights::{constants::ParityDbWeight, Weight},
};

/// Weight functions needed for `pallet_jobs`.
pub trait WeightInfo {
	fn request(n: u32) -> Weight;
	fn cancel() -> Weight;
	fn accept(n: u32) -> Weight;
	fn authorize_accept(n: u32) -> Weight;
	fn claim(n: u32, b: u32) -> Weight;
	fn authorize_claim(n: u32, b: u32) -> Weight;
	fn authorize_poke(n: u32) -> Weight;
	fn demand() -> Weight;
	fn deliver() -> Weight;
	fn authorize_deliver() -> Weight;
	fn finalize(n: u32) -> Weight;
	fn void(n: u32) -> Weight;
	fn withhold(n: u32) -> Weight;
	fn miss_deadline(n: u32) -> Weight;
	fn expire(n: u32) -> Weight;
	fn reap(n: u32) -> Weight;
	fn idle_base() -> Weight;
	fn idle_block() -> Weight;
	fn idle_page() -> Weight;
}

/// Weights with the runtime's own cost of database access.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(189), added: 2664, mode: `MaxEncodedLen`)
	/// Storage: `Models::OpenJobs` (r:1 w:1)
	/// Proof: `Models::OpenJobs` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(229), added: 2704, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::NextJob` (r:1 w:1)
	/// Proof: `Jobs::NextJob` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaPages` (r:1 w:1)
	/// Proof: `Jobs::AgendaPages` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaHead` (r:1 w:1)
	/// Proof: `Jobs::AgendaHead` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Due` (r:0 w:1)
	/// Proof: `Jobs::Due` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:0 w:1)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(412), added: 2887, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Inputs` (r:0 w:1)
	/// Proof: `Jobs::Inputs` (`max_values`: None, `max_size`: Some(1048596), added: 1051071, mode: `MaxEncodedLen`)
	/// `n` is from 4 to 1048576.
	fn request(n: u32) -> Weight {
		// Least time: 137_505_000 picoseconds.
		Weight::from_parts(137_297_044, 0)
			// Standard error: 11
			.saturating_add(Weight::from_parts(2_864, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().writes(8_u64))
	}
	/// Storage: `Jobs::Jobs` (r:1 w:1)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(412), added: 2887, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:1 w:1)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(229), added: 2704, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaPages` (r:2 w:2)
	/// Proof: `Jobs::AgendaPages` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Models::OpenJobs` (r:1 w:1)
	/// Proof: `Models::OpenJobs` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaHead` (r:1 w:0)
	/// Proof: `Jobs::AgendaHead` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Due` (r:0 w:1)
	/// Proof: `Jobs::Due` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	fn cancel() -> Weight {
		// Least time: 123_755_000 picoseconds.
		Weight::from_parts(132_878_000, 0)
			.saturating_add(T::DbWeight::get().reads(7_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	/// Storage: `Jobs::Jobs` (r:63 w:63)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(412), added: 2887, mode: `MaxEncodedLen`)
	/// Storage: `Operators::Serving` (r:1 w:0)
	/// Proof: `Operators::Serving` (`max_values`: None, `max_size`: Some(2098), added: 4573, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(189), added: 2664, mode: `MaxEncodedLen`)
	/// Storage: `Operators::Operators` (r:1 w:1)
	/// Proof: `Operators::Operators` (`max_values`: None, `max_size`: Some(410), added: 2885, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaPages` (r:2 w:2)
	/// Proof: `Jobs::AgendaPages` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaHead` (r:1 w:1)
	/// Proof: `Jobs::AgendaHead` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Due` (r:0 w:1)
	/// Proof: `Jobs::Due` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// `n` is from 1 to 64.
	fn accept(n: u32) -> Weight {
		// Least time: 91_897_000 picoseconds.
		Weight::from_parts(54_496_509, 0)
			// Standard error: 155_347
			.saturating_add(Weight::from_parts(29_988_373, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(5_u64))
			.saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(n.into())))
	}
	/// Storage: `Operators::KeyOwner` (r:1 w:0)
	/// Proof: `Operators::KeyOwner` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:63 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(412), added: 2887, mode: `MaxEncodedLen`)
	/// Storage: `Operators::Serving` (r:1 w:0)
	/// Proof: `Operators::Serving` (`max_values`: None, `max_size`: Some(2098), added: 4573, mode: `MaxEncodedLen`)
	/// Storage: `Operators::Operators` (r:1 w:0)
	/// Proof: `Operators::Operators` (`max_values`: None, `max_size`: Some(410), added: 2885, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:1 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	/// `n` is from 1 to 64.
	fn authorize_accept(n: u32) -> Weight {
		// Least time: 95_292_000 picoseconds.
		Weight::from_parts(87_126_112, 0)
			// Standard error: 57_546
			.saturating_add(Weight::from_parts(10_044_410, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(n.into())))
	}
	/// Storage: `Jobs::Jobs` (r:64 w:64)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(412), added: 2887, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(189), added: 2664, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaPages` (r:2 w:2)
	/// Proof: `Jobs::AgendaPages` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaHead` (r:1 w:0)
	/// Proof: `Jobs::AgendaHead` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Due` (r:0 w:1)
	/// Proof: `Jobs::Due` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Outputs` (r:0 w:64)
	/// Proof: `Jobs::Outputs` (`max_values`: None, `max_size`: Some(16404), added: 18879, mode: `MaxEncodedLen`)
	/// `n` is from 1 to 64.
	/// `b` is from 0 to 1048576.
	fn claim(n: u32, b: u32) -> Weight {
		// Least time: 113_139_000 picoseconds.
		Weight::from_parts(114_151_000, 0)
			// Standard error: 1_598_623
			.saturating_add(Weight::from_parts(45_122_550, 0).saturating_mul(n.into()))
			// Standard error: 97
			.saturating_add(Weight::from_parts(977, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(3_u64))
			.saturating_add(T::DbWeight::get().writes((2_u64).saturating_mul(n.into())))
	}
	/// Storage: `Operators::KeyOwner` (r:1 w:0)
	/// Proof: `Operators::KeyOwner` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:64 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(412), added: 2887, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(189), added: 2664, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:1 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	/// `n` is from 1 to 64.
	/// `b` is from 0 to 65536.
	fn authorize_claim(n: u32, b: u32) -> Weight {
		// Least time: 141_370_000 picoseconds.
		Weight::from_parts(34_697_011, 0)
			// Standard error: 138_993
			.saturating_add(Weight::from_parts(10_849_017, 0).saturating_mul(n.into()))
			// Standard error: 134
			.saturating_add(Weight::from_parts(2_886, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(n.into())))
	}
	/// Storage: `Operators::KeyOwner` (r:1 w:0)
	/// Proof: `Operators::KeyOwner` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:63 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(412), added: 2887, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:2 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	/// `n` is from 1 to 64.
	fn authorize_poke(n: u32) -> Weight {
		// Least time: 78_257_000 picoseconds.
		Weight::from_parts(78_814_670, 0)
			// Standard error: 66_093
			.saturating_add(Weight::from_parts(5_660_718, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().reads((2_u64).saturating_mul(n.into())))
	}
	// Not measured yet: after `cancel`, with two places in the queue of what is owed.
	fn demand() -> Weight {
		Weight::from_parts(180_000_000, 0)
			.saturating_add(T::DbWeight::get().reads(11_u64))
			.saturating_add(T::DbWeight::get().writes(9_u64))
	}
	// Not measured yet: twice the largest `challenges.answer`.
	fn deliver() -> Weight {
		Weight::from_parts(833_044_000, 0)
			.saturating_add(T::DbWeight::get().reads(9_u64))
			.saturating_add(T::DbWeight::get().writes(8_u64))
	}
	// Not measured yet: twice `challenges.authorize_answer`.
	fn authorize_deliver() -> Weight {
		Weight::from_parts(738_702_000, 0).saturating_add(T::DbWeight::get().reads(6_u64))
	}
	/// Storage: `Jobs::AgendaPages` (r:2 w:2)
	/// Proof: `Jobs::AgendaPages` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:64 w:64)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(412), added: 2887, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:64 w:64)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(229), added: 2704, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:64 w:64)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Operators::Operators` (r:1 w:1)
	/// Proof: `Operators::Operators` (`max_values`: None, `max_size`: Some(410), added: 2885, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(189), added: 2664, mode: `MaxEncodedLen`)
	/// Storage: `Models::OpenJobs` (r:1 w:1)
	/// Proof: `Models::OpenJobs` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaHead` (r:1 w:0)
	/// Proof: `Jobs::AgendaHead` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Due` (r:0 w:1)
	/// Proof: `Jobs::Due` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// `n` is from 0 to 64.
	fn finalize(n: u32) -> Weight {
		// Least time: 6_180_000 picoseconds.
		Weight::from_parts(48_570_287, 0)
			// Standard error: 279_013
			.saturating_add(Weight::from_parts(82_447_941, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().reads((3_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(4_u64))
			.saturating_add(T::DbWeight::get().writes((3_u64).saturating_mul(n.into())))
	}
	// Not measured yet: after `miss_deadline`.
	fn void(n: u32) -> Weight {
		Weight::from_parts(48_570_287, 0)
			.saturating_add(Weight::from_parts(111_284_857, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().reads((3_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(5_u64))
			.saturating_add(T::DbWeight::get().writes((3_u64).saturating_mul(n.into())))
	}
	// Not measured yet: after `finalize`; each may be of another operator, with a place in the queue.
	fn withhold(n: u32) -> Weight {
		Weight::from_parts(48_570_287, 0)
			.saturating_add(Weight::from_parts(111_284_857, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().reads((5_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(3_u64))
			.saturating_add(T::DbWeight::get().writes((7_u64).saturating_mul(n.into())))
	}
	/// Storage: `Jobs::AgendaPages` (r:2 w:2)
	/// Proof: `Jobs::AgendaPages` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:64 w:64)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(412), added: 2887, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:65 w:65)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(229), added: 2704, mode: `MaxEncodedLen`)
	/// Storage: `Operators::Operators` (r:1 w:1)
	/// Proof: `Operators::Operators` (`max_values`: None, `max_size`: Some(410), added: 2885, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:64 w:64)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Models::OpenJobs` (r:1 w:1)
	/// Proof: `Models::OpenJobs` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaHead` (r:1 w:0)
	/// Proof: `Jobs::AgendaHead` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Due` (r:0 w:1)
	/// Proof: `Jobs::Due` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// `n` is from 0 to 64.
	fn miss_deadline(n: u32) -> Weight {
		// Least time: 7_892_000 picoseconds.
		Weight::from_parts(8_342_000, 0)
			// Standard error: 184_177
			.saturating_add(Weight::from_parts(111_284_857, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().reads((3_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(5_u64))
			.saturating_add(T::DbWeight::get().writes((3_u64).saturating_mul(n.into())))
	}
	/// Storage: `Jobs::AgendaPages` (r:2 w:2)
	/// Proof: `Jobs::AgendaPages` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:64 w:64)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(412), added: 2887, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:64 w:64)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:64 w:64)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(229), added: 2704, mode: `MaxEncodedLen`)
	/// Storage: `Models::OpenJobs` (r:1 w:1)
	/// Proof: `Models::OpenJobs` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaHead` (r:1 w:0)
	/// Proof: `Jobs::AgendaHead` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Due` (r:0 w:1)
	/// Proof: `Jobs::Due` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// `n` is from 0 to 64.
	fn expire(n: u32) -> Weight {
		// Least time: 8_663_000 picoseconds.
		Weight::from_parts(46_814_342, 0)
			// Standard error: 374_020
			.saturating_add(Weight::from_parts(69_039_405, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().reads((3_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(3_u64))
			.saturating_add(T::DbWeight::get().writes((3_u64).saturating_mul(n.into())))
	}
	/// Storage: `Jobs::AgendaPages` (r:1 w:1)
	/// Proof: `Jobs::AgendaPages` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:64 w:64)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(412), added: 2887, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:64 w:64)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:64 w:64)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(229), added: 2704, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Outputs` (r:0 w:64)
	/// Proof: `Jobs::Outputs` (`max_values`: None, `max_size`: Some(16404), added: 18879, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Inputs` (r:0 w:64)
	/// Proof: `Jobs::Inputs` (`max_values`: None, `max_size`: Some(1048596), added: 1051071, mode: `MaxEncodedLen`)
	/// `n` is from 0 to 64.
	fn reap(n: u32) -> Weight {
		// Least time: 5_388_000 picoseconds.
		Weight::from_parts(2_134_608, 0)
			// Standard error: 237_383
			.saturating_add(Weight::from_parts(66_035_714, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().reads((3_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(1_u64))
			.saturating_add(T::DbWeight::get().writes((5_u64).saturating_mul(n.into())))
	}
	/// Storage: `Jobs::AgendaHead` (r:1 w:0)
	/// Proof: `Jobs::AgendaHead` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	fn idle_base() -> Weight {
		// Least time: 6_229_000 picoseconds.
		Weight::from_parts(6_900_000, 0).saturating_add(T::DbWeight::get().reads(1_u64))
	}
	/// Storage: `Jobs::Due` (r:1 w:0)
	/// Proof: `Jobs::Due` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	fn idle_block() -> Weight {
		// Least time: 23_766_000 picoseconds.
		Weight::from_parts(25_959_000, 0).saturating_add(T::DbWeight::get().reads(1_u64))
	}
	/// Storage: `Jobs::Due` (r:2 w:1)
	/// Proof: `Jobs::Due` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaPages` (r:1 w:0)
	/// Proof: `Jobs::AgendaPages` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	fn idle_page() -> Weight {
		// Least time: 48_172_000 picoseconds.
		Weight::from_parts(51_627_000, 0)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
}

/// For tests and as a default.
impl WeightInfo for () {
	fn request(n: u32) -> Weight {
		Weight::from_parts(137_297_044, 0)
			.saturating_add(Weight::from_parts(2_864, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(6_u64))
			.saturating_add(ParityDbWeight::get().writes(8_u64))
	}
	fn cancel() -> Weight {
		Weight::from_parts(132_878_000, 0)
			.saturating_add(ParityDbWeight::get().reads(7_u64))
			.saturating_add(ParityDbWeight::get().writes(7_u64))
	}
	fn accept(n: u32) -> Weight {
		Weight::from_parts(54_496_509, 0)
			.saturating_add(Weight::from_parts(29_988_373, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(6_u64))
			.saturating_add(ParityDbWeight::get().reads((1_u64).saturating_mul(n.into())))
			.saturating_add(ParityDbWeight::get().writes(5_u64))
			.saturating_add(ParityDbWeight::get().writes((1_u64).saturating_mul(n.into())))
	}
	fn authorize_accept(n: u32) -> Weight {
		Weight::from_parts(87_126_112, 0)
			.saturating_add(Weight::from_parts(10_044_410, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(4_u64))
			.saturating_add(ParityDbWeight::get().reads((1_u64).saturating_mul(n.into())))
	}
	fn claim(n: u32, b: u32) -> Weight {
		Weight::from_parts(114_151_000, 0)
			.saturating_add(Weight::from_parts(45_122_550, 0).saturating_mul(n.into()))
			.saturating_add(Weight::from_parts(977, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(4_u64))
			.saturating_add(ParityDbWeight::get().reads((1_u64).saturating_mul(n.into())))
			.saturating_add(ParityDbWeight::get().writes(3_u64))
			.saturating_add(ParityDbWeight::get().writes((2_u64).saturating_mul(n.into())))
	}
	fn authorize_claim(n: u32, b: u32) -> Weight {
		Weight::from_parts(34_697_011, 0)
			.saturating_add(Weight::from_parts(10_849_017, 0).saturating_mul(n.into()))
			.saturating_add(Weight::from_parts(2_886, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(3_u64))
			.saturating_add(ParityDbWeight::get().reads((1_u64).saturating_mul(n.into())))
	}
	fn authorize_poke(n: u32) -> Weight {
		Weight::from_parts(78_814_670, 0)
			.saturating_add(Weight::from_parts(5_660_718, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(3_u64))
			.saturating_add(ParityDbWeight::get().reads((2_u64).saturating_mul(n.into())))
	}
	// Not measured yet: after `cancel`, with two places in the queue of what is owed.
	fn demand() -> Weight {
		Weight::from_parts(180_000_000, 0)
			.saturating_add(ParityDbWeight::get().reads(11_u64))
			.saturating_add(ParityDbWeight::get().writes(9_u64))
	}
	// Not measured yet: twice the largest `challenges.answer`.
	fn deliver() -> Weight {
		Weight::from_parts(833_044_000, 0)
			.saturating_add(ParityDbWeight::get().reads(9_u64))
			.saturating_add(ParityDbWeight::get().writes(8_u64))
	}
	// Not measured yet: twice `challenges.authorize_answer`.
	fn authorize_deliver() -> Weight {
		Weight::from_parts(738_702_000, 0).saturating_add(ParityDbWeight::get().reads(6_u64))
	}
	fn finalize(n: u32) -> Weight {
		Weight::from_parts(48_570_287, 0)
			.saturating_add(Weight::from_parts(82_447_941, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(5_u64))
			.saturating_add(ParityDbWeight::get().reads((3_u64).saturating_mul(n.into())))
			.saturating_add(ParityDbWeight::get().writes(4_u64))
			.saturating_add(ParityDbWeight::get().writes((3_u64).saturating_mul(n.into())))
	}
	// Not measured yet: after `miss_deadline`.
	fn void(n: u32) -> Weight {
		Weight::from_parts(48_570_287, 0)
			.saturating_add(Weight::from_parts(111_284_857, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(5_u64))
			.saturating_add(ParityDbWeight::get().reads((3_u64).saturating_mul(n.into())))
			.saturating_add(ParityDbWeight::get().writes(5_u64))
			.saturating_add(ParityDbWeight::get().writes((3_u64).saturating_mul(n.into())))
	}
	// Not measured yet: after `finalize`; each may be of another operator, with a place in the queue.
	fn withhold(n: u32) -> Weight {
		Weight::from_parts(48_570_287, 0)
			.saturating_add(Weight::from_parts(111_284_857, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(4_u64))
			.saturating_add(ParityDbWeight::get().reads((5_u64).saturating_mul(n.into())))
			.saturating_add(ParityDbWeight::get().writes(3_u64))
			.saturating_add(ParityDbWeight::get().writes((7_u64).saturating_mul(n.into())))
	}
	fn miss_deadline(n: u32) -> Weight {
		Weight::from_parts(8_342_000, 0)
			.saturating_add(Weight::from_parts(111_284_857, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(5_u64))
			.saturating_add(ParityDbWeight::get().reads((3_u64).saturating_mul(n.into())))
			.saturating_add(ParityDbWeight::get().writes(5_u64))
			.saturating_add(ParityDbWeight::get().writes((3_u64).saturating_mul(n.into())))
	}
	fn expire(n: u32) -> Weight {
		Weight::from_parts(46_814_342, 0)
			.saturating_add(Weight::from_parts(69_039_405, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(3_u64))
			.saturating_add(ParityDbWeight::get().reads((3_u64).saturating_mul(n.into())))
			.saturating_add(ParityDbWeight::get().writes(3_u64))
			.saturating_add(ParityDbWeight::get().writes((3_u64).saturating_mul(n.into())))
	}
	fn reap(n: u32) -> Weight {
		Weight::from_parts(2_134_608, 0)
			.saturating_add(Weight::from_parts(66_035_714, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(1_u64))
			.saturating_add(ParityDbWeight::get().reads((3_u64).saturating_mul(n.into())))
			.saturating_add(ParityDbWeight::get().writes(1_u64))
			.saturating_add(ParityDbWeight::get().writes((5_u64).saturating_mul(n.into())))
	}
	fn idle_base() -> Weight {
		Weight::from_parts(6_900_000, 0).saturating_add(ParityDbWeight::get().reads(1_u64))
	}
	fn idle_block() -> Weight {
		Weight::from_parts(25_959_000, 0).saturating_add(ParityDbWeight::get().reads(1_u64))
	}
	fn idle_page() -> Weight {
		Weight::from_parts(51_627_000, 0)
			.saturating_add(ParityDbWeight::get().reads(3_u64))
			.saturating_add(ParityDbWeight::get().writes(1_u64))
	}
}
