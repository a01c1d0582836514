//! Who takes part.

use assay_primitives::service::ServicePair;
use assay_runtime::AccountId;
use sp_core::{sr25519, Pair};
use sp_io::hashing::blake2_256;

/// An account and its service key, both made from its name.
#[derive(Clone)]
pub struct Account {
	name: String,
	pair: sr25519::Pair,
}

impl Account {
	/// The account of this name: always the same one.
	pub fn new(name: &str) -> Self {
		// A seed and not a phrase: stretching a phrase takes long, and crowds take part.
		let seed = blake2_256(format!("assay/drills/{name}").as_bytes());
		Self { name: name.into(), pair: sr25519::Pair::from_seed(&seed) }
	}

	/// Who holds the development chain's sudo key.
	pub fn sudo() -> Self {
		let pair = sr25519::Pair::from_string("//Alice", None);
		Self { name: "sudo".into(), pair: pair.expect("the path is well formed") }
	}

	/// What drills call it.
	pub fn name(&self) -> &str {
		&self.name
	}

	/// Its address.
	pub fn id(&self) -> AccountId {
		AccountId::from(self.pair.public())
	}

	/// What it signs with.
	pub fn pair(&self) -> &sr25519::Pair {
		&self.pair
	}

	/// What its node signs with.
	pub fn service(&self) -> ServicePair {
		let pair = ServicePair::from_string(&self.service_secret(), None);
		pair.expect("32 bytes in hexadecimal are a secret")
	}

	/// The secret of [`Self::service`], as a keystore takes it.
	pub fn service_secret(&self) -> String {
		let seed = blake2_256(format!("assay/drills/{}/service", self.name).as_bytes());
		let digits: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
		format!("0x{digits}")
	}
}
