//! The service key with which workers sign.

use super::LOG;
use assay_primitives::service::KEY_TYPE;
use sc_service::Error;
use sp_core::crypto::Ss58Codec;
use sp_keystore::KeystorePtr;

/// Makes the service key of a development chain from the node's seed, and says which keys there
/// are. Elsewhere keys come from `key insert`.
pub(super) fn prepare(keystore: &KeystorePtr, seed: Option<&str>) -> Result<(), Error> {
	if let Some(seed) = seed {
		keystore
			.sr25519_generate_new(KEY_TYPE, Some(seed))
			.map_err(|error| Error::Other(format!("cannot store the service key: {error}")))?;
	}
	let keys = keystore.sr25519_public_keys(KEY_TYPE);
	if keys.is_empty() {
		log::warn!(
			target: LOG,
			"No service key: workers cannot sign. Insert one with \
			 `key insert --key-type infr --scheme sr25519 --suri …`",
		);
	}
	for key in keys {
		log::info!(target: LOG, "🔑 Service key {}", key.to_ss58check());
	}
	Ok(())
}
