//! Keys and accounts as the command line names them.

use crate::{
	chain::calls::ProvenKey,
	error::{self, Error, Result},
	files,
	output::note,
};
use codec::Encode;
use std::{path::Path, str::FromStr};
use subxt::utils::AccountId32;
use subxt_signer::{sr25519::Keypair, SecretUri};

/// Largest file of a key: a line, and what people write around it.
pub(crate) const MAX_KEY_FILE: u64 = 64 << 10;

/// The key that `suri` stands for: a dev path (`//Alice`), a phrase or a 0x seed, with derivations.
///
/// # Errors
/// [`Kind::Usage`](crate::Kind::Usage) when it is none of these.
pub fn keypair(suri: &str) -> Result<Keypair> {
	let wrong = |why: String| {
		Error::usage(format!("the secret key cannot be read: {why}"))
			.hint("give a path such as //Alice, a 12 to 24 word phrase or a 0x seed of 32 bytes")
	};
	let uri = SecretUri::from_str(suri.trim()).map_err(|e| wrong(e.to_string()))?;
	Keypair::from_uri(&uri).map_err(|e| wrong(e.to_string()))
}

/// The key in a file whose first line is what [`keypair`] reads.
///
/// # Errors
/// [`Kind::Usage`](crate::Kind::Usage) when the file cannot be read, or as [`keypair`].
pub fn keypair_from_file(path: &Path) -> Result<Keypair> {
	let text = files::read_text(path, MAX_KEY_FILE)?;
	warn_if_readable_by_others(path);
	let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
	keypair(line).map_err(|e| e.context(path.display()))
}

#[cfg(unix)]
fn warn_if_readable_by_others(path: &Path) {
	use std::os::unix::fs::PermissionsExt;
	let open = std::fs::metadata(path).is_ok_and(|m| m.permissions().mode() & 0o077 != 0);
	if open {
		note(&format!("warning: {0} can be read by others; run: chmod 600 {0}", path.display()));
	}
}

#[cfg(not(unix))]
fn warn_if_readable_by_others(_: &Path) {}

/// The account of a key.
pub fn account_of(key: &Keypair) -> AccountId32 {
	AccountId32(key.public_key().0)
}

/// An account as the command line names it: SS58 address, 0x public key, or a dev path `//Alice`.
///
/// # Errors
/// [`Kind::Usage`](crate::Kind::Usage) when it is none of these.
///
/// # Examples
///
/// ```
/// use assay_client::{account::account, address::with_prefix};
///
/// let alice = account("//Alice")?;
/// assert_eq!(account("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY")?, alice);
/// // As an address of a public network of Assay: another text for the same account.
/// let public = with_prefix(&alice, 9779);
/// assert!(public.starts_with("as"));
/// assert_eq!(account(&public)?, alice);
/// # Ok::<(), assay_client::Error>(())
/// ```
pub fn account(text: &str) -> Result<AccountId32> {
	let text = text.trim();
	if text.starts_with("//") {
		return keypair(text).map(|key| account_of(&key));
	}
	if text.starts_with("0x") {
		return hash(text).map(AccountId32);
	}
	AccountId32::from_str(text).map_err(|e| {
		Error::usage(format!("{text:?} is not an account: {e}"))
			.hint("give an SS58 address, a 0x public key or a dev path such as //Alice")
	})
}

/// A service key's public half: 0x hex, SS58, or a dev path.
///
/// # Errors
/// As [`account()`].
pub fn service_key(text: &str) -> Result<[u8; 32]> {
	account(text).map(|account| account.0)
}

/// 32 bytes of hex, with or without `0x`.
///
/// # Errors
/// [`Kind::Usage`](crate::Kind::Usage) when it is anything else.
pub fn hash(text: &str) -> Result<[u8; 32]> {
	let digits = text.trim().trim_start_matches("0x");
	let bytes = hex::decode(digits).ok().and_then(|b| <[u8; 32]>::try_from(b).ok());
	bytes.ok_or_else(|| Error::usage(format!("{text:?} is not 32 bytes of hex")))
}

/// A fresh 0x seed from the operating system's randomness.
///
/// # Errors
/// The system has no `/dev/urandom`.
pub fn new_seed() -> Result<String> {
	use std::io::Read;
	let source = Path::new("/dev/urandom");
	let mut seed = [0u8; 32];
	std::fs::File::open(source)
		.and_then(|mut file| file.read_exact(&mut seed))
		.map_err(|e| error::io(source, e))?;
	Ok(format!("0x{}", hex::encode(seed)))
}

/// A service key with its signature that it is to act for `account` on the chain of this genesis
/// block: blake2-256 of SCALE((`assay/v2`, genesis hash, `operators.set_service_key`, account)).
///
/// # Examples
///
/// ```no_run
/// use assay_client::{account, chain::calls, Api, Until};
///
/// # async fn example(api: Api) -> assay_client::Result<()> {
/// // The node's key is to act for Alice, who says so once and keeps her own key elsewhere.
/// let (owner, service) = (account::keypair("//Alice")?, account::keypair("//Alice//service")?);
/// let account = account::account_of(&owner);
/// let proven = account::prove_possession(&service, &api.genesis_hash(), &account);
/// api.submit(&calls::set_service_key(Some(proven)), &owner, Until::Finalized).await?;
/// # Ok(())
/// # }
/// ```
pub fn prove_possession(
	service: &Keypair,
	genesis: &subxt::utils::H256,
	account: &AccountId32,
) -> ProvenKey {
	let message = (*b"assay/v2", genesis.0, "operators.set_service_key".as_bytes(), account.0);
	let message = message.using_encoded(sp_crypto_hashing::blake2_256);
	ProvenKey { key: service.public_key().0, proof: service.sign(&message).0 }
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn accounts_in_every_notation_agree() {
		let alice = account("//Alice").unwrap();
		assert_eq!(alice.to_string(), "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
		assert_eq!(account(&alice.to_string()).unwrap(), alice);
		assert_eq!(account(&format!("0x{}", hex::encode(alice.0))).unwrap(), alice);
	}

	#[test]
	fn bad_keys_are_errors() {
		for text in ["", "alice", "0x12", "5Grw", "0xzz"] {
			assert!(account(text).is_err(), "{text:?}");
		}
		assert!(keypair("not a phrase").is_err());
		let seed = new_seed().unwrap();
		assert!(keypair(&seed).is_ok());
	}
}
