//! The connection to a node.

use super::{drift, AssayConfig};
use crate::{
	address,
	error::{Error, Kind, Result},
};
use std::{sync::Arc, time::Duration};
use subxt::{
	backend::LegacyBackend,
	client::{Block as Head, Blocks, ClientAtBlock, OnlineClientAtBlockImpl},
	config::RpcConfigFor,
	metadata::Metadata,
	rpcs::{methods::legacy::LegacyRpcMethods, RpcClient},
	utils::{AccountId32, H256},
	OnlineClient,
};

/// The client at one block.
pub type At = ClientAtBlock<AssayConfig, OnlineClientAtBlockImpl<AssayConfig>>;
/// A block's header and how to get at the rest.
pub type BlockHead = Head<AssayConfig>;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection to a node: reads, submits and watches. Cloning shares the connection.
///
/// # Errors
/// Whatever asks the node fails with [`Kind::Unreachable`] when the connection is lost, and with
/// [`Kind::Failed`] when the node does not answer what was asked. What fails otherwise says so.
#[derive(Clone)]
pub struct Api {
	pub(super) client: OnlineClient<AssayConfig>,
	pub(super) rpc: RpcClient,
	pub(crate) methods: LegacyRpcMethods<RpcConfigFor<AssayConfig>>,
	url: Arc<str>,
	drift: Arc<[drift::Difference]>,
}

impl Api {
	/// Connects to the WebSocket address of a node's RPC and compares its metadata with the
	/// metadata this client was built from; see [`Api::ensure_no_drift`].
	///
	/// # Errors
	/// [`Kind::Unreachable`] when no node answers there within 10 seconds.
	pub async fn connect(url: &str) -> Result<Api> {
		let unreachable = |why: String| {
			Error::new(Kind::Unreachable, format!("cannot reach a node at {url}: {why}"))
				.hint("start one with ./scripts/devnet, or name another with --url or ASSAY_URL")
		};
		let connect = async {
			let rpc = RpcClient::from_insecure_url(url).await.map_err(|e| e.to_string())?;
			let backend = Arc::new(LegacyBackend::builder().build(rpc.clone()));
			let client = OnlineClient::from_backend(backend).await.map_err(|e| e.to_string())?;
			Ok((rpc, client))
		};
		let connected = tokio::time::timeout(CONNECT_TIMEOUT, connect).await;
		let (rpc, client) = connected
			.map_err(|_| unreachable("no answer within 10 seconds".into()))?
			.map_err(|why: String| unreachable(why))?;
		let methods = LegacyRpcMethods::new(rpc.clone());
		let at = client.at_current_block().await?;
		let metadata = at.metadata_ref();
		if let Some(prefix) = address_prefix(metadata) {
			address::set_prefix(prefix);
		}
		let drift = drift::differences(metadata).into();
		Ok(Api { client, rpc, methods, url: url.into(), drift })
	}

	/// The address connected to.
	pub fn url(&self) -> &str {
		&self.url
	}

	/// What differs between the chain's metadata and this client's.
	pub fn drift(&self) -> &[drift::Difference] {
		&self.drift
	}

	/// # Errors
	/// [`Kind::Drift`] when the chain's metadata differs from this client's where the client
	/// uses it: a transaction could mean something else there.
	pub fn ensure_no_drift(&self) -> Result<()> {
		drift::ensure_none(&self.drift)
	}

	/// Direct access to the node's RPC methods.
	pub fn rpc(&self) -> &RpcClient {
		&self.rpc
	}

	/// Hash of block 0, which names the chain.
	pub fn genesis_hash(&self) -> H256 {
		self.client.genesis_hash()
	}

	/// The latest finalized block.
	pub async fn finalized(&self) -> Result<At> {
		Ok(self.client.at_current_block().await?)
	}

	/// The best block: what the chain holds now, though it may still be reverted.
	pub async fn best(&self) -> Result<At> {
		let hash = self.methods.chain_get_block_hash(None).await?;
		let hash = hash.ok_or_else(|| Error::failed("the node has no best block"))?;
		self.at(hash).await
	}

	/// The block with this hash.
	pub async fn at(&self, hash: H256) -> Result<At> {
		Ok(self.client.at_block(hash).await?)
	}

	/// The block with this number, on the best chain.
	///
	/// # Errors
	/// [`Kind::NotFound`] when there is none.
	pub async fn at_number(&self, number: u64) -> Result<At> {
		let hash = self.methods.chain_get_block_hash(Some(number.into())).await?;
		let hash = hash.ok_or_else(|| Error::not_found(format!("there is no block {number}")))?;
		self.at(hash).await
	}

	/// Finalized blocks as they come, none left out, from the latest on.
	pub async fn finalized_blocks(&self) -> Result<Blocks<AssayConfig>> {
		Ok(self.client.stream_blocks().await?)
	}

	/// Number of the best block.
	pub async fn best_number(&self) -> Result<u64> {
		Ok(self.best().await?.block_number())
	}

	/// Next nonce of an account, counting what waits in the node's pool.
	pub(super) async fn next_nonce(&self, account: &AccountId32) -> Result<u64> {
		Ok(self.methods.system_account_next_index(account).await?)
	}

	/// Puts a service key into the node's keystore.
	///
	/// `suri` is stored on the node's disk. Needs a node that allows unsafe RPC, as a devnet's do
	/// from the same machine.
	pub async fn insert_service_key(&self, suri: &str, public: [u8; 32]) -> Result<()> {
		let inserted =
			self.methods.author_insert_key("infr".into(), suri.into(), public.to_vec()).await;
		inserted.map_err(|e| {
			Error::from(e).context("the node did not take the service key").hint(
				"unsafe RPC must be allowed: connect from the node's own machine, or run \
				 assay-node key insert --key-type infr --scheme sr25519",
			)
		})
	}

	/// Whether the node's keystore holds this service key; `None` when the node does not say.
	pub async fn has_service_key(&self, public: [u8; 32]) -> Option<bool> {
		self.methods.author_has_key(public.to_vec(), "infr".into()).await.ok()
	}
}

/// The number that the chain's addresses have.
fn address_prefix(metadata: &Metadata) -> Option<u16> {
	let system = metadata.pallet_by_name("System")?;
	let bytes = system.constant_by_name("SS58Prefix")?.value();
	bytes.try_into().ok().map(u16::from_le_bytes)
}
