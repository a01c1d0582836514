//! Weights of `pallet_challenges`, measured by `scripts/weights`. Do not edit: run it again.
//!
//! Date: 2026-11-30, steps: 16, repeats: 16, processor: Intel(R) Xeon(R) Processor, runtime in Wasm.

#![allow(unused_parens, missing_docs, reason = "written by scripts/weights")]

use core::marker::PhantomData;
use frame_support::{
	traits::Get,
	weights::{constants::ParityDbWeight, Weight},
};

/// Weight functions needed for `pallet_challenges`.
pub trait WeightInfo {
	fn open() -> Weight;
	fn authorize_open() -> Weight;
	fn reveal_trace() -> Weight;
	fn authorize_reveal_trace() -> Weight;
	fn ask() -> Weight;
	fn authorize_ask() -> Weight;
	fn answer() -> Weight;
	fn authorize_answer() -> Weight;
	fn prove_fault(n: u32) -> Weight;
	fn authorize_prove_fault() -> Weight;
	fn judge() -> Weight;
	fn poke() -> Weight;
	fn lapse() -> Weight;
	fn authorize_lapse() -> Weight;
	fn on_idle_block() -> Weight;
	fn on_idle_page() -> Weight;
	fn on_idle_challenge() -> Weight;
}

/// Weights with the runtime's own cost of database access.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Storage: `Operators::KeyOwner` (r:1 w:0)
	/// Proof: `Operators::KeyOwner` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:1 w:1)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Challenged` (r:1 w:1)
	/// Proof: `Challenges::Challenged` (`max_values`: None, `max_size`: Some(72), added: 2547, mode: `MaxEncodedLen`)
	/// Storage: `Operators::ServiceKeys` (r:1 w:1)
	/// Proof: `Operators::ServiceKeys` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:1 w:1)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::NextChallenge` (r:1 w:1)
	/// Proof: `Challenges::NextChallenge` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:1)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(101), added: 2576, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::NextSlot` (r:1 w:1)
	/// Proof: `Challenges::NextSlot` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::NextChainSlot` (r:1 w:1)
	/// Proof: `Challenges::NextChainSlot` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::AlarmPages` (r:1 w:1)
	/// Proof: `Challenges::AlarmPages` (`max_values`: None, `max_size`: Some(16), added: 2491, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Live` (r:0 w:1)
	/// Proof: `Challenges::Live` (`max_values`: None, `max_size`: Some(24), added: 2499, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Owed` (r:0 w:1)
	/// Proof: `Challenges::Owed` (`max_values`: None, `max_size`: Some(91), added: 2566, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Alarms` (r:0 w:1)
	/// Proof: `Challenges::Alarms` (`max_values`: None, `max_size`: Some(522), added: 2997, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Own` (r:0 w:1)
	/// Proof: `Challenges::Own` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Challenges` (r:0 w:1)
	/// Proof: `Challenges::Challenges` (`max_values`: None, `max_size`: Some(219), added: 2694, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Against` (r:0 w:1)
	/// Proof: `Challenges::Against` (`max_values`: None, `max_size`: Some(68), added: 2543, mode: `MaxEncodedLen`)
	fn open() -> Weight {
		// Least time: 186_025_000 picoseconds.
		Weight::from_parts(215_913_000, 0)
			.saturating_add(T::DbWeight::get().reads(12_u64))
			.saturating_add(T::DbWeight::get().writes(16_u64))
	}
	/// Storage: `Operators::KeyOwner` (r:1 w:0)
	/// Proof: `Operators::KeyOwner` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:1 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Challenged` (r:1 w:0)
	/// Proof: `Challenges::Challenged` (`max_values`: None, `max_size`: Some(72), added: 2547, mode: `MaxEncodedLen`)
	/// Storage: `Operators::ServiceKeys` (r:1 w:0)
	/// Proof: `Operators::ServiceKeys` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:1 w:0)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:0)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:1 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	fn authorize_open() -> Weight {
		// Least time: 121_555_000 picoseconds.
		Weight::from_parts(141_803_000, 0).saturating_add(T::DbWeight::get().reads(8_u64))
	}
	/// Storage: `System::Account` (r:1 w:0)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:1 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:1)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(101), added: 2576, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Owed` (r:0 w:1)
	/// Proof: `Challenges::Owed` (`max_values`: None, `max_size`: Some(91), added: 2566, mode: `MaxEncodedLen`)
	fn reveal_trace() -> Weight {
		// Least time: 60_738_000 picoseconds.
		Weight::from_parts(76_787_000, 0)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// Storage: `Jobs::Jobs` (r:1 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:0)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(101), added: 2576, mode: `MaxEncodedLen`)
	/// Storage: `Operators::KeyOwner` (r:1 w:0)
	/// Proof: `Operators::KeyOwner` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:1 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	fn authorize_reveal_trace() -> Weight {
		// Least time: 110_301_000 picoseconds.
		Weight::from_parts(118_531_000, 0).saturating_add(T::DbWeight::get().reads(5_u64))
	}
	/// Storage: `Operators::KeyOwner` (r:1 w:0)
	/// Proof: `Operators::KeyOwner` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Challenges` (r:1 w:1)
	/// Proof: `Challenges::Challenges` (`max_values`: None, `max_size`: Some(219), added: 2694, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:1 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:0)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(101), added: 2576, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Nodes` (r:2 w:1)
	/// Proof: `Challenges::Nodes` (`max_values`: None, `max_size`: Some(100), added: 2575, mode: `MaxEncodedLen`)
	/// Storage: `Operators::ServiceKeys` (r:1 w:1)
	/// Proof: `Operators::ServiceKeys` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:1 w:1)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::NextSlot` (r:1 w:1)
	/// Proof: `Challenges::NextSlot` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::NextChainSlot` (r:1 w:1)
	/// Proof: `Challenges::NextChainSlot` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Owed` (r:0 w:1)
	/// Proof: `Challenges::Owed` (`max_values`: None, `max_size`: Some(91), added: 2566, mode: `MaxEncodedLen`)
	fn ask() -> Weight {
		// Least time: 169_840_000 picoseconds.
		Weight::from_parts(189_880_000, 0)
			.saturating_add(T::DbWeight::get().reads(12_u64))
			.saturating_add(T::DbWeight::get().writes(8_u64))
	}
	/// Storage: `Operators::KeyOwner` (r:1 w:0)
	/// Proof: `Operators::KeyOwner` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Challenges` (r:1 w:0)
	/// Proof: `Challenges::Challenges` (`max_values`: None, `max_size`: Some(219), added: 2694, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:1 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:0)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(101), added: 2576, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Nodes` (r:2 w:0)
	/// Proof: `Challenges::Nodes` (`max_values`: None, `max_size`: Some(100), added: 2575, mode: `MaxEncodedLen`)
	/// Storage: `Operators::ServiceKeys` (r:1 w:0)
	/// Proof: `Operators::ServiceKeys` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:1 w:0)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:0)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:1 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	fn authorize_ask() -> Weight {
		// Least time: 148_494_000 picoseconds.
		Weight::from_parts(170_889_000, 0).saturating_add(T::DbWeight::get().reads(11_u64))
	}
	/// Storage: `System::Account` (r:2 w:2)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:1 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Nodes` (r:1 w:1)
	/// Proof: `Challenges::Nodes` (`max_values`: None, `max_size`: Some(100), added: 2575, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:0)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(101), added: 2576, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Owed` (r:0 w:1)
	/// Proof: `Challenges::Owed` (`max_values`: None, `max_size`: Some(91), added: 2566, mode: `MaxEncodedLen`)
	fn answer() -> Weight {
		// Least time: 456_002_000 picoseconds.
		Weight::from_parts(512_379_000, 0)
			.saturating_add(T::DbWeight::get().reads(7_u64))
			.saturating_add(T::DbWeight::get().writes(5_u64))
	}
	/// Storage: `Jobs::Jobs` (r:1 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Nodes` (r:1 w:0)
	/// Proof: `Challenges::Nodes` (`max_values`: None, `max_size`: Some(100), added: 2575, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:0)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(101), added: 2576, mode: `MaxEncodedLen`)
	/// Storage: `Operators::KeyOwner` (r:1 w:0)
	/// Proof: `Operators::KeyOwner` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:1 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	fn authorize_answer() -> Weight {
		// Least time: 372_007_000 picoseconds.
		Weight::from_parts(393_408_000, 0).saturating_add(T::DbWeight::get().reads(6_u64))
	}
	/// Storage: `System::Account` (r:10 w:10)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:1 w:1)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:1)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(101), added: 2576, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Live` (r:8 w:8)
	/// Proof: `Challenges::Live` (`max_values`: None, `max_size`: Some(24), added: 2499, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Challenges` (r:8 w:8)
	/// Proof: `Challenges::Challenges` (`max_values`: None, `max_size`: Some(219), added: 2694, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Demands` (r:1 w:1)
	/// Proof: `Jobs::Demands` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaPages` (r:3 w:3)
	/// Proof: `Jobs::AgendaPages` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::NextSlot` (r:1 w:1)
	/// Proof: `Challenges::NextSlot` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:9 w:9)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	/// Storage: `Operators::Operators` (r:1 w:1)
	/// Proof: `Operators::Operators` (`max_values`: None, `max_size`: Some(410), added: 2885, mode: `MaxEncodedLen`)
	/// Storage: `Models::OpenJobs` (r:1 w:1)
	/// Proof: `Models::OpenJobs` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaHead` (r:1 w:0)
	/// Proof: `Jobs::AgendaHead` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Nodes` (r:8 w:8)
	/// Proof: `Challenges::Nodes` (`max_values`: None, `max_size`: Some(100), added: 2575, mode: `MaxEncodedLen`)
	/// Storage: `Operators::ServiceKeys` (r:8 w:8)
	/// Proof: `Operators::ServiceKeys` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Due` (r:0 w:1)
	/// Proof: `Jobs::Due` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Owed` (r:0 w:8)
	/// Proof: `Challenges::Owed` (`max_values`: None, `max_size`: Some(91), added: 2566, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Own` (r:0 w:8)
	/// Proof: `Challenges::Own` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Against` (r:0 w:8)
	/// Proof: `Challenges::Against` (`max_values`: None, `max_size`: Some(68), added: 2543, mode: `MaxEncodedLen`)
	/// `n` is from 1 to 8.
	fn prove_fault(n: u32) -> Weight {
		// Least time: 7_275_796_000 picoseconds.
		Weight::from_parts(7_502_716_179, 0)
			// Standard error: 6_738_783
			.saturating_add(Weight::from_parts(162_926_059, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(15_u64))
			.saturating_add(T::DbWeight::get().reads((6_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(13_u64))
			.saturating_add(T::DbWeight::get().writes((9_u64).saturating_mul(n.into())))
	}
	/// Storage: `Jobs::Jobs` (r:1 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:0)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(101), added: 2576, mode: `MaxEncodedLen`)
	/// Storage: `Operators::KeyOwner` (r:1 w:0)
	/// Proof: `Operators::KeyOwner` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Challenged` (r:1 w:0)
	/// Proof: `Challenges::Challenged` (`max_values`: None, `max_size`: Some(72), added: 2547, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Challenges` (r:1 w:0)
	/// Proof: `Challenges::Challenges` (`max_values`: None, `max_size`: Some(219), added: 2694, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Nodes` (r:1 w:0)
	/// Proof: `Challenges::Nodes` (`max_values`: None, `max_size`: Some(100), added: 2575, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:1 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	fn authorize_prove_fault() -> Weight {
		// Least time: 7_130_405_000 picoseconds.
		Weight::from_parts(7_431_413_000, 0).saturating_add(T::DbWeight::get().reads(8_u64))
	}
	/// Storage: `Challenges::Disputes` (r:1 w:0)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(101), added: 2576, mode: `MaxEncodedLen`)
	fn judge() -> Weight {
		// Least time: 6_638_593_000 picoseconds.
		Weight::from_parts(6_812_611_000, 0).saturating_add(T::DbWeight::get().reads(1_u64))
	}
	/// Storage: `System::Account` (r:8 w:8)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:1 w:1)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:1)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(101), added: 2576, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Live` (r:8 w:8)
	/// Proof: `Challenges::Live` (`max_values`: None, `max_size`: Some(24), added: 2499, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Challenges` (r:8 w:8)
	/// Proof: `Challenges::Challenges` (`max_values`: None, `max_size`: Some(219), added: 2694, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:8 w:8)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Own` (r:0 w:8)
	/// Proof: `Challenges::Own` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Against` (r:0 w:8)
	/// Proof: `Challenges::Against` (`max_values`: None, `max_size`: Some(68), added: 2543, mode: `MaxEncodedLen`)
	fn poke() -> Weight {
		// Least time: 1_112_213_000 picoseconds.
		Weight::from_parts(1_171_303_000, 0)
			.saturating_add(T::DbWeight::get().reads(35_u64))
			.saturating_add(T::DbWeight::get().writes(50_u64))
	}
	/// Storage: `System::Account` (r:9 w:9)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Challenges` (r:8 w:8)
	/// Proof: `Challenges::Challenges` (`max_values`: None, `max_size`: Some(219), added: 2694, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:1 w:1)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:1)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(101), added: 2576, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Nodes` (r:8 w:8)
	/// Proof: `Challenges::Nodes` (`max_values`: None, `max_size`: Some(100), added: 2575, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Live` (r:8 w:8)
	/// Proof: `Challenges::Live` (`max_values`: None, `max_size`: Some(24), added: 2499, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Demands` (r:1 w:1)
	/// Proof: `Jobs::Demands` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaPages` (r:3 w:3)
	/// Proof: `Jobs::AgendaPages` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::NextSlot` (r:1 w:1)
	/// Proof: `Challenges::NextSlot` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:9 w:9)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	/// Storage: `Operators::Operators` (r:1 w:1)
	/// Proof: `Operators::Operators` (`max_values`: None, `max_size`: Some(410), added: 2885, mode: `MaxEncodedLen`)
	/// Storage: `Models::OpenJobs` (r:1 w:1)
	/// Proof: `Models::OpenJobs` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaHead` (r:1 w:0)
	/// Proof: `Jobs::AgendaHead` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Operators::ServiceKeys` (r:8 w:8)
	/// Proof: `Operators::ServiceKeys` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Due` (r:0 w:1)
	/// Proof: `Jobs::Due` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Owed` (r:0 w:8)
	/// Proof: `Challenges::Owed` (`max_values`: None, `max_size`: Some(91), added: 2566, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Own` (r:0 w:8)
	/// Proof: `Challenges::Own` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Against` (r:0 w:8)
	/// Proof: `Challenges::Against` (`max_values`: None, `max_size`: Some(68), added: 2543, mode: `MaxEncodedLen`)
	fn lapse() -> Weight {
		// Least time: 1_598_504_000 picoseconds.
		Weight::from_parts(1_737_795_000, 0)
			.saturating_add(T::DbWeight::get().reads(61_u64))
			.saturating_add(T::DbWeight::get().writes(84_u64))
	}
	/// Storage: `Operators::KeyOwner` (r:1 w:0)
	/// Proof: `Operators::KeyOwner` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Challenges` (r:1 w:0)
	/// Proof: `Challenges::Challenges` (`max_values`: None, `max_size`: Some(219), added: 2694, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:1 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:0)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(101), added: 2576, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:2 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	fn authorize_lapse() -> Weight {
		// Least time: 107_432_000 picoseconds.
		Weight::from_parts(127_704_000, 0).saturating_add(T::DbWeight::get().reads(7_u64))
	}
	/// Storage: `Challenges::NextAlarm` (r:1 w:1)
	/// Proof: `Challenges::NextAlarm` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::AlarmPages` (r:1 w:0)
	/// Proof: `Challenges::AlarmPages` (`max_values`: None, `max_size`: Some(16), added: 2491, mode: `MaxEncodedLen`)
	fn on_idle_block() -> Weight {
		// Least time: 4_233_000 picoseconds.
		Weight::from_parts(5_803_000, 0)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Challenges::Alarms` (r:1 w:1)
	/// Proof: `Challenges::Alarms` (`max_values`: None, `max_size`: Some(522), added: 2997, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Challenges` (r:1 w:0)
	/// Proof: `Challenges::Challenges` (`max_values`: None, `max_size`: Some(219), added: 2694, mode: `MaxEncodedLen`)
	fn on_idle_page() -> Weight {
		// Least time: 10_196_000 picoseconds.
		Weight::from_parts(12_645_000, 0)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Challenges::Challenges` (r:8 w:8)
	/// Proof: `Challenges::Challenges` (`max_values`: None, `max_size`: Some(219), added: 2694, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:1 w:1)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(432), added: 2907, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(328), added: 2803, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:1)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(101), added: 2576, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Nodes` (r:8 w:8)
	/// Proof: `Challenges::Nodes` (`max_values`: None, `max_size`: Some(100), added: 2575, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Live` (r:8 w:8)
	/// Proof: `Challenges::Live` (`max_values`: None, `max_size`: Some(24), added: 2499, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Demands` (r:1 w:1)
	/// Proof: `Jobs::Demands` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaPages` (r:3 w:3)
	/// Proof: `Jobs::AgendaPages` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::NextSlot` (r:1 w:1)
	/// Proof: `Challenges::NextSlot` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:9 w:9)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:9 w:9)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
	/// Storage: `Operators::Operators` (r:1 w:1)
	/// Proof: `Operators::Operators` (`max_values`: None, `max_size`: Some(410), added: 2885, mode: `MaxEncodedLen`)
	/// Storage: `Models::OpenJobs` (r:1 w:1)
	/// Proof: `Models::OpenJobs` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaHead` (r:1 w:0)
	/// Proof: `Jobs::AgendaHead` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Operators::ServiceKeys` (r:8 w:8)
	/// Proof: `Operators::ServiceKeys` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::AlarmPages` (r:1 w:1)
	/// Proof: `Challenges::AlarmPages` (`max_values`: None, `max_size`: Some(16), added: 2491, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Due` (r:0 w:1)
	/// Proof: `Jobs::Due` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Owed` (r:0 w:8)
	/// Proof: `Challenges::Owed` (`max_values`: None, `max_size`: Some(91), added: 2566, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Alarms` (r:0 w:1)
	/// Proof: `Challenges::Alarms` (`max_values`: None, `max_size`: Some(522), added: 2997, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Own` (r:0 w:8)
	/// Proof: `Challenges::Own` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Against` (r:0 w:8)
	/// Proof: `Challenges::Against` (`max_values`: None, `max_size`: Some(68), added: 2543, mode: `MaxEncodedLen`)
	fn on_idle_challenge() -> Weight {
		// Least time: 1_554_881_000 picoseconds.
		Weight::from_parts(1_610_883_000, 0)
			.saturating_add(T::DbWeight::get().reads(62_u64))
			.saturating_add(T::DbWeight::get().writes(86_u64))
	}
}

/// For tests and as a default.
impl WeightInfo for () {
	fn open() -> Weight {
		Weight::from_parts(215_913_000, 0)
			.saturating_add(ParityDbWeight::get().reads(12_u64))
			.saturating_add(ParityDbWeight::get().writes(16_u64))
	}
	fn authorize_open() -> Weight {
		Weight::from_parts(141_803_000, 0).saturating_add(ParityDbWeight::get().reads(8_u64))
	}
	fn reveal_trace() -> Weight {
		Weight::from_parts(76_787_000, 0)
			.saturating_add(ParityDbWeight::get().reads(4_u64))
			.saturating_add(ParityDbWeight::get().writes(2_u64))
	}
	fn authorize_reveal_trace() -> Weight {
		Weight::from_parts(118_531_000, 0).saturating_add(ParityDbWeight::get().reads(5_u64))
	}
	fn ask() -> Weight {
		Weight::from_parts(189_880_000, 0)
			.saturating_add(ParityDbWeight::get().reads(12_u64))
			.saturating_add(ParityDbWeight::get().writes(8_u64))
	}
	fn authorize_ask() -> Weight {
		Weight::from_parts(170_889_000, 0).saturating_add(ParityDbWeight::get().reads(11_u64))
	}
	fn answer() -> Weight {
		Weight::from_parts(512_379_000, 0)
			.saturating_add(ParityDbWeight::get().reads(7_u64))
			.saturating_add(ParityDbWeight::get().writes(5_u64))
	}
	fn authorize_answer() -> Weight {
		Weight::from_parts(393_408_000, 0).saturating_add(ParityDbWeight::get().reads(6_u64))
	}
	fn prove_fault(n: u32) -> Weight {
		Weight::from_parts(7_502_716_179, 0)
			.saturating_add(Weight::from_parts(162_926_059, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(15_u64))
			.saturating_add(ParityDbWeight::get().reads((6_u64).saturating_mul(n.into())))
			.saturating_add(ParityDbWeight::get().writes(13_u64))
			.saturating_add(ParityDbWeight::get().writes((9_u64).saturating_mul(n.into())))
	}
	fn authorize_prove_fault() -> Weight {
		Weight::from_parts(7_431_413_000, 0).saturating_add(ParityDbWeight::get().reads(8_u64))
	}
	fn judge() -> Weight {
		Weight::from_parts(6_812_611_000, 0).saturating_add(ParityDbWeight::get().reads(1_u64))
	}
	fn poke() -> Weight {
		Weight::from_parts(1_171_303_000, 0)
			.saturating_add(ParityDbWeight::get().reads(35_u64))
			.saturating_add(ParityDbWeight::get().writes(50_u64))
	}
	fn lapse() -> Weight {
		Weight::from_parts(1_737_795_000, 0)
			.saturating_add(ParityDbWeight::get().reads(61_u64))
			.saturating_add(ParityDbWeight::get().writes(84_u64))
	}
	fn authorize_lapse() -> Weight {
		Weight::from_parts(127_704_000, 0).saturating_add(ParityDbWeight::get().reads(7_u64))
	}
	fn on_idle_block() -> Weight {
		Weight::from_parts(5_803_000, 0)
			.saturating_add(ParityDbWeight::get().reads(2_u64))
			.saturating_add(ParityDbWeight::get().writes(1_u64))
	}
	fn on_idle_page() -> Weight {
		Weight::from_parts(12_645_000, 0)
			.saturating_add(ParityDbWeight::get().reads(2_u64))
			.saturating_add(ParityDbWeight::get().writes(1_u64))
	}
	fn on_idle_challenge() -> Weight {
		Weight::from_parts(1_610_883_000, 0)
			.saturating_add(ParityDbWeight::get().reads(62_u64))
			.saturating_add(ParityDbWeight::get().writes(86_u64))
	}
}
