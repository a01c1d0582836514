//! Weights of `pallet_challenges`, measured by `scripts/weights`. Do not edit: run it again.
//!
//! Date: 2026-11-24, steps: 20, repeats: 10, processor: Intel(R) Xeon(R) Processor, runtime in Wasm.
//!
//! Placeholders since then: `judge`, `authorize_lapse`, `on_idle_page` and the counts of reads and
//! writes, until `scripts/weights challenges` runs again.

#![allow(unused_parens)]
#![allow(missing_docs)]

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
	fn prove_fault() -> Weight;
	fn authorize_prove_fault() -> Weight;
	fn judge() -> Weight;
	fn poke() -> Weight;
	fn lapse() -> Weight;
	fn authorize_lapse() -> Weight;
	fn on_idle_block() -> Weight;
	fn on_idle_page() -> Weight;
	fn on_idle_alarm() -> Weight;
}

/// Weights with the runtime's own cost of database access.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Storage: `Jobs::Jobs` (r:1 w:1)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(287), added: 2762, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(181), added: 2656, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Challenged` (r:1 w:1)
	/// Proof: `Challenges::Challenged` (`max_values`: None, `max_size`: Some(72), added: 2547, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:1 w:1)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(193), added: 2668, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::NextChallenge` (r:1 w:1)
	/// Proof: `Challenges::NextChallenge` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:1)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(57), added: 2532, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Live` (r:0 w:1)
	/// Proof: `Challenges::Live` (`max_values`: None, `max_size`: Some(24), added: 2499, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Alarms` (r:0 w:1)
	/// Proof: `Challenges::Alarms` (`max_values`: None, `max_size`: Some(28), added: 2503, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Challenges` (r:0 w:1)
	/// Proof: `Challenges::Challenges` (`max_values`: None, `max_size`: Some(198), added: 2673, mode: `MaxEncodedLen`)
	fn open() -> Weight {
		// Least time: 102_525_000 picoseconds.
		Weight::from_parts(108_246_000, 0)
			.saturating_add(T::DbWeight::get().reads(12_u64))
			.saturating_add(T::DbWeight::get().writes(16_u64))
	}
	/// Storage: `Operators::KeyOwner` (r:1 w:0)
	/// Proof: `Operators::KeyOwner` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:1 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(287), added: 2762, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(181), added: 2656, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Challenged` (r:1 w:0)
	/// Proof: `Challenges::Challenged` (`max_values`: None, `max_size`: Some(72), added: 2547, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:1 w:0)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:0)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(193), added: 2668, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:1 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	fn authorize_open() -> Weight {
		// Least time: 96_357_000 picoseconds.
		Weight::from_parts(98_451_000, 0).saturating_add(T::DbWeight::get().reads(9_u64))
	}
	/// Storage: `System::Account` (r:1 w:0)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:1 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(287), added: 2762, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(181), added: 2656, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:1)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(57), added: 2532, mode: `MaxEncodedLen`)
	fn reveal_trace() -> Weight {
		// Least time: 41_388_000 picoseconds.
		Weight::from_parts(43_066_000, 0)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// Storage: `Jobs::Jobs` (r:1 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(287), added: 2762, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(181), added: 2656, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:0)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(57), added: 2532, mode: `MaxEncodedLen`)
	/// Storage: `Operators::KeyOwner` (r:1 w:0)
	/// Proof: `Operators::KeyOwner` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:1 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	fn authorize_reveal_trace() -> Weight {
		// Least time: 76_359_000 picoseconds.
		Weight::from_parts(79_819_000, 0).saturating_add(T::DbWeight::get().reads(6_u64))
	}
	/// Storage: `System::Account` (r:1 w:1)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Challenges` (r:1 w:1)
	/// Proof: `Challenges::Challenges` (`max_values`: None, `max_size`: Some(198), added: 2673, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:1 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(287), added: 2762, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(181), added: 2656, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:0)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(57), added: 2532, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Nodes` (r:2 w:1)
	/// Proof: `Challenges::Nodes` (`max_values`: None, `max_size`: Some(99), added: 2574, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(193), added: 2668, mode: `MaxEncodedLen`)
	fn ask() -> Weight {
		// Least time: 117_078_000 picoseconds.
		Weight::from_parts(120_456_000, 0)
			.saturating_add(T::DbWeight::get().reads(12_u64))
			.saturating_add(T::DbWeight::get().writes(8_u64))
	}
	/// Storage: `Operators::KeyOwner` (r:1 w:0)
	/// Proof: `Operators::KeyOwner` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Challenges` (r:1 w:0)
	/// Proof: `Challenges::Challenges` (`max_values`: None, `max_size`: Some(198), added: 2673, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:1 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(287), added: 2762, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(181), added: 2656, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:0)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(57), added: 2532, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Nodes` (r:2 w:0)
	/// Proof: `Challenges::Nodes` (`max_values`: None, `max_size`: Some(99), added: 2574, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:1 w:0)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:0)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(193), added: 2668, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:1 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	fn authorize_ask() -> Weight {
		// Least time: 120_715_000 picoseconds.
		Weight::from_parts(121_695_000, 0).saturating_add(T::DbWeight::get().reads(13_u64))
	}
	/// Storage: `System::Account` (r:2 w:2)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:1 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(287), added: 2762, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(181), added: 2656, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Nodes` (r:1 w:1)
	/// Proof: `Challenges::Nodes` (`max_values`: None, `max_size`: Some(99), added: 2574, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:0)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(57), added: 2532, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(193), added: 2668, mode: `MaxEncodedLen`)
	fn answer() -> Weight {
		// Least time: 416_963_000 picoseconds.
		Weight::from_parts(426_082_000, 0)
			.saturating_add(T::DbWeight::get().reads(8_u64))
			.saturating_add(T::DbWeight::get().writes(5_u64))
	}
	/// Storage: `Jobs::Jobs` (r:1 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(287), added: 2762, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(181), added: 2656, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Nodes` (r:1 w:0)
	/// Proof: `Challenges::Nodes` (`max_values`: None, `max_size`: Some(99), added: 2574, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:0)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(57), added: 2532, mode: `MaxEncodedLen`)
	/// Storage: `Operators::KeyOwner` (r:1 w:0)
	/// Proof: `Operators::KeyOwner` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:1 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	fn authorize_answer() -> Weight {
		// Least time: 343_375_000 picoseconds.
		Weight::from_parts(355_609_000, 0).saturating_add(T::DbWeight::get().reads(7_u64))
	}
	/// Storage: `System::Account` (r:10 w:10)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:1 w:1)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(287), added: 2762, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(181), added: 2656, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:0)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(57), added: 2532, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Live` (r:8 w:8)
	/// Proof: `Challenges::Live` (`max_values`: None, `max_size`: Some(24), added: 2499, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Challenges` (r:8 w:8)
	/// Proof: `Challenges::Challenges` (`max_values`: None, `max_size`: Some(198), added: 2673, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:9 w:9)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(193), added: 2668, mode: `MaxEncodedLen`)
	/// Storage: `Operators::Operators` (r:1 w:1)
	/// Proof: `Operators::Operators` (`max_values`: None, `max_size`: Some(406), added: 2881, mode: `MaxEncodedLen`)
	/// Storage: `Models::OpenJobs` (r:1 w:1)
	/// Proof: `Models::OpenJobs` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaHead` (r:1 w:0)
	/// Proof: `Jobs::AgendaHead` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::OpenJobs` (r:0 w:1)
	/// Proof: `Jobs::OpenJobs` (`max_values`: None, `max_size`: Some(16), added: 2491, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Agenda` (r:0 w:2)
	/// Proof: `Jobs::Agenda` (`max_values`: None, `max_size`: Some(28), added: 2503, mode: `MaxEncodedLen`)
	fn prove_fault() -> Weight {
		// Least time: 14_257_696_000 picoseconds.
		Weight::from_parts(14_444_773_000, 0)
			.saturating_add(T::DbWeight::get().reads(50_u64))
			.saturating_add(T::DbWeight::get().writes(58_u64))
	}
	/// Storage: `Jobs::Jobs` (r:1 w:0)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(287), added: 2762, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(181), added: 2656, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:0)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(57), added: 2532, mode: `MaxEncodedLen`)
	/// Storage: `Operators::KeyOwner` (r:1 w:0)
	/// Proof: `Operators::KeyOwner` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:1 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	fn authorize_prove_fault() -> Weight {
		// Least time: 13_363_091_000 picoseconds.
		Weight::from_parts(13_453_309_000, 0).saturating_add(T::DbWeight::get().reads(8_u64))
	}
	/// Storage: `System::Account` (r:8 w:8)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:1 w:1)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(287), added: 2762, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(181), added: 2656, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Live` (r:8 w:8)
	/// Proof: `Challenges::Live` (`max_values`: None, `max_size`: Some(24), added: 2499, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Challenges` (r:8 w:8)
	/// Proof: `Challenges::Challenges` (`max_values`: None, `max_size`: Some(198), added: 2673, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:0)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(57), added: 2532, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:8 w:8)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(193), added: 2668, mode: `MaxEncodedLen`)
	fn poke() -> Weight {
		// Least time: 932_958_000 picoseconds.
		Weight::from_parts(941_850_000, 0)
			.saturating_add(T::DbWeight::get().reads(44_u64))
			.saturating_add(T::DbWeight::get().writes(50_u64))
	}
	/// Storage: `System::Account` (r:9 w:9)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Challenges` (r:8 w:8)
	/// Proof: `Challenges::Challenges` (`max_values`: None, `max_size`: Some(198), added: 2673, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:1 w:1)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(287), added: 2762, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(181), added: 2656, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:0)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(57), added: 2532, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Nodes` (r:1 w:1)
	/// Proof: `Challenges::Nodes` (`max_values`: None, `max_size`: Some(99), added: 2574, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Live` (r:8 w:8)
	/// Proof: `Challenges::Live` (`max_values`: None, `max_size`: Some(24), added: 2499, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:9 w:9)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(193), added: 2668, mode: `MaxEncodedLen`)
	/// Storage: `Operators::Operators` (r:1 w:1)
	/// Proof: `Operators::Operators` (`max_values`: None, `max_size`: Some(406), added: 2881, mode: `MaxEncodedLen`)
	/// Storage: `Models::OpenJobs` (r:1 w:1)
	/// Proof: `Models::OpenJobs` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaHead` (r:1 w:0)
	/// Proof: `Jobs::AgendaHead` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::OpenJobs` (r:0 w:1)
	/// Proof: `Jobs::OpenJobs` (`max_values`: None, `max_size`: Some(16), added: 2491, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Agenda` (r:0 w:2)
	/// Proof: `Jobs::Agenda` (`max_values`: None, `max_size`: Some(28), added: 2503, mode: `MaxEncodedLen`)
	fn lapse() -> Weight {
		// Least time: 803_383_000 picoseconds.
		Weight::from_parts(817_409_000, 0)
			.saturating_add(T::DbWeight::get().reads(50_u64))
			.saturating_add(T::DbWeight::get().writes(58_u64))
	}
	/// Storage: `Challenges::NextAlarm` (r:1 w:1)
	/// Proof: `Challenges::NextAlarm` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Alarms` (r:1 w:0)
	/// Proof: `Challenges::Alarms` (`max_values`: None, `max_size`: Some(28), added: 2503, mode: `MaxEncodedLen`)
	fn on_idle_block() -> Weight {
		// Least time: 11_703_000 picoseconds.
		Weight::from_parts(12_244_000, 0)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Challenges::Challenges` (r:8 w:8)
	/// Proof: `Challenges::Challenges` (`max_values`: None, `max_size`: Some(198), added: 2673, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Jobs` (r:1 w:1)
	/// Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(287), added: 2762, mode: `MaxEncodedLen`)
	/// Storage: `Models::Models` (r:1 w:0)
	/// Proof: `Models::Models` (`max_values`: None, `max_size`: Some(181), added: 2656, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Disputes` (r:1 w:0)
	/// Proof: `Challenges::Disputes` (`max_values`: None, `max_size`: Some(57), added: 2532, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Nodes` (r:1 w:1)
	/// Proof: `Challenges::Nodes` (`max_values`: None, `max_size`: Some(99), added: 2574, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Live` (r:8 w:8)
	/// Proof: `Challenges::Live` (`max_values`: None, `max_size`: Some(24), added: 2499, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:9 w:9)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:9 w:9)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(193), added: 2668, mode: `MaxEncodedLen`)
	/// Storage: `Operators::Operators` (r:1 w:1)
	/// Proof: `Operators::Operators` (`max_values`: None, `max_size`: Some(406), added: 2881, mode: `MaxEncodedLen`)
	/// Storage: `Models::OpenJobs` (r:1 w:1)
	/// Proof: `Models::OpenJobs` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::AgendaHead` (r:1 w:0)
	/// Proof: `Jobs::AgendaHead` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::OpenJobs` (r:0 w:1)
	/// Proof: `Jobs::OpenJobs` (`max_values`: None, `max_size`: Some(16), added: 2491, mode: `MaxEncodedLen`)
	/// Storage: `Jobs::Agenda` (r:0 w:2)
	/// Proof: `Jobs::Agenda` (`max_values`: None, `max_size`: Some(28), added: 2503, mode: `MaxEncodedLen`)
	/// Storage: `Challenges::Alarms` (r:0 w:1)
	/// Proof: `Challenges::Alarms` (`max_values`: None, `max_size`: Some(28), added: 2503, mode: `MaxEncodedLen`)
	fn on_idle_alarm() -> Weight {
		// Least time: 770_284_000 picoseconds.
		Weight::from_parts(779_144_000, 0)
			.saturating_add(T::DbWeight::get().reads(50_u64))
			.saturating_add(T::DbWeight::get().writes(60_u64))
	}
	// Placeholder: measure with scripts/weights.
	fn judge() -> Weight {
		Weight::from_parts(13_300_000_000, 0)
	}
	// Placeholder: measure with scripts/weights.
	fn authorize_lapse() -> Weight {
		Weight::from_parts(110_000_000, 0).saturating_add(T::DbWeight::get().reads(7_u64))
	}
	// Placeholder: measure with scripts/weights.
	fn on_idle_page() -> Weight {
		Weight::from_parts(12_000_000, 0)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
}

/// For tests and as a default.
impl WeightInfo for () {
	fn open() -> Weight {
		Weight::from_parts(108_246_000, 0)
			.saturating_add(ParityDbWeight::get().reads(12_u64))
			.saturating_add(ParityDbWeight::get().writes(16_u64))
	}
	fn authorize_open() -> Weight {
		Weight::from_parts(98_451_000, 0).saturating_add(ParityDbWeight::get().reads(9_u64))
	}
	fn reveal_trace() -> Weight {
		Weight::from_parts(43_066_000, 0)
			.saturating_add(ParityDbWeight::get().reads(4_u64))
			.saturating_add(ParityDbWeight::get().writes(2_u64))
	}
	fn authorize_reveal_trace() -> Weight {
		Weight::from_parts(79_819_000, 0).saturating_add(ParityDbWeight::get().reads(6_u64))
	}
	fn ask() -> Weight {
		Weight::from_parts(120_456_000, 0)
			.saturating_add(ParityDbWeight::get().reads(12_u64))
			.saturating_add(ParityDbWeight::get().writes(8_u64))
	}
	fn authorize_ask() -> Weight {
		Weight::from_parts(121_695_000, 0).saturating_add(ParityDbWeight::get().reads(13_u64))
	}
	fn answer() -> Weight {
		Weight::from_parts(426_082_000, 0)
			.saturating_add(ParityDbWeight::get().reads(8_u64))
			.saturating_add(ParityDbWeight::get().writes(5_u64))
	}
	fn authorize_answer() -> Weight {
		Weight::from_parts(355_609_000, 0).saturating_add(ParityDbWeight::get().reads(7_u64))
	}
	fn prove_fault() -> Weight {
		Weight::from_parts(14_444_773_000, 0)
			.saturating_add(ParityDbWeight::get().reads(50_u64))
			.saturating_add(ParityDbWeight::get().writes(58_u64))
	}
	fn authorize_prove_fault() -> Weight {
		Weight::from_parts(13_453_309_000, 0).saturating_add(ParityDbWeight::get().reads(8_u64))
	}
	fn poke() -> Weight {
		Weight::from_parts(941_850_000, 0)
			.saturating_add(ParityDbWeight::get().reads(44_u64))
			.saturating_add(ParityDbWeight::get().writes(50_u64))
	}
	fn lapse() -> Weight {
		Weight::from_parts(817_409_000, 0)
			.saturating_add(ParityDbWeight::get().reads(50_u64))
			.saturating_add(ParityDbWeight::get().writes(58_u64))
	}
	fn on_idle_block() -> Weight {
		Weight::from_parts(12_244_000, 0)
			.saturating_add(ParityDbWeight::get().reads(2_u64))
			.saturating_add(ParityDbWeight::get().writes(1_u64))
	}
	fn on_idle_alarm() -> Weight {
		Weight::from_parts(779_144_000, 0)
			.saturating_add(ParityDbWeight::get().reads(50_u64))
			.saturating_add(ParityDbWeight::get().writes(60_u64))
	}
	// Placeholder: measure with scripts/weights.
	fn judge() -> Weight {
		Weight::from_parts(13_300_000_000, 0)
	}
	// Placeholder: measure with scripts/weights.
	fn authorize_lapse() -> Weight {
		Weight::from_parts(110_000_000, 0).saturating_add(ParityDbWeight::get().reads(7_u64))
	}
	// Placeholder: measure with scripts/weights.
	fn on_idle_page() -> Weight {
		Weight::from_parts(12_000_000, 0)
			.saturating_add(ParityDbWeight::get().reads(1_u64))
			.saturating_add(ParityDbWeight::get().writes(1_u64))
	}
}
