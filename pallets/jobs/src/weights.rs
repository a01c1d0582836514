//! Weights of `pallet_jobs`, measured by `scripts/weights`. Do not edit: run it again.
//!
//! Date: 2026-11-30, steps: 50, repeats: 10, processor: Intel(R) Xeon(R) Processor, runtime in Wasm.

#![allow(unused_parens, missing_docs, reason = "written by scripts/weights")]

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
	fn void(n: u32) -> Weight;
	fn withhold(n: u32) -> Weight;
	fn finalize(n: u32) -> Weight;
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
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Models::OpenJobs` (r:1 w:1)
	/// Proof: `Models::OpenJobs` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::NextJob` (r:1 w:1)
	/// Proof: `Jobs::NextJob` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaPages` (r:1 w:1)
	/// Proof: `Jobs::AgendaPages` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaHead` (r:1 w:1)
	/// Proof: `Jobs::AgendaHead` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Due` (r:0 w:1)
	/// Proof: `Jobs::Due` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:0 w:1)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Inputs` (r:0 w:1)
	/// Proof: `Jobs::Inputs` (`max_values`: None, `max_size`: Some(1048596), added: 1051071, mode: `MaxEncodedLen`)
	/// `n` is from 4 to 1048576.
	fn request(n: u32) -> Weight {
		// Least time: 182_251_000 picoseconds.
		Weight::from_parts(184_023_373, 0)
			// Standard error: 13
			.saturating_add(Weight::from_parts(3_415, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().writes(8_u64))
	}
	/// Storage: `Jobs::Jobs` (r:1 w:1)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:1 w:1)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaPages` (r:2 w:2)
	/// Proof: `Jobs::AgendaPages` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Models::OpenJobs` (r:1 w:1)
	/// Proof: `Models::OpenJobs` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaHead` (r:1 w:0)
	/// Proof: `Jobs::AgendaHead` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Due` (r:0 w:1)
	/// Proof: `Jobs::Due` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	fn cancel() -> Weight {
		// Least time: 136_311_000 picoseconds.
		Weight::from_parts(145_327_000, 0)
			.saturating_add(T::DbWeight::get().reads(7_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	/// Storage: `Jobs::Jobs` (r:64 w:64)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Operators::Serving` (r:1 w:0)
	/// Proof: `Operators::Serving` (`max_values`: None, `max_size`: Some(2098), added: 4573, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
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
		// Least time: 93_780_000 picoseconds.
		Weight::from_parts(64_770_149, 0)
			// Standard error: 151_555
			.saturating_add(Weight::from_parts(39_274_706, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(5_u64))
			.saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(n.into())))
	}
	/// Storage: `Operators::KeyOwner` (r:1 w:0)
	/// Proof: `Operators::KeyOwner` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:64 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Operators::Serving` (r:1 w:0)
	/// Proof: `Operators::Serving` (`max_values`: None, `max_size`: Some(2098), added: 4573, mode: `MaxEncodedLen`)
	/// Storage: `Operators::Operators` (r:1 w:0)
	/// Proof: `Operators::Operators` (`max_values`: None, `max_size`: Some(410), added: 2885, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:1 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	/// `n` is from 1 to 64.
	fn authorize_accept(n: u32) -> Weight {
		// Least time: 109_568_000 picoseconds.
		Weight::from_parts(107_545_118, 0)
			// Standard error: 144_967
			.saturating_add(Weight::from_parts(12_807_438, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(n.into())))
	}
	/// Storage: `Jobs::Jobs` (r:64 w:64)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
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
		// Least time: 140_142_000 picoseconds.
		Weight::from_parts(148_866_000, 0)
			// Standard error: 1_002_383
			.saturating_add(Weight::from_parts(61_696_228, 0).saturating_mul(n.into()))
			// Standard error: 61
			.saturating_add(Weight::from_parts(1_338, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(3_u64))
			.saturating_add(T::DbWeight::get().writes((2_u64).saturating_mul(n.into())))
	}
	/// Storage: `Operators::KeyOwner` (r:1 w:0)
	/// Proof: `Operators::KeyOwner` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:64 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:1 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	/// `n` is from 1 to 64.
	/// `b` is from 0 to 65536.
	fn authorize_claim(n: u32, b: u32) -> Weight {
		// Least time: 156_883_000 picoseconds.
		Weight::from_parts(35_145_987, 0)
			// Standard error: 174_007
			.saturating_add(Weight::from_parts(13_796_702, 0).saturating_mul(n.into()))
			// Standard error: 168
			.saturating_add(Weight::from_parts(4_418, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(n.into())))
	}
	/// Storage: `Operators::KeyOwner` (r:1 w:0)
	/// Proof: `Operators::KeyOwner` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:64 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:2 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	/// `n` is from 1 to 64.
	fn authorize_poke(n: u32) -> Weight {
		// Least time: 101_236_000 picoseconds.
		Weight::from_parts(104_269_245, 0)
			// Standard error: 82_385
			.saturating_add(Weight::from_parts(7_054_772, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(n.into())))
	}
	/// Storage: `Jobs::Jobs` (r:1 w:1)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Demands` (r:1 w:1)
	/// Proof: `Jobs::Demands` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:1 w:1)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::NextSlot` (r:1 w:1)
	/// Proof: `Challenges::NextSlot` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::NextChainSlot` (r:1 w:1)
	/// Proof: `Challenges::NextChainSlot` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaPages` (r:1 w:1)
	/// Proof: `Jobs::AgendaPages` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaHead` (r:1 w:0)
	/// Proof: `Jobs::AgendaHead` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Due` (r:0 w:1)
	/// Proof: `Jobs::Due` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	fn demand() -> Weight {
		// Least time: 167_647_000 picoseconds.
		Weight::from_parts(182_833_000, 0)
			.saturating_add(T::DbWeight::get().reads(9_u64))
			.saturating_add(T::DbWeight::get().writes(8_u64))
	}
	/// Storage: `Jobs::Jobs` (r:1 w:1)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Demands` (r:1 w:1)
	/// Proof: `Jobs::Demands` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:1 w:1)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaPages` (r:1 w:1)
	/// Proof: `Jobs::AgendaPages` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::NextSlot` (r:1 w:1)
	/// Proof: `Challenges::NextSlot` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	fn deliver() -> Weight {
		// Least time: 356_532_000 picoseconds.
		Weight::from_parts(411_194_000, 0)
			.saturating_add(T::DbWeight::get().reads(7_u64))
			.saturating_add(T::DbWeight::get().writes(6_u64))
	}
	/// Storage: `Operators::KeyOwner` (r:1 w:0)
	/// Proof: `Operators::KeyOwner` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:1 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Demands` (r:1 w:0)
	/// Proof: `Jobs::Demands` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:1 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	fn authorize_deliver() -> Weight {
		// Least time: 366_941_000 picoseconds.
		Weight::from_parts(385_427_000, 0).saturating_add(T::DbWeight::get().reads(5_u64))
	}
	/// Storage: `Jobs::AgendaPages` (r:2 w:2)
	/// Proof: `Jobs::AgendaPages` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:64 w:64)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:64 w:64)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:65 w:65)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	/// Storage: `Operators::Operators` (r:1 w:1)
	/// Proof: `Operators::Operators` (`max_values`: None, `max_size`: Some(410), added: 2885, mode: `MaxEncodedLen`)
	/// Storage: `Models::OpenJobs` (r:1 w:1)
	/// Proof: `Models::OpenJobs` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaHead` (r:1 w:0)
	/// Proof: `Jobs::AgendaHead` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Due` (r:0 w:1)
	/// Proof: `Jobs::Due` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// `n` is from 0 to 64.
	fn void(n: u32) -> Weight {
		// Least time: 8_592_000 picoseconds.
		Weight::from_parts(103_275_470, 0)
			// Standard error: 362_676
			.saturating_add(Weight::from_parts(145_817_429, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().reads((3_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(6_u64))
			.saturating_add(T::DbWeight::get().writes((3_u64).saturating_mul(n.into())))
	}
	/// Storage: `Jobs::AgendaPages` (r:2 w:2)
	/// Proof: `Jobs::AgendaPages` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:64 w:64)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Demands` (r:64 w:64)
	/// Proof: `Jobs::Demands` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::NextSlot` (r:1 w:1)
	/// Proof: `Challenges::NextSlot` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:64 w:64)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:64 w:64)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaHead` (r:1 w:0)
	/// Proof: `Jobs::AgendaHead` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Due` (r:0 w:1)
	/// Proof: `Jobs::Due` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// `n` is from 0 to 64.
	fn withhold(n: u32) -> Weight {
		// Least time: 7_432_000 picoseconds.
		Weight::from_parts(7_805_000, 0)
			// Standard error: 194_933
			.saturating_add(Weight::from_parts(101_823_996, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().reads((4_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(4_u64))
			.saturating_add(T::DbWeight::get().writes((4_u64).saturating_mul(n.into())))
	}
	/// Storage: `Jobs::AgendaPages` (r:2 w:2)
	/// Proof: `Jobs::AgendaPages` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:64 w:64)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:64 w:64)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:64 w:64)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Operators::Operators` (r:1 w:1)
	/// Proof: `Operators::Operators` (`max_values`: None, `max_size`: Some(410), added: 2885, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Models::OpenJobs` (r:1 w:1)
	/// Proof: `Models::OpenJobs` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaHead` (r:1 w:0)
	/// Proof: `Jobs::AgendaHead` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Due` (r:0 w:1)
	/// Proof: `Jobs::Due` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// `n` is from 0 to 64.
	fn finalize(n: u32) -> Weight {
		// Least time: 9_372_000 picoseconds.
		Weight::from_parts(11_200_000, 0)
			// Standard error: 283_372
			.saturating_add(Weight::from_parts(172_619_114, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().reads((3_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(5_u64))
			.saturating_add(T::DbWeight::get().writes((3_u64).saturating_mul(n.into())))
	}
	/// Storage: `Jobs::AgendaPages` (r:2 w:2)
	/// Proof: `Jobs::AgendaPages` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:64 w:64)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:65 w:65)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
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
		// Least time: 8_587_000 picoseconds.
		Weight::from_parts(118_889_701, 0)
			// Standard error: 402_951
			.saturating_add(Weight::from_parts(145_784_069, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().reads((3_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(6_u64))
			.saturating_add(T::DbWeight::get().writes((3_u64).saturating_mul(n.into())))
	}
	/// Storage: `Jobs::AgendaPages` (r:2 w:2)
	/// Proof: `Jobs::AgendaPages` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:64 w:64)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:64 w:64)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:64 w:64)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	/// Storage: `Models::OpenJobs` (r:1 w:1)
	/// Proof: `Models::OpenJobs` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaHead` (r:1 w:0)
	/// Proof: `Jobs::AgendaHead` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Due` (r:0 w:1)
	/// Proof: `Jobs::Due` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// `n` is from 0 to 64.
	fn expire(n: u32) -> Weight {
		// Least time: 8_334_000 picoseconds.
		Weight::from_parts(14_360_636, 0)
			// Standard error: 342_853
			.saturating_add(Weight::from_parts(98_048_143, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().reads((3_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(4_u64))
			.saturating_add(T::DbWeight::get().writes((3_u64).saturating_mul(n.into())))
	}
	/// Storage: `Jobs::AgendaPages` (r:1 w:1)
	/// Proof: `Jobs::AgendaPages` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:64 w:64)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:64 w:64)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:64 w:64)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Outputs` (r:0 w:64)
	/// Proof: `Jobs::Outputs` (`max_values`: None, `max_size`: Some(16404), added: 18879, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Inputs` (r:0 w:64)
	/// Proof: `Jobs::Inputs` (`max_values`: None, `max_size`: Some(1048596), added: 1051071, mode: `MaxEncodedLen`)
	/// `n` is from 0 to 64.
	fn reap(n: u32) -> Weight {
		// Least time: 7_310_000 picoseconds.
		Weight::from_parts(33_793_721, 0)
			// Standard error: 343_524
			.saturating_add(Weight::from_parts(90_305_573, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().reads((3_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(1_u64))
			.saturating_add(T::DbWeight::get().writes((5_u64).saturating_mul(n.into())))
	}
	/// Storage: `Jobs::AgendaHead` (r:1 w:0)
	/// Proof: `Jobs::AgendaHead` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	fn idle_base() -> Weight {
		// Least time: 6_369_000 picoseconds.
		Weight::from_parts(6_992_000, 0).saturating_add(T::DbWeight::get().reads(1_u64))
	}
	/// Storage: `Jobs::Due` (r:1 w:0)
	/// Proof: `Jobs::Due` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	fn idle_block() -> Weight {
		// Least time: 20_922_000 picoseconds.
		Weight::from_parts(25_239_000, 0).saturating_add(T::DbWeight::get().reads(1_u64))
	}
	/// Storage: `Jobs::Due` (r:2 w:1)
	/// Proof: `Jobs::Due` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaPages` (r:1 w:0)
	/// Proof: `Jobs::AgendaPages` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	fn idle_page() -> Weight {
		// Least time: 47_427_000 picoseconds.
		Weight::from_parts(57_422_000, 0)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
}

/// For tests and as a default.
impl WeightInfo for () {
	fn request(n: u32) -> Weight {
		Weight::from_parts(184_023_373, 0)
			.saturating_add(Weight::from_parts(3_415, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(6_u64))
			.saturating_add(ParityDbWeight::get().writes(8_u64))
	}
	fn cancel() -> Weight {
		Weight::from_parts(145_327_000, 0)
			.saturating_add(ParityDbWeight::get().reads(7_u64))
			.saturating_add(ParityDbWeight::get().writes(7_u64))
	}
	fn accept(n: u32) -> Weight {
		Weight::from_parts(64_770_149, 0)
			.saturating_add(Weight::from_parts(39_274_706, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(6_u64))
			.saturating_add(ParityDbWeight::get().reads((1_u64).saturating_mul(n.into())))
			.saturating_add(ParityDbWeight::get().writes(5_u64))
			.saturating_add(ParityDbWeight::get().writes((1_u64).saturating_mul(n.into())))
	}
	fn authorize_accept(n: u32) -> Weight {
		Weight::from_parts(107_545_118, 0)
			.saturating_add(Weight::from_parts(12_807_438, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(4_u64))
			.saturating_add(ParityDbWeight::get().reads((1_u64).saturating_mul(n.into())))
	}
	fn claim(n: u32, b: u32) -> Weight {
		Weight::from_parts(148_866_000, 0)
			.saturating_add(Weight::from_parts(61_696_228, 0).saturating_mul(n.into()))
			.saturating_add(Weight::from_parts(1_338, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(4_u64))
			.saturating_add(ParityDbWeight::get().reads((1_u64).saturating_mul(n.into())))
			.saturating_add(ParityDbWeight::get().writes(3_u64))
			.saturating_add(ParityDbWeight::get().writes((2_u64).saturating_mul(n.into())))
	}
	fn authorize_claim(n: u32, b: u32) -> Weight {
		Weight::from_parts(35_145_987, 0)
			.saturating_add(Weight::from_parts(13_796_702, 0).saturating_mul(n.into()))
			.saturating_add(Weight::from_parts(4_418, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(3_u64))
			.saturating_add(ParityDbWeight::get().reads((1_u64).saturating_mul(n.into())))
	}
	fn authorize_poke(n: u32) -> Weight {
		Weight::from_parts(104_269_245, 0)
			.saturating_add(Weight::from_parts(7_054_772, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(3_u64))
			.saturating_add(ParityDbWeight::get().reads((1_u64).saturating_mul(n.into())))
	}
	fn demand() -> Weight {
		Weight::from_parts(182_833_000, 0)
			.saturating_add(ParityDbWeight::get().reads(9_u64))
			.saturating_add(ParityDbWeight::get().writes(8_u64))
	}
	fn deliver() -> Weight {
		Weight::from_parts(411_194_000, 0)
			.saturating_add(ParityDbWeight::get().reads(7_u64))
			.saturating_add(ParityDbWeight::get().writes(6_u64))
	}
	fn authorize_deliver() -> Weight {
		Weight::from_parts(385_427_000, 0).saturating_add(ParityDbWeight::get().reads(5_u64))
	}
	fn void(n: u32) -> Weight {
		Weight::from_parts(103_275_470, 0)
			.saturating_add(Weight::from_parts(145_817_429, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(6_u64))
			.saturating_add(ParityDbWeight::get().reads((3_u64).saturating_mul(n.into())))
			.saturating_add(ParityDbWeight::get().writes(6_u64))
			.saturating_add(ParityDbWeight::get().writes((3_u64).saturating_mul(n.into())))
	}
	fn withhold(n: u32) -> Weight {
		Weight::from_parts(7_805_000, 0)
			.saturating_add(Weight::from_parts(101_823_996, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(4_u64))
			.saturating_add(ParityDbWeight::get().reads((4_u64).saturating_mul(n.into())))
			.saturating_add(ParityDbWeight::get().writes(4_u64))
			.saturating_add(ParityDbWeight::get().writes((4_u64).saturating_mul(n.into())))
	}
	fn finalize(n: u32) -> Weight {
		Weight::from_parts(11_200_000, 0)
			.saturating_add(Weight::from_parts(172_619_114, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(6_u64))
			.saturating_add(ParityDbWeight::get().reads((3_u64).saturating_mul(n.into())))
			.saturating_add(ParityDbWeight::get().writes(5_u64))
			.saturating_add(ParityDbWeight::get().writes((3_u64).saturating_mul(n.into())))
	}
	fn miss_deadline(n: u32) -> Weight {
		Weight::from_parts(118_889_701, 0)
			.saturating_add(Weight::from_parts(145_784_069, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(6_u64))
			.saturating_add(ParityDbWeight::get().reads((3_u64).saturating_mul(n.into())))
			.saturating_add(ParityDbWeight::get().writes(6_u64))
			.saturating_add(ParityDbWeight::get().writes((3_u64).saturating_mul(n.into())))
	}
	fn expire(n: u32) -> Weight {
		Weight::from_parts(14_360_636, 0)
			.saturating_add(Weight::from_parts(98_048_143, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(4_u64))
			.saturating_add(ParityDbWeight::get().reads((3_u64).saturating_mul(n.into())))
			.saturating_add(ParityDbWeight::get().writes(4_u64))
			.saturating_add(ParityDbWeight::get().writes((3_u64).saturating_mul(n.into())))
	}
	fn reap(n: u32) -> Weight {
		Weight::from_parts(33_793_721, 0)
			.saturating_add(Weight::from_parts(90_305_573, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(1_u64))
			.saturating_add(ParityDbWeight::get().reads((3_u64).saturating_mul(n.into())))
			.saturating_add(ParityDbWeight::get().writes(1_u64))
			.saturating_add(ParityDbWeight::get().writes((5_u64).saturating_mul(n.into())))
	}
	fn idle_base() -> Weight {
		Weight::from_parts(6_992_000, 0).saturating_add(ParityDbWeight::get().reads(1_u64))
	}
	fn idle_block() -> Weight {
		Weight::from_parts(25_239_000, 0).saturating_add(ParityDbWeight::get().reads(1_u64))
	}
	fn idle_page() -> Weight {
		Weight::from_parts(57_422_000, 0)
			.saturating_add(ParityDbWeight::get().reads(3_u64))
			.saturating_add(ParityDbWeight::get().writes(1_u64))
	}
}
