//! The chains this binary knows by name.

use assay_runtime::{
	constants::{currency, SS58_PREFIX},
	genesis_presets::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET},
	WASM_BINARY,
};
use sc_service::{ChainType, GenericChainSpec, Properties};
use sp_core::crypto::Ss58AddressFormat;

/// Chain specification: the genesis comes from a preset in the runtime, nothing is added to it.
pub(crate) type ChainSpec = GenericChainSpec;

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
	Ok(ChainSpec::builder(wasm()?, None)
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

/// Makes addresses print with the chain's prefix.
pub(crate) fn set_address_format() {
	sp_core::crypto::set_default_ss58_version(Ss58AddressFormat::custom(SS58_PREFIX));
}
