//! The genesis states that come with the runtime.

use crate::chain::{genesis, Chain};
use assay_runtime::{
	constants::time::EPOCH_SLOTS, genesis_presets, Babe, Balances, Grandpa, Session,
};
use sp_consensus_babe::AllowedSlots;
use sp_genesis_builder::PresetId;
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};

#[test]
fn development_chain_has_one_validator_and_rich_accounts() {
	genesis().execute_with(|| {
		assert_eq!(Session::validators(), [Sr25519Keyring::Alice.to_account_id()]);
		assert_eq!(Babe::authorities()[0].0, Sr25519Keyring::Alice.public().into());
		assert_eq!(Grandpa::grandpa_authorities()[0].0, Ed25519Keyring::Alice.public().into());
		assert_eq!(
			pallet_sudo::Key::<assay_runtime::Runtime>::get(),
			Some(Session::validators()[0].clone())
		);
		for who in [Sr25519Keyring::Alice, Sr25519Keyring::Ferdie, Sr25519Keyring::BobStash] {
			let free = Balances::free_balance(who.to_account_id());
			assert!(free + assay_runtime::constants::currency::ASY >= genesis_presets::ENDOWMENT);
		}
		// A VRF output in every block, or randomness has gaps.
		let epoch = Babe::epoch_config().expect("genesis sets it");
		assert_eq!(epoch.allowed_slots, AllowedSlots::PrimaryAndSecondaryVRFSlots);
	});
}

#[test]
fn every_named_preset_exists_and_no_other() {
	for name in genesis_presets::preset_names() {
		let json = genesis_presets::get_preset(&name).expect("it is named");
		serde_json::from_slice::<serde_json::Value>(&json).expect("it is JSON");
	}
	assert!(genesis_presets::get_preset(&PresetId::from("nothing")).is_none());
}

#[test]
fn validators_stay_over_epochs() {
	let mut chain = Chain::new();
	chain.run_to(3 * EPOCH_SLOTS as u32 + 5);
	chain.ext.execute_with(|| {
		assert!(Session::current_index() >= 3);
		assert_eq!(Session::validators(), [Sr25519Keyring::Alice.to_account_id()]);
		assert_eq!(Babe::authorities().len(), 1);
	});
	chain.check_invariants();
}
