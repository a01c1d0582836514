//! A network of nodes on this machine, gone when dropped.

use crate::node::{self, Node, NodeSpec};
use anyhow::{Context, Result};
use assay_client::Api;
use std::{
	path::{Path, PathBuf},
	time::Duration,
};
use tempfile::TempDir;

/// The network key of the first node; the others count on from it. An authority does not start
/// without one. Not secrets.
const NODE_KEY: u64 = 0xa11ce;

/// A network; its first node is the one that the others connect to.
#[derive(Debug)]
pub struct Devnet {
	/// The nodes in the order of their specifications.
	pub nodes: Vec<Node>,
	dir: Option<TempDir>,
}

impl Devnet {
	/// As [`Devnet::start`]. Where both authorities take part, a block is finalized then; blocks of one
	/// alone never are.
	pub async fn local(binary: &Path, models_dir: &Path, specs: &[NodeSpec]) -> Result<Devnet> {
		let mut net = Devnet::start(binary, models_dir, specs).await?;
		let takes_part = |flag: &str| specs.iter().any(|spec| spec.args.iter().any(|a| a == flag));
		if !(takes_part("--alice") && takes_part("--bob")) {
			return Ok(net);
		}
		let api = net.nodes[0].ready().await?;
		wait_for_finality(&api, 1, Duration::from_secs(120)).await.map_err(|error| {
			let logs: Vec<_> = net.nodes.iter().map(|node| node.log_tail(10)).collect();
			error.context(format!("the logs end:\n{}", logs.join("\n---\n")))
		})?;
		Ok(net)
	}

	/// Starts a network of the preset `local` (authorities Alice and Bob), whose nodes look for
	/// models in `models_dir`, and waits until they answer.
	pub async fn start(binary: &Path, models_dir: &Path, specs: &[NodeSpec]) -> Result<Devnet> {
		let dir = tempfile::Builder::new().prefix("assay-devnet-").tempdir()?;
		let models = models_dir.to_string_lossy().into_owned();
		let with_models = |spec: &NodeSpec| {
			let plays = spec.args.iter().any(|arg| arg == "--operator" || arg == "--watch");
			let args =
				if plays { vec!["--models-dir".to_string(), models.clone()] } else { vec![] };
			let mut spec = spec.clone();
			spec.args.extend(args);
			spec
		};
		let specs: Vec<NodeSpec> = specs.iter().map(with_models).collect();
		let (first, others) = specs.split_first().context("a network has a node at least")?;
		let mut net = Devnet { nodes: Vec::new(), dir: Some(dir) };
		net.nodes.push(Node::start(binary, first, &joining(NODE_KEY, None), net.dir())?);
		let api = net.nodes[0].ready().await?;
		let first = address(&api).await?;
		for (key, spec) in (NODE_KEY + 1..).zip(others) {
			net.nodes.push(Node::start(binary, spec, &joining(key, Some(&first)), net.dir())?);
		}
		for node in &mut net.nodes[1..] {
			node.ready().await?;
		}
		Ok(net)
	}

	/// As [`Devnet::local`] with the binary that [`node::find_binary`] finds.
	pub async fn with_found_binary(models_dir: &Path, specs: &[NodeSpec]) -> Result<Devnet> {
		Devnet::local(&node::find_binary()?, models_dir, specs).await
	}

	/// The folder of data and logs.
	pub fn dir(&self) -> &Path {
		self.dir.as_ref().map_or(Path::new("."), TempDir::path)
	}

	/// The node called `name`.
	pub fn node(&mut self, name: &str) -> Result<&mut Node> {
		let found = self.nodes.iter_mut().find(|node| node.name == name);
		found.with_context(|| format!("there is no node {name}"))
	}

	/// Connects to the node called `name`.
	pub async fn api(&mut self, name: &str) -> Result<Api> {
		let url = self.node(name)?.url();
		Ok(Api::connect(&url).await?)
	}

	/// Keeps data and logs when the network is gone, and says where they are.
	pub fn keep_logs(&mut self) -> Option<PathBuf> {
		self.dir.take().map(TempDir::keep)
	}
}

impl Drop for Devnet {
	fn drop(&mut self) {
		self.nodes.clear();
		if std::thread::panicking() {
			if let Some(dir) = self.keep_logs() {
				eprintln!("the network's data and logs are in {}", dir.display());
			}
		}
	}
}

/// What a node is told to be part of a network of the preset `local`: its network key, and the address of the
/// node that it connects to, where it is not the first.
pub(crate) fn joining(key: u64, first: Option<&str>) -> Vec<String> {
	let key = format!("{key:064x}");
	let mut args = ["--chain", "local", "--node-key", &key].map(String::from).to_vec();
	args.extend(first.iter().flat_map(|address| ["--bootnodes", address].map(String::from)));
	args
}

/// The network address at which a node listens on this machine.
pub(crate) async fn address(api: &Api) -> Result<String> {
	let params = || subxt::rpcs::rpc_params![];
	for _ in 0..100 {
		let all: Vec<String> = api.rpc().request("system_localListenAddresses", params()).await?;
		if let Some(found) = all.into_iter().find(|address| address.contains("127.0.0.1")) {
			return Ok(found);
		}
		tokio::time::sleep(Duration::from_millis(200)).await;
	}
	anyhow::bail!("the first node does not say where it listens")
}

/// Waits until block `number` is finalized.
pub async fn wait_for_finality(api: &Api, number: u64, patience: Duration) -> Result<()> {
	let wait = async {
		while api.finalized().await?.block_number() < number {
			tokio::time::sleep(Duration::from_millis(500)).await;
		}
		Ok(())
	};
	let waited = tokio::time::timeout(patience, wait).await;
	waited.with_context(|| format!("block {number} was not finalized in {patience:?}"))?
}
