//! Calls that a service key authorises for the account behind it.
//!
//! Such a call arrives as a general transaction: no nonce, no fee, no signed extension. What it
//! may do is decided by the `authorize` function of the call alone, so the message that is signed
//! has to mean one thing for ever. It names the chain, the call, what the call is about by content
//! (a number may be another job's on another fork), and the block at which it was born: it holds
//! only on chains that contain this block, and only for [`LIFETIME`] blocks.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode};
use frame_support::{ensure, pallet_prelude::InvalidTransaction};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use scale_info::TypeInfo;
use sp_application_crypto::RuntimeAppPublic;
use sp_runtime::{
	traits::{BadOrigin, One, Zero},
	transaction_validity::TransactionValidityError,
	DispatchError, SaturatedConversion, Saturating,
};

use crate::{
	operators::KeyOwners,
	service::{ServiceKey, ServiceSignature},
};

/// First bytes of every message that a service key signs.
pub const DOMAIN: [u8; 8] = *b"assay/v2";

/// Blocks after its birth in which an authorization may be included. Long enough for a few full
/// blocks, short enough that nothing signed in another situation is still lying about.
pub const LIFETIME: u32 = 64;

/// Proof that a service key authorised one call.
#[derive(Encode, Decode, DecodeWithMemTracking, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub struct Authorization {
	/// The service key.
	pub key: ServiceKey,
	/// Number of the block whose hash is signed.
	pub birth: u32,
	/// Signature of [`message`].
	pub signature: ServiceSignature,
}

/// What a service key signs: blake2-256 of SCALE(([`DOMAIN`], genesis hash, `tag` as bytes, number
/// of the birth block, its hash, `args`)).
///
/// `tag` is `pallet.call`, as in `jobs.claim`. `args` is the tuple that the call documents.
pub fn message<H: Encode, A: Encode>(
	genesis: &H,
	tag: &str,
	birth: u32,
	birth_hash: &H,
	args: &A,
) -> [u8; 32] {
	(DOMAIN, genesis, tag.as_bytes(), birth, birth_hash, args)
		.using_encoded(sp_io::hashing::blake2_256)
}

/// What a key signs to show that whoever registers it for `account` holds its secret: blake2-256 of
/// SCALE(([`DOMAIN`], genesis hash, `operators.set_service_key` as bytes, account)).
///
/// It names no block: it may be made long before, on a machine that sees no chain.
pub fn possession_message<H: Encode, A: Encode>(genesis: &H, account: &A) -> [u8; 32] {
	(DOMAIN, genesis, "operators.set_service_key".as_bytes(), account)
		.using_encoded(sp_io::hashing::blake2_256)
}

/// [`possession_message`] on this chain.
pub fn possession_here<T: frame_system::Config>(account: &T::AccountId) -> [u8; 32] {
	possession_message(&genesis::<T>(), account)
}

fn genesis<T: frame_system::Config>() -> T::Hash {
	frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero())
}

/// The message on this chain; `None` when it does not contain block `birth`, or not any more.
fn message_here<T: frame_system::Config>(
	tag: &str,
	birth: u32,
	args: &impl Encode,
) -> Option<[u8; 32]> {
	let number: BlockNumberFor<T> = birth.into();
	let known = frame_system::BlockHash::<T>::contains_key(number);
	let hash = frame_system::Pallet::<T>::block_hash(number);
	known.then(|| message(&genesis::<T>(), tag, birth, &hash, args))
}

/// Blocks, this one included, in which something born at `birth` may still be included.
fn life_left<T: frame_system::Config>(birth: u32) -> Option<u64> {
	let now: u64 = frame_system::Pallet::<T>::block_number().saturated_into();
	let end = u64::from(birth) + u64::from(LIFETIME);
	(u64::from(birth) < now && now <= end).then(|| end - now + 1)
}

impl Authorization {
	/// Sign `args` of the call `tag` with a key of this node's keystore. Born at the parent of the
	/// current block, the latest whose hash the state holds.
	///
	/// `None` when the keystore does not hold the secret of `key`.
	pub fn sign<T: frame_system::Config>(
		key: &ServiceKey,
		tag: &str,
		args: &impl Encode,
	) -> Option<Self> {
		let parent = frame_system::Pallet::<T>::block_number().saturating_sub(One::one());
		let birth = parent.saturated_into::<u32>();
		let signature = RuntimeAppPublic::sign(key, &message_here::<T>(tag, birth, args)?)?;
		Some(Self { key: key.clone(), birth, signature })
	}

