//! The Assay runtime: a solochain whose jobs are runs of machine-learning models, and whose
//! referee decides who computed wrongly.

#![cfg_attr(not(feature = "std"), no_std)]
// The SDK's macros generate public items without documentation.
#![allow(missing_docs, reason = "the macros of FRAME write items without docs")]
// The nesting of the runtime macro is deeper than the default limit.
#![recursion_limit = "512"]

extern crate alloc;

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

mod apis;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarks;
pub mod configs;
pub mod constants;
pub mod genesis_presets;
pub mod transactions;

#[cfg(feature = "std")]
pub use apis::api::dispatch;
pub use apis::RuntimeApi;
pub use transactions::TxExtension;

use alloc::{borrow::Cow, vec::Vec};
use sp_runtime::{
	generic, impl_opaque_keys,
	traits::{BlakeTwo256, IdentifyAccount, Verify},
	MultiAddress, MultiSignature,
};
use sp_version::RuntimeVersion;

/// Number of a block.
pub type BlockNumber = u32;
/// Amount of the token, in base units.
pub type Balance = u128;
/// Count of an account's transactions.
pub type Nonce = u32;
/// Hash of blocks and state.
pub type Hash = sp_core::H256;
/// Signature over a transaction, of any of the three supported schemes.
pub type Signature = MultiSignature;
/// An account: 32 bytes.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// An account as transactions name it.
pub type Address = MultiAddress<AccountId, ()>;
/// Header of a block.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// A block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;
/// A transaction as it travels.
pub type UncheckedExtrinsic =
	generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;
/// Types as the node sees them: transactions are bytes, only the runtime reads them.
pub mod opaque {
	/// A block whose transactions are not decoded.
	pub type Block = sp_runtime::generic::Block<super::Header, sp_runtime::OpaqueExtrinsic>;
}
/// What an account signs.
pub type SignedPayload = generic::SignedPayload<RuntimeCall, TxExtension>;

/// Runs blocks.
pub type Executive = frame_executive::Executive<
	Runtime,
	Block,
	frame_system::ChainContext<Runtime>,
	Runtime,
	AllPalletsWithSystem,
>;

impl_opaque_keys! {
	/// The keys a validator signs with.
	pub struct SessionKeys {
		/// Block production.
		pub babe: Babe,
		/// Finality.
		pub grandpa: Grandpa,
	}
}

/// Name and version of the runtime. `spec_version` rises with every change of logic,
/// `transaction_version` with every change of how calls or extensions are encoded.
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
	spec_name: Cow::Borrowed("assay"),
	impl_name: Cow::Borrowed("assay-node"),
	authoring_version: 1,
	spec_version: 3,
	impl_version: 1,
	apis: apis::RUNTIME_API_VERSIONS,
	transaction_version: 2,
	// 3: new code waits one block as `:pending_code`, and the extrinsics root is a trie of version 1.
	// It cannot change under a running chain's wallets and light clients, so it is set before any.
	system_version: 3,
};

#[frame_support::runtime]
mod runtime {
	/// The Assay runtime.
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeSlashReason,
		RuntimeLockId,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Runtime;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;

	#[runtime::pallet_index(1)]
	pub type Timestamp = pallet_timestamp;

	#[runtime::pallet_index(2)]
	pub type Babe = pallet_babe;

	#[runtime::pallet_index(3)]
	pub type Authorship = pallet_authorship;

	#[runtime::pallet_index(4)]
	pub type Offences = pallet_offences;

	#[runtime::pallet_index(5)]
	pub type Historical = pallet_session::historical;

	#[runtime::pallet_index(6)]
	pub type Session = pallet_session;

	#[runtime::pallet_index(7)]
	pub type Grandpa = pallet_grandpa;

	#[runtime::pallet_index(8)]
	pub type Balances = pallet_balances;

	#[runtime::pallet_index(9)]
	pub type TransactionPayment = pallet_transaction_payment;

	#[runtime::pallet_index(10)]
	pub type Sudo = pallet_sudo;

	#[runtime::pallet_index(20)]
	pub type Models = pallet_models;

	#[runtime::pallet_index(21)]
	pub type Operators = pallet_operators;

	#[runtime::pallet_index(22)]
	pub type Jobs = pallet_jobs;

	#[runtime::pallet_index(23)]
	pub type Challenges = pallet_challenges;

	#[runtime::pallet_index(30)]
	pub type Utility = pallet_utility;

	#[runtime::pallet_index(31)]
	pub type Proxy = pallet_proxy;

	#[runtime::pallet_index(32)]
	pub type Multisig = pallet_multisig;

	#[runtime::pallet_index(33)]
	pub type Preimage = pallet_preimage;

	#[runtime::pallet_index(34)]
	pub type Scheduler = pallet_scheduler;

	#[runtime::pallet_index(35)]
	pub type SafeMode = pallet_safe_mode;

	#[runtime::pallet_index(36)]
	pub type TxPause = pallet_tx_pause;
}
