//! Calls that a service key authorises for the account behind it.
//!
//! Such a call arrives as a general transaction: no nonce, no fee, no signed extension. What it
//! may do is decided by the `authorize` function of the call alone, so the message that is signed
//! has to name the chain, the call and everything that makes the call unique.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode};
use frame_support::{ensure, pallet_prelude::InvalidTransaction};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use scale_info::TypeInfo;
use sp_application_crypto::RuntimeAppPublic;
use sp_runtime::{
	traits::{BadOrigin, Zero},
	transaction_validity::TransactionValidityError,
	DispatchError,
};

use crate::{
	operators::KeyOwners,
	service::{ServiceKey, ServiceSignature},
};

/// First bytes of every message that a service key signs.
pub const DOMAIN: [u8; 8] = *b"assay/v1";

/// Proof that a service key authorised one call.
#[derive(Encode, Decode, DecodeWithMemTracking, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub struct Authorization {
	/// The service key.
	pub key: ServiceKey,
	/// Its signature of [`message`].
	pub signature: ServiceSignature,
}

/// What a service key signs: blake2-256 of SCALE(([`DOMAIN`], genesis hash, `tag` as bytes, `args`)).
///
/// `tag` is `pallet.call`, as in `jobs.claim`. `args` is the tuple that the call documents.
pub fn message<H: Encode, A: Encode>(genesis: &H, tag: &str, args: &A) -> [u8; 32] {
	(DOMAIN, genesis, tag.as_bytes(), args).using_encoded(sp_io::hashing::blake2_256)
}

fn message_here<T: frame_system::Config>(tag: &str, args: &impl Encode) -> [u8; 32] {
	let genesis = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
	message(&genesis, tag, args)
}

impl Authorization {
	/// Sign `args` of the call `tag` with a key of this node's keystore.
	///
	/// `None` when the keystore does not hold the secret of `key`.
	pub fn sign<T: frame_system::Config>(
		key: &ServiceKey,
		tag: &str,
		args: &impl Encode,
	) -> Option<Self> {
		let signature = RuntimeAppPublic::sign(key, &message_here::<T>(tag, args))?;
		Some(Self { key: key.clone(), signature })
	}

	/// Whether the key signed `args` for the call `tag` on this chain. Costs one sr25519
	/// verification, so check everything cheaper first.
	pub fn verify<T: frame_system::Config>(&self, tag: &str, args: &impl Encode) -> bool {
		RuntimeAppPublic::verify(&self.key, &message_here::<T>(tag, args), &self.signature)
	}

	/// [`Self::verify`] as a pool verdict.
	pub fn ensure<T: frame_system::Config>(
		&self,
		tag: &str,
		args: &impl Encode,
	) -> Result<(), TransactionValidityError> {
		ensure!(self.verify::<T>(tag, args), InvalidTransaction::BadProof);
		Ok(())
	}
}

/// The account that makes a call open to accounts and to service keys.
///
/// A signed origin comes with no `auth` and acts for itself. An authorised origin comes with an
/// `auth` whose signature the `authorize` function has already verified, and acts for the owner of
/// the key. Everything else is a [`BadOrigin`].
pub fn actor<T: frame_system::Config, L: KeyOwners<T::AccountId>>(
	origin: T::RuntimeOrigin,
	auth: &Option<Authorization>,
) -> Result<T::AccountId, DispatchError> {
	let raw: Result<RawOrigin<T::AccountId>, _> = origin.into();
	match (raw, auth) {
		(Ok(RawOrigin::Signed(who)), None) => Ok(who),
		(Ok(RawOrigin::Authorized), Some(auth)) => Ok(L::owner_of(&auth.key).ok_or(BadOrigin)?),
		_ => Err(BadOrigin.into()),
	}
}

/// The service keys of this node's keystore, in a fixed order.
pub fn local_keys() -> Vec<ServiceKey> {
	let mut keys = <ServiceKey as RuntimeAppPublic>::all();
	keys.sort();
	keys
}

#[cfg(test)]
mod tests {
	use super::*;

	/// Clients in other languages sign these bytes too, so the layout must not change.
	#[test]
	fn message_is_laid_out_as_documented() {
		let genesis = [3u8; 32];
		let mut bytes = b"assay/v1".to_vec();
		bytes.extend(genesis);
		// SCALE length of the tag, then the tag.
		bytes.push(10 << 2);
		bytes.extend(b"jobs.claim");
		bytes.extend(7u64.to_le_bytes());
		bytes.extend(1u32.to_le_bytes());
		let expected = sp_io::hashing::blake2_256(&bytes);
		assert_eq!(message(&genesis, "jobs.claim", &(7u64, 1u32)), expected);
	}

	#[test]
	fn messages_differ_by_chain_call_and_arguments() {
		let base = message(&[0u8; 32], "jobs.accept", &(1u64, 0u32));
		assert_ne!(base, message(&[1u8; 32], "jobs.accept", &(1u64, 0u32)));
		assert_ne!(base, message(&[0u8; 32], "jobs.claim", &(1u64, 0u32)));
		assert_ne!(base, message(&[0u8; 32], "jobs.accept", &(1u64, 1u32)));
	}
}
