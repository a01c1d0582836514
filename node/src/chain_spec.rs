//! The chains this binary knows by name.

use assay_runtime::{
	constants::{currency, SS58_PREFIX},
	genesis_presets::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET},
	WASM_BINARY,
};
use sc_chain_spec::ChainSpecExtension;
use sc_service::{ChainType, GenericChainSpec, Properties};
use sc_sync_state_rpc::LightSyncStateExtension;
use sp_core::crypto::Ss58AddressFormat;

/// What a specification may hold besides the usual.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize, ChainSpecExtension)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Extensions {
	/// A finalized block from which light clients start, and what they must know of it. The RPC
	/// method `sync_state_genSyncSpec` fills it in.
	pub(crate) light_sync_state: LightSyncStateExtension,
}

/// Chain specification.
pub(crate) type ChainSpec = GenericChainSpec<Extensions>;

fn wasm() -> Result<&'static [u8], String> {
	WASM_BINARY.ok_or_else(|| {
		"this binary was built without the runtime's Wasm blob (SKIP_WASM_BUILD was set); \
		 build it again, or name a chain specification file with --chain"
			.into()
	})
}

/// What wallets show: address prefix, decimals and symbol.
fn properties() -> Properties {
	let mut properties = Properties::new();
	properties.insert("ss58Format".into(), SS58_PREFIX.into());
	properties.insert("tokenDecimals".into(), currency::DECIMALS.into());
	properties.insert("tokenSymbol".into(), currency::SYMBOL.into());
	properties
}

fn named(name: &str, id: &str, kind: ChainType, preset: &str) -> Result<ChainSpec, String> {
	Ok(ChainSpec::builder(wasm()?, Extensions::default())
		.with_name(name)
		.with_id(id)
		.with_chain_type(kind)
		.with_protocol_id("assay")
		.with_genesis_config_preset_name(preset)
		.with_properties(properties())
		.build())
}

/// One validator, Alice; everything on one machine.
pub(crate) fn development() -> Result<ChainSpec, String> {
	named("Assay Development", "assay_dev", ChainType::Development, DEV_RUNTIME_PRESET)
}

/// Two validators, Alice and Bob.
pub(crate) fn local() -> Result<ChainSpec, String> {
	named("Assay Local Testnet", "assay_local", ChainType::Local, LOCAL_TESTNET_RUNTIME_PRESET)
}

/// Whether chains of this type are for development: cheating may be rehearsed there, and keys come
/// from well-known seeds.
pub(crate) fn is_development(kind: &ChainType) -> bool {
	matches!(kind, ChainType::Development | ChainType::Local)
}

