//! The key with which a node's off-chain worker acts for an account.
//!
//! It is a hot key: it can accept, claim, answer and challenge, but holds no money. The account
//! that owns the stake names it with `operators.set_service_key`.

use sp_application_crypto::{app_crypto, sr25519};
use sp_core::crypto::KeyTypeId;

/// Where service keys live in a node's keystore.
pub const KEY_TYPE: KeyTypeId = KeyTypeId(*b"infr");

mod app {
	use super::{app_crypto, sr25519, KEY_TYPE};
	app_crypto!(sr25519, KEY_TYPE);
}

/// Public half of a service key.
pub type ServiceKey = app::Public;
/// Signature by a service key.
pub type ServiceSignature = app::Signature;
#[cfg(feature = "std")]
/// Both halves of a service key.
pub type ServicePair = app::Pair;