	/// Whether the key signed `args` for the call `tag` on this chain, not too long ago. Costs one
	/// sr25519 verification, so check everything cheaper first.
	///
	/// Returns for how many blocks it stays so, at least one.
	///
	/// # Errors
	/// [`InvalidTransaction::AncientBirthBlock`] when the birth block is not of this chain or too old,
	/// [`InvalidTransaction::BadProof`] when the signature is of something else.
	pub fn ensure<T: frame_system::Config>(
		&self,
		tag: &str,
		args: &impl Encode,
	) -> Result<u64, TransactionValidityError> {
		let left = life_left::<T>(self.birth).ok_or(InvalidTransaction::AncientBirthBlock)?;
		let message = message_here::<T>(tag, self.birth, args)
			.ok_or(InvalidTransaction::AncientBirthBlock)?;
		let valid = RuntimeAppPublic::verify(&self.key, &message, &self.signature);
		ensure!(valid, InvalidTransaction::BadProof);
		Ok(left)
	}
}

/// Who makes a call, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Actor<AccountId> {
	/// For whom.
	pub who: AccountId,
	/// Whether the service key does it, so that its allowance pays.
	pub by_key: bool,
}

/// The account that makes a call open to accounts and to service keys.
///
/// A signed origin comes with no `auth` and acts for itself. An authorised origin comes with an
/// `auth` whose signature the `authorize` function has already verified, and acts for the owner of
/// the key. Everything else is a [`BadOrigin`].
pub fn actor<T: frame_system::Config, L: KeyOwners<T::AccountId>>(
	origin: T::RuntimeOrigin,
	auth: &Option<Authorization>,
) -> Result<Actor<T::AccountId>, DispatchError> {
	let raw: Result<RawOrigin<T::AccountId>, _> = origin.into();
	match (raw, auth) {
		(Ok(RawOrigin::Signed(who)), None) => Ok(Actor { who, by_key: false }),
		(Ok(RawOrigin::Authorized), Some(auth)) => {
			Ok(Actor { who: L::owner_of(&auth.key).ok_or(BadOrigin)?, by_key: true })
		},
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
		let (genesis, birth_hash) = ([3u8; 32], [9u8; 32]);
		let mut bytes = b"assay/v2".to_vec();
		bytes.extend(genesis);
		// SCALE length of the tag, then the tag.
		bytes.push(10 << 2);
		bytes.extend(b"jobs.claim");
		bytes.extend(5u32.to_le_bytes());
		bytes.extend(birth_hash);
		bytes.extend(7u64.to_le_bytes());
		bytes.extend(1u32.to_le_bytes());
		let expected = sp_io::hashing::blake2_256(&bytes);
		assert_eq!(message(&genesis, "jobs.claim", 5, &birth_hash, &(7u64, 1u32)), expected);
	}

	#[test]
	fn possession_is_laid_out_as_documented() {
		let mut bytes = b"assay/v2".to_vec();
		bytes.extend([3u8; 32]);
		bytes.push(25 << 2);
		bytes.extend(b"operators.set_service_key");
		bytes.extend([7u8; 32]);
		let expected = sp_io::hashing::blake2_256(&bytes);
		assert_eq!(possession_message(&[3u8; 32], &[7u8; 32]), expected);
	}

	#[test]
	fn messages_differ_by_chain_fork_call_and_arguments() {
		let (chain, fork) = ([0u8; 32], [5u8; 32]);
		let base = message(&chain, "jobs.accept", 4, &fork, &(1u64, 0u32));
		assert_ne!(base, message(&[1u8; 32], "jobs.accept", 4, &fork, &(1u64, 0u32)));
		assert_ne!(base, message(&chain, "jobs.claim", 4, &fork, &(1u64, 0u32)));
		assert_ne!(base, message(&chain, "jobs.accept", 5, &fork, &(1u64, 0u32)));
		assert_ne!(base, message(&chain, "jobs.accept", 4, &[6u8; 32], &(1u64, 0u32)));
		assert_ne!(base, message(&chain, "jobs.accept", 4, &fork, &(1u64, 1u32)));
	}
}