/// Makes addresses print with a chain's prefix, or this binary's own for a chain that names none.
pub(crate) fn set_address_format(properties: &Properties) {
	let prefix = properties.get("ss58Format").and_then(|prefix| prefix.as_u64());
	let prefix = prefix.and_then(|prefix| prefix.try_into().ok()).unwrap_or(SS58_PREFIX);
	sp_core::crypto::set_default_ss58_version(Ss58AddressFormat::custom(prefix));
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::service::Executor;
	use assay_runtime::{Runtime, VERSION};
	use codec::{Decode, Encode};
	use sc_executor::RuntimeVersion;
	use sc_service::ChainSpec as _;
	use sp_core::{
		crypto::Ss58Codec,
		storage::well_known_keys,
		traits::{CallContext, CodeExecutor, RuntimeCode, WrappedRuntimeCode},
		OpaqueMetadata,
	};
	use sp_runtime::{
		transaction_validity::{
			InvalidTransaction, TransactionSource, TransactionValidity, TransactionValidityError,
			UnknownTransaction,
		},
		BuildStorage,
	};

	/// Calls the blob with no host function missing, as the node does.
	fn call(method: &str, data: &[u8]) -> Vec<u8> {
		let wasm = wasm().expect("tests are built with the blob");
		let mut state = sp_io::TestExternalities::default();
		call_on(&Executor::builder().build(), wasm, &mut state, method, data)
	}

	/// Calls a blob on a state. An executor compiles the first blob it sees, and keeps to it.
	fn call_on(
		executor: &Executor,
		wasm: &[u8],
		state: &mut sp_io::TestExternalities,
		method: &str,
		data: &[u8],
	) -> Vec<u8> {
		let fetcher = WrappedRuntimeCode(wasm.into());
		let code = RuntimeCode { code_fetcher: &fetcher, heap_pages: None, hash: vec![1] };
		let (result, _) =
			executor.call(&mut state.ext(), &code, method, data, CallContext::Offchain);
		result.expect("the executor accepts the blob")
	}

	/// A committed specification, and the same as JSON.
	fn committed(name: &str) -> (ChainSpec, serde_json::Value) {
		let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../chain-specs/");
		let path = std::path::PathBuf::from(path).join(name);
		let json = std::fs::read(&path).expect("it is committed");
		let json = serde_json::from_slice(&json).expect("it is JSON");
		(ChainSpec::from_json_file(path).expect("it is a specification"), json)
	}

	/// Checks a committed specification against the runtime in it: version, addresses, clock,
	/// and whether it knows the hash of its metadata.
	fn holds_what_it_says(
		name: &str,
		prefix: u16,
		slot_millis: u64,
		epoch_slots: u64,
		hash_known: bool,
	) -> ChainSpec {
		let (spec, _) = committed(name);
		assert_eq!(spec.properties()["ss58Format"], prefix, "{name}");
		assert_eq!(spec.properties()["tokenSymbol"], currency::SYMBOL);
		assert_eq!(spec.properties()["tokenDecimals"], currency::DECIMALS);
		let storage = spec.build_storage().expect("the genesis builds");
		let wasm = storage.top[well_known_keys::CODE].clone();
		let mut state = sp_io::TestExternalities::new(storage);
		let executor = Executor::builder().build();
		let mut call = |method, data: &[u8]| call_on(&executor, &wasm, &mut state, method, data);

		let version = RuntimeVersion::decode(&mut &call("Core_version", &[])[..]);
		let version = version.expect("it decodes");
		let ours = (VERSION.spec_version, VERSION.transaction_version, VERSION.system_version);
		let its = (version.spec_version, version.transaction_version, version.system_version);
		assert_eq!(its, ours, "{name} is of another version: run scripts/chain-specs");

		// A preset names accounts, and the runtime writes them under its own prefix.
		let preset = call("GenesisBuilder_get_preset", &Some(DEV_RUNTIME_PRESET).encode());
		let preset = Option::<Vec<u8>>::decode(&mut &preset[..]).expect("it decodes");
		let preset: serde_json::Value =
			serde_json::from_slice(&preset.expect("it is there")).expect("it is JSON");
		let address = preset["sudo"]["key"].as_str().expect("it is an address");
		let (_, format) = sp_runtime::AccountId32::from_ss58check_with_version(address)
			.expect("it is an address");
		assert_eq!(format, Ss58AddressFormat::custom(prefix), "{name}");

		let clock = call("BabeApi_configuration", &[]);
		let clock = sp_consensus_babe::BabeConfiguration::decode(&mut &clock[..]);
		let clock = clock.expect("it decodes");
		assert_eq!((clock.slot_duration, clock.epoch_length), (slot_millis, epoch_slots), "{name}");
		assert!(!clock.authorities.is_empty(), "{name}");

		// A transaction whose signature covers the hash of the metadata, as hardware wallets sign.
		// Nobody signed this one: a runtime that knows its hash gets as far as noticing that.
		// It would do `system.remark` of nothing.
		let remark = [0u8, 0, 0];
		let signed = [&[0x84, 0][..], &[1; 32], &[1], &[0; 64], &[0, 0, 0, 1], &remark].concat();
		let source = TransactionSource::External;
		let asked = (source, signed, assay_runtime::Hash::default()).encode();
		let verdict = call("TaggedTransactionQueue_validate_transaction", &asked);
		let verdict = TransactionValidity::decode(&mut &verdict[..]).expect("it decodes");
		let expected: TransactionValidityError = if hash_known {
			InvalidTransaction::BadProof.into()
		} else {
			UnknownTransaction::CannotLookup.into()
		};
		assert_eq!(verdict, Err(expected), "{name}");
		spec
	}

	#[test]
	fn committed_development_chains_hold_what_they_say() {
		for (name, built_in) in [("development.json", development()), ("local.json", local())] {
			let spec = holds_what_it_says(name, 42, 3_000, 20, false);
			let built_in = built_in.expect("the blob is there");
			assert_eq!((spec.name(), spec.id()), (built_in.name(), built_in.id()));
			assert!(is_development(&spec.chain_type()));
			// Code apart, it is the same genesis.
			let genesis = |spec: &ChainSpec| {
				let mut storage = spec.build_storage().expect("the genesis builds");
				storage.top.remove(well_known_keys::CODE);
				storage.top
			};
			assert!(genesis(&spec) == genesis(&built_in), "{name}: run scripts/chain-specs");
		}
	}

	#[test]
	fn committed_test_network_is_raw_and_public() {
		let spec = holds_what_it_says("testnet.json", 9_779, 6_000, 200, true);
		assert!(spec.name().to_lowercase().contains("testnet") && spec.id().contains("testnet"));
		assert_eq!(spec.chain_type(), ChainType::Live);
		let (_, json) = committed("testnet.json");
		assert!(json["genesis"]["raw"]["top"].is_object());
		// No account whose secret everybody knows owns or decides anything.
		let storage = spec.build_storage().expect("it is raw");
		for key in sp_keyring::Sr25519Keyring::iter() {
			let known = key.to_raw_public();
			let found = |bytes: &[u8]| bytes.windows(32).any(|window| window == known);
			let code = well_known_keys::CODE;
			let anywhere = storage.top.iter().any(|(k, v)| found(k) || (k != code && found(v)));
			assert!(!anywhere, "{key:?} is in the genesis of a public network");
		}
	}

	#[test]
	fn wasm_blob_loads_and_agrees_with_the_native_runtime() {
		let version = RuntimeVersion::decode(&mut &call("Core_version", &[])[..]);
		assert_eq!(version.expect("it decodes"), VERSION);
		let metadata = call("Metadata_metadata_at_version", &16u32.encode());
		let metadata = Option::<OpaqueMetadata>::decode(&mut &metadata[..]).expect("it decodes");
		assert!(metadata == Runtime::metadata_at_version(16));
	}

	#[test]
	fn local_chain_has_a_genesis() {
		let spec = local().expect("the blob is there");
		let storage = spec.build_storage().expect("the preset builds");
		assert!(storage.top.contains_key(well_known_keys::CODE));
		assert_eq!(properties()["tokenSymbol"], "ASY");
	}
}
