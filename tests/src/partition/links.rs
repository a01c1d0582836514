//! Which nodes of a network talk to each other.
//!
//! The nodes run with `--reserved-only`: they talk to reserved peers and to nobody else. So a network is
//! cut by withdrawing reservations, without rights over the machine's interfaces.

use anyhow::{Context, Result};
use assay_client::Api;
use std::time::Duration;
use subxt::rpcs::rpc_params;

/// A node as others reach it.
pub(super) struct Peer {
	api: Api,
	id: String,
	address: String,
}

impl Peer {
	/// The node behind `api`.
	pub(super) async fn of(api: Api) -> Result<Peer> {
		let id: String = api.rpc().request("system_localPeerId", rpc_params![]).await?;
		let address = crate::devnet::address(&api).await?;
		Ok(Peer { api, id, address })
	}

	async fn reserve(&self, other: &Peer) -> Result<()> {
		let add = rpc_params![&other.address];
		Ok(self.api.rpc().request("system_addReservedPeer", add).await?)
	}

	async fn unreserve(&self, other: &Peer) -> Result<()> {
		let remove = rpc_params![&other.id];
		Ok(self.api.rpc().request("system_removeReservedPeer", remove).await?)
	}

	async fn peers(&self) -> Result<usize> {
		let health: serde_json::Value =
			self.api.rpc().request("system_health", rpc_params![]).await?;
		Ok(health["peers"].as_u64().context("the node's health names no peers")? as usize)
	}
}

/// Links every two nodes of `one` and `other`, which are linked among themselves or one node each.
pub(super) async fn link(one: &[Peer], other: &[Peer]) -> Result<()> {
	for (a, b) in pairs(one, other) {
		a.reserve(b).await?;
		b.reserve(a).await?;
	}
	Ok(())
}

/// Cuts every link between `one` and `other`, and waits until the nodes have let go of each other.
pub(super) async fn cut(one: &[Peer], other: &[Peer]) -> Result<()> {
	for (a, b) in pairs(one, other) {
		a.unreserve(b).await?;
		b.unreserve(a).await?;
	}
	for _ in 0..100 {
		let mut apart = true;
		for (side, size) in [(one, one.len()), (other, other.len())] {
			for peer in side {
				apart &= peer.peers().await? < size;
			}
		}
		if apart {
			return Ok(());
		}
		tokio::time::sleep(Duration::from_millis(100)).await;
	}
	anyhow::bail!("the nodes do not let go of each other")
}

fn pairs<'a>(one: &'a [Peer], other: &'a [Peer]) -> impl Iterator<Item = (&'a Peer, &'a Peer)> {
	let all = one.iter().flat_map(move |a| other.iter().map(move |b| (a, b)));
	all.filter(|(a, b)| a.id != b.id)
}
