//! Addresses: how people write accounts (SS58).
//!
//! Every chain has a number of its own in its addresses, so that money is not sent to the right
//! account of the wrong chain by mistake: development chains the generic 42, public networks of
//! Assay 9779, under which addresses begin with `as`. What is printed follows the chain that the
//! client talks to; what is read may have any number, for the account is the same.

use blake2::{Blake2b512, Digest};
use serde::Serializer;
use std::{
	fmt,
	sync::atomic::{AtomicU16, Ordering},
};
use subxt::utils::AccountId32;

/// Address prefix of chains that have none of their own.
const GENERIC: u16 = 42;

/// The prefix that addresses are printed with.
static PREFIX: AtomicU16 = AtomicU16::new(GENERIC);

/// Print addresses with this prefix from now on, everywhere in the process: a client talks to one
/// chain.
pub fn set_prefix(prefix: u16) {
	PREFIX.store(prefix, Ordering::Relaxed);
}

/// An account, to be printed as an address of the chain.
pub fn address(account: &AccountId32) -> Address<'_> {
	Address(account)
}

/// See [`address`].
#[derive(Clone, Copy, Debug)]
pub struct Address<'a>(&'a AccountId32);

impl fmt::Display for Address<'_> {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.pad(&with_prefix(self.0, PREFIX.load(Ordering::Relaxed)))
	}
}

/// The address of an account under a prefix below 16,384.
pub fn with_prefix(account: &AccountId32, prefix: u16) -> String {
	let [low, high] = prefix.to_le_bytes();
	let mut bytes = match prefix {
		0..64 => vec![low],
		// The 14 bits in the order that the format wants: 01 and bits 2 to 7, then 0, 1 and 8 to 13.
		_ => vec![0x40 | (low >> 2), (low << 6) | (high & 0x3f)],
	};
	bytes.extend(account.0);
	let checksum = Blake2b512::new().chain_update(b"SS58PRE").chain_update(&bytes).finalize();
	bytes.extend(&checksum[..2]);
	bs58::encode(bytes).into_string()
}

/// For `#[serde(serialize_with)]`: an account as an address.
pub fn serialize<S: Serializer>(account: &AccountId32, s: S) -> Result<S::Ok, S::Error> {
	s.collect_str(&address(account))
}

/// For `#[serde(serialize_with)]`: an account as an address, if there is one.
pub fn serialize_option<S: Serializer>(
	account: &Option<AccountId32>,
	s: S,
) -> Result<S::Ok, S::Error> {
	match account {
		Some(account) => s.serialize_some(&address(account).to_string()),
		None => s.serialize_none(),
	}
}

/// Serialize accounts as addresses of the chain.
pub fn serialize_list<S: Serializer>(accounts: &[AccountId32], s: S) -> Result<S::Ok, S::Error> {
	s.collect_seq(accounts.iter().map(|account| address(account).to_string()))
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::str::FromStr;

	/// Alice's account.
	fn alice() -> AccountId32 {
		crate::account::account("//Alice").unwrap()
	}

	#[test]
	fn addresses_are_those_of_other_tools() {
		assert_eq!(with_prefix(&alice(), 42), alice().to_string());
		// As the Polkadot relay chain and Kusama write it.
		for (prefix, address) in [
			(0, "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5"),
			(2, "HNZata7iMYWmk5RvZRTiAsSDhV8366zq2YGb3tLH5Upf74F"),
		] {
			assert_eq!(with_prefix(&alice(), prefix), address);
		}
	}

	#[test]
	fn public_networks_addresses_begin_with_as_and_every_prefix_can_be_read() {
		for account in [AccountId32([0; 32]), alice(), AccountId32([0xff; 32])] {
			assert!(with_prefix(&account, 9779).starts_with("as"));
			for prefix in [0, 42, 63, 64, 255, 256, 9779, 16_383] {
				let text = with_prefix(&account, prefix);
				assert_eq!(AccountId32::from_str(&text).unwrap(), account, "{prefix}");
			}
		}
	}
}
