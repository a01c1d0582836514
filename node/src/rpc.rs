//! RPC methods beyond those every Substrate node has.

use crate::service::{FullBackend, FullClient, SelectChain, TransactionPool};
use assay_runtime::{opaque::Block, AccountId, BlockNumber, Hash, Nonce};
use jsonrpsee::RpcModule;
use sc_consensus_babe::BabeWorkerHandle;
use sc_consensus_grandpa::{
	FinalityProofProvider, GrandpaJustificationStream, SharedAuthoritySet, SharedVoterState,
};
use sc_rpc::SubscriptionTaskExecutor;
use sc_service::ChainSpec;
use sp_keystore::KeystorePtr;
use std::sync::Arc;

/// What the GRANDPA methods need.
#[derive(Clone)]
pub(crate) struct GrandpaDeps {
	/// State of the local voter.
	pub(crate) voter_state: SharedVoterState,
	/// The authorities.
	pub(crate) authority_set: SharedAuthoritySet<Hash, BlockNumber>,
	/// New justifications.
	pub(crate) justifications: GrandpaJustificationStream<Block>,
	/// Proofs of finality of old blocks.
	pub(crate) proofs: Arc<FinalityProofProvider<FullBackend, Block>>,
}

/// What the methods need.
#[derive(Clone)]
pub(crate) struct Deps {
	/// The chain.
	pub(crate) client: Arc<FullClient>,
	/// The transaction pool.
	pub(crate) pool: Arc<TransactionPool>,
	/// Which fork is best.
	pub(crate) select_chain: SelectChain,
	/// The node's keys.
	pub(crate) keystore: KeystorePtr,
	/// BABE's state.
	pub(crate) babe: BabeWorkerHandle<Block>,
	/// GRANDPA's state.
	pub(crate) grandpa: GrandpaDeps,
	/// The chain's specification.
	pub(crate) chain_spec: Arc<dyn ChainSpec>,
}

/// All additional methods: accounts, fees, block production, finality, and where light clients
/// start.
pub(crate) fn create(
	deps: Deps,
	subscriptions: SubscriptionTaskExecutor,
) -> Result<RpcModule<()>, Box<dyn std::error::Error + Send + Sync>> {
	use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
	use sc_consensus_babe_rpc::{Babe, BabeApiServer};
	use sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer};
	use sc_sync_state_rpc::{SyncState, SyncStateApiServer};
	use substrate_frame_rpc_system::{System, SystemApiServer};

	let Deps { client, pool, select_chain, keystore, babe, grandpa, chain_spec } = deps;
	let GrandpaDeps { voter_state, authority_set, justifications, proofs } = grandpa;

	let mut module = RpcModule::new(());
	let system = System::<_, _, Block>::new(client.clone(), pool);
	module.merge(SystemApiServer::<Hash, AccountId, Nonce>::into_rpc(system))?;
	let payment = TransactionPayment::<_, Block>::new(client.clone());
	module.merge(TransactionPaymentApiServer::<Hash, _>::into_rpc(payment))?;
	let spec = chain_spec.cloned_box();
	let sync = SyncState::new(spec, client.clone(), authority_set.clone(), babe.clone())?;
	module.merge(SyncStateApiServer::<Block>::into_rpc(sync))?;
	module.merge(Babe::new(client, babe, keystore, select_chain).into_rpc())?;
	module.merge(
		Grandpa::new(subscriptions, authority_set, voter_state, justifications, proofs).into_rpc(),
	)?;
	Ok(module)
}
