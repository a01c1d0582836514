//! Genesis states that come with the runtime.

use crate::{
	constants::{currency::ASY, time, SS58_PREFIX},
	AccountId, Balance, BalancesConfig, RuntimeGenesisConfig, SessionConfig, SessionKeys,
	SudoConfig,
};
use alloc::{vec, vec::Vec};
use frame_support::build_struct_json_patch;
use pallet_babe::GenesisConfig as BabeGenesis;
use serde_json::Value;
use sp_consensus_babe::{AllowedSlots, BabeEpochConfiguration};
use sp_genesis_builder::PresetId;
pub use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};

type BabeConfig = BabeGenesis<crate::Runtime>;

/// What every well-known development account owns at genesis.
pub const ENDOWMENT: Balance = 1_000_000 * ASY;

/// Parameters of leader election: a VRF output in every block, so that randomness never has gaps.
pub const EPOCH_CONFIG: BabeEpochConfiguration = BabeEpochConfiguration {
	c: time::PRIMARY_PROBABILITY,
	allowed_slots: AllowedSlots::PrimaryAndSecondaryVRFSlots,
};

/// A validator of a development chain: its account and its session keys, from one dev seed.
fn validator(babe: Sr25519Keyring, grandpa: Ed25519Keyring) -> (AccountId, SessionKeys) {
	let keys = SessionKeys { babe: babe.public().into(), grandpa: grandpa.public().into() };
	(babe.to_account_id(), keys)
}

fn genesis(validators: Vec<(AccountId, SessionKeys)>, sudo: AccountId) -> Value {
	let balances = Sr25519Keyring::iter()
		.filter(|key| !matches!(key, Sr25519Keyring::One | Sr25519Keyring::Two))
		.map(|key| (key.to_account_id(), ENDOWMENT))
		.collect::<Vec<_>>();
	let keys = validators
		.into_iter()
		.map(|(account, keys)| (account.clone(), account, keys))
		.collect::<Vec<_>>();
	// The session pallet hands the keys on: BABE's and GRANDPA's own lists must stay empty.
	build_struct_json_patch!(RuntimeGenesisConfig {
		balances: BalancesConfig { balances },
		babe: BabeConfig { epoch_config: EPOCH_CONFIG },
		session: SessionConfig { keys },
		sudo: SudoConfig { key: Some(sudo) },
	})
}

/// One validator, Alice.
fn development() -> Value {
	genesis(
		vec![validator(Sr25519Keyring::Alice, Ed25519Keyring::Alice)],
		Sr25519Keyring::Alice.to_account_id(),
	)
}

/// Two validators, Alice and Bob.
fn local_testnet() -> Value {
	genesis(
		vec![
			validator(Sr25519Keyring::Alice, Ed25519Keyring::Alice),
			validator(Sr25519Keyring::Bob, Ed25519Keyring::Bob),
		],
		Sr25519Keyring::Alice.to_account_id(),
	)
}

/// Makes addresses in genesis configurations those of this chain. The runtime then writes them so,
/// and reads them besides those of registered prefixes, which are always understood.
pub(crate) fn use_own_addresses() {
	sp_core::crypto::set_default_ss58_version(SS58_PREFIX.into());
}

/// The preset named `id`, as a JSON patch over the default genesis; `None` for an unknown name.
pub fn get_preset(id: &PresetId) -> Option<Vec<u8>> {
	use_own_addresses();
	let patch = match id.as_ref() {
		DEV_RUNTIME_PRESET => development(),
		LOCAL_TESTNET_RUNTIME_PRESET => local_testnet(),
		_ => return None,
	};
	serde_json::to_vec(&patch).ok()
}

/// Names of all presets.
pub fn preset_names() -> Vec<PresetId> {
	vec![PresetId::from(DEV_RUNTIME_PRESET), PresetId::from(LOCAL_TESTNET_RUNTIME_PRESET)]
}
