//! Acting for one another: batches, proxies and accounts of many signers.

use crate::{
	constants::currency::deposit, Balances, OriginCaller, Runtime, RuntimeCall, RuntimeEvent,
	System,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::traits::{ConstU128, ConstU32, InstanceFilter};
use scale_info::TypeInfo;
use sp_runtime::traits::BlakeTwo256;

impl pallet_utility::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type PalletsOrigin = OriginCaller;
	type WeightInfo = pallet_utility::weights::SubstrateWeight<Runtime>;
}

/// What a proxy may do in the name of the account that appointed it.
#[derive(
	Copy,
	Clone,
	Eq,
	PartialEq,
	Ord,
	PartialOrd,
	Debug,
	Default,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum ProxyType {
	/// Everything the account itself may do, appointing and dismissing proxies included.
	#[default]
	#[codec(index = 0)]
	Any,
	/// Being an operator: the stake, the models served, whether it takes work. Money moves between the
	/// account and its own stake, never to anybody else. It cannot name another service key.
	#[codec(index = 1)]
	Staking,
	/// The daily work of an operator: which models it serves, whether it takes work, accepting and
	/// answering jobs, and answering for claims in disputes. It moves neither money nor stake and
	/// cannot name another service key. Like a service key, it can lose by false claims the stake
	/// that backs them.
	#[codec(index = 2)]
	Serving,
}

/// Batches are as allowed as what is in them: their calls are dispatched under the same filter.
fn is_batch(call: &RuntimeCall) -> bool {
	use pallet_utility::Call;
	matches!(
		call,
		RuntimeCall::Utility(
			Call::batch { .. } | Call::batch_all { .. } | Call::force_batch { .. }
		)
	)
}

impl InstanceFilter<RuntimeCall> for ProxyType {
	fn filter(&self, call: &RuntimeCall) -> bool {
		use pallet_challenges::Call as Challenges;
		use pallet_jobs::Call as Jobs;
		use pallet_operators::Call as Operators;
		match self {
			Self::Any => true,
			// Whoever names the service key or its allowance can have it put the account's free money
			// into challenges that lose.
			Self::Staking => {
				let own_money = matches!(
					call,
					RuntimeCall::Operators(
						Operators::set_service_key { .. } | Operators::set_key_allowance { .. }
					)
				);
				(matches!(call, RuntimeCall::Operators(_)) && !own_money) || is_batch(call)
			},
			Self::Serving => {
				matches!(
					call,
					RuntimeCall::Operators(
						Operators::serve { .. }
							| Operators::chill { .. } | Operators::activate { .. }
					) | RuntimeCall::Jobs(
						Jobs::accept { .. } | Jobs::claim { .. } | Jobs::deliver { .. }
					)
						// Who may claim must be able to defend the claim. Asking and opening a
						// challenge take money and stay with the account.
						| RuntimeCall::Challenges(
							Challenges::reveal_trace { .. } | Challenges::answer { .. }
						)
				) || is_batch(call)
			},
		}
	}

	/// `Staking` is no superset of `Serving`, which also acts on jobs and in disputes.
	fn is_superset(&self, other: &Self) -> bool {
		self == other || *self == Self::Any
	}
}

impl pallet_proxy::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type Currency = Balances;
	type ProxyType = ProxyType;
	// A list of proxies and its deposit, then an account, a type and a delay for each.
	type ProxyDepositBase = ConstU128<{ deposit(1, 48) }>;
	type ProxyDepositFactor = ConstU128<{ deposit(0, 37) }>;
	type MaxProxies = ConstU32<32>;
	type WeightInfo = pallet_proxy::weights::SubstrateWeight<Runtime>;
	type MaxPending = ConstU32<32>;
	type CallHasher = BlakeTwo256;
	// A list of announcements and its deposit, then an account, a hash and a height for each.
	type AnnouncementDepositBase = ConstU128<{ deposit(1, 48) }>;
	type AnnouncementDepositFactor = ConstU128<{ deposit(0, 68) }>;
	type BlockNumberProvider = System;
}

impl pallet_multisig::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type Currency = Balances;
	// The key of 64 bytes, when it began, its depositor and deposit; then an account for each.
	type DepositBase = ConstU128<{ deposit(1, 120) }>;
	type DepositFactor = ConstU128<{ deposit(0, 32) }>;
	type MaxSignatories = ConstU32<100>;
	type WeightInfo = pallet_multisig::weights::SubstrateWeight<Runtime>;
	type BlockNumberProvider = System;
}
