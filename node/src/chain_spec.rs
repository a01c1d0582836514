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
	use sp_core::{
		storage::well_known_keys,
		traits::{CallContext, CodeExecutor, RuntimeCode, WrappedRuntimeCode},
		OpaqueMetadata,
	};
	use sp_runtime::BuildStorage;

	/// Calls the blob with no host function missing, as the node does.
	fn call(method: &str, data: &[u8]) -> Vec<u8> {
		let wasm = wasm().expect("tests are built with the blob");
		let executor = Executor::builder().build();
		let fetcher = WrappedRuntimeCode(wasm.into());
		let code = RuntimeCode { code_fetcher: &fetcher, heap_pages: None, hash: vec![1] };
		let mut state = sp_io::TestExternalities::default();
		let (result, _) =
			executor.call(&mut state.ext(), &code, method, data, CallContext::Offchain);
		result.expect("the executor accepts the blob")
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
