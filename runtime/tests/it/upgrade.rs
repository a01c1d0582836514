//! New code waits one block: system version 3.

use crate::chain::{Chain, REQUESTER};
use assay_runtime::{Runtime, RuntimeCall, VERSION};
use codec::Encode;
use sp_core::{
	storage::well_known_keys::{CODE, PENDING_CODE},
	traits::{ReadRuntimeVersion, ReadRuntimeVersionExt},
};
use sp_io::hashing::blake2_256;
use sp_keyring::Sr25519Keyring;
use sp_version::RuntimeVersion;

/// Holds the sudo key.
const SUDO: Sr25519Keyring = Sr25519Keyring::Alice;

/// Reads the version off any code: the next one.
struct Next;

impl ReadRuntimeVersion for Next {
	fn read_runtime_version(
		&self,
		_: &[u8],
		_: &mut dyn sp_externalities::Externalities,
	) -> Result<Vec<u8>, String> {
		Ok(RuntimeVersion { spec_version: VERSION.spec_version + 1, ..VERSION }.encode())
	}
}

fn chain() -> Chain {
	let mut chain = Chain::new();
	chain.ext.register_extension(ReadRuntimeVersionExt::new(Next));
	chain
}

fn code() -> Vec<u8> {
	b"the next runtime".to_vec()
}

fn stored(chain: &mut Chain, key: &[u8]) -> Option<Vec<u8>> {
	chain.ext.execute_with(|| sp_io::storage::get(key)).map(|value| value.to_vec())
}

/// The block after the one that brought the code still runs the old code, and leaves the new one.
fn waits_one_block(mut chain: Chain, bring: impl Into<RuntimeCall>, who: Sr25519Keyring) {
	let old = stored(&mut chain, CODE);
	let bring = chain.signed(who, 0, bring);
	let block = chain.ok_block(vec![bring]);
	assert_eq!(stored(&mut chain, CODE), old);
	assert_eq!(stored(&mut chain, PENDING_CODE), Some(code()));
	let noted = sp_runtime::DigestItem::RuntimeEnvironmentUpdated;
	assert!(block.header.digest.logs.contains(&noted), "the node learns of it from the header");
	chain.block(Vec::new());
	assert_eq!(stored(&mut chain, CODE), Some(code()));
	assert_eq!(stored(&mut chain, PENDING_CODE), None);
	// The chain goes on.
	chain.run_to(chain.number() + 3);
	chain.check_invariants();
}

#[test]
fn code_set_by_sudo_waits_one_block() {
	assert_eq!(VERSION.system_version, 3);
	let set = frame_system::Call::set_code { code: code() };
	let sudo = pallet_sudo::Call::sudo { call: Box::new(set.into()) };
	waits_one_block(chain(), sudo, SUDO);
}

#[test]
fn authorized_code_that_anybody_brings_waits_one_block_and_passes_safe_mode() {
	let mut chain = chain();
	let code_hash = blake2_256(&code()).into();
	let calls: [RuntimeCall; 2] = [
		frame_system::Call::authorize_upgrade { code_hash }.into(),
		pallet_safe_mode::Call::force_enter {}.into(),
	];
	for call in calls {
		let sudo = pallet_sudo::Call::sudo { call: Box::new(call) };
		let sudo = chain.signed(SUDO, 0, sudo);
		chain.ok_block(vec![sudo]);
	}
	let apply = frame_system::Call::<Runtime>::apply_authorized_upgrade { code: code() };
	waits_one_block(chain, apply, REQUESTER);
}
