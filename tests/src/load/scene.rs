//! The network of one scenario, and who plays what on it.

use super::Options;
use crate::{
	devnet::Devnet,
	inputs::FreshInputs,
	node::NodeSpec,
	roles::{self, Account},
};
use anyhow::{Context, Result};
use assay_client::{
	amount::ASY,
	bundles::{self, Described},
	chain::{calls, Sender},
	commands::model,
	Api, Until,
};
use assay_referee::tree;
use subxt::utils::H256;
use tempfile::TempDir;

/// Jobs in one transaction of the honest requester.
pub(super) const PER_EXTRINSIC: u64 = 20;
/// What an operator stakes: enough for thousands of jobs in flight.
const STAKE: u128 = 400_000 * ASY;
/// What the liar stakes: it loses it job by job.
const LIARS_STAKE: u128 = 2_000 * ASY;
/// What a requester starts with.
const GIFT: u128 = 300_000 * ASY;

/// A running network with its parties.
pub(super) struct Scene {
	/// Connection to Alice's node.
	pub(super) api: Api,
	pub(super) net: Devnet,
	/// Serves honestly, on Alice's node.
	pub(super) operator: Account,
	/// Watches, on Bob's node.
	pub(super) watcher: Account,
	/// Lies, on Charlie's node.
	pub(super) liar: Account,
	/// Sends jobs to the liar.
	pub(super) victim: Account,
	/// Makes the noise.
	pub(super) noisy: Account,
	/// The model that is served, and one that is not.
	pub(super) model: H256,
	pub(super) unserved: H256,
	/// The least fees of these.
	pub(super) fee: u128,
	pub(super) unserved_fee: u128,
	bundle: Described,
	inputs: FreshInputs,
	requester: Sender,
	victims: Sender,
	with_liar: bool,
	since_renewal: u32,
	_models: TempDir,
}

impl Scene {
	/// Starts the network and gives everybody their roles.
	pub(super) async fn set(options: &Options, with_liar: bool) -> Result<Scene> {
		let models = tempfile::Builder::new().prefix("assay-models-").tempdir()?;
		let model = roles::compile_digits(&options.files.digits, &models.path().join("digits"), 1)?;
		let unserved =
			roles::compile_digits(&options.files.digits, &models.path().join("digits-2"), 2)?;
		let binary = options.files.node()?;
		let mut specs = vec![
			NodeSpec::new(
				"alice",
				&["--alice", "--validator", "--operator", "--engine-threads", "1"],
			),
			NodeSpec::new("bob", &["--bob", "--validator", "--watch", "--engine-threads", "1"]),
		];
		if with_liar {
			let args = ["--operator", "--drill", "lie:middle", "--engine-threads", "1"];
			specs.push(NodeSpec::new("charlie", &args));
		}
		let mut net = Devnet::local(&binary, models.path(), &specs).await?;
		let api = net.api("alice").await?;
		api.ensure_no_drift()?;
		let find = |id: H256| {
			let found = bundles::list(models.path()).into_iter();
			let mut found = found.filter(|bundle| bundle.manifest.model_id == id.0);
			found.next().context("the bundle was compiled")
		};
		let (bundle, other) = (find(model)?, find(unserved)?);
		let rich = roles::dev("//Alice//stash")?;
		for described in [&bundle, &other] {
			let loaded = bundles::load(&described.dir)?;
			model::publish(&api, &loaded, None, &rich.key, Until::InBlock).await?;
		}
		let [operator, watcher, liar] = ["//Alice", "//Bob", "//Charlie"].map(roles::dev);
		let [asker, victim, noisy] = ["//Requester", "//Victim", "//Noisy"].map(roles::dev);
		let (operator, watcher, liar) = (operator?, watcher?, liar?);
		let (asker, victim, noisy) = (asker?, victim?, noisy?);
		roles::give(&api, &rich, &[&asker, &victim, &noisy], GIFT).await?;
		roles::become_operator(&api, &operator, STAKE, &[model]).await?;
		roles::become_watcher(&net.api("bob").await?, &watcher).await?;
		if with_liar {
			let lying = net.api("charlie").await?;
			roles::become_operator(&lying, &liar, LIARS_STAKE, &[model]).await?;
		}
		let at = api.best().await?;
		let units = |model: Option<assay_client::chain::records::Model>| {
			model.map(|model| model.record.info.units).context("the model is published")
		};
		let fee = api.least_fee(&at, units(api.model(&at, model).await?)?)?;
		let unserved_fee = api.least_fee(&at, units(api.model(&at, unserved).await?)?)?;
		// Finalized, so that what is signed from here on is good on every fork.
		crate::devnet::wait_for_finality(
			&api,
			at.block_number(),
			std::time::Duration::from_secs(120),
		)
		.await?;
		let (requester, victims) = (api.sender(&asker.key).await?, api.sender(&victim.key).await?);
		Ok(Scene {
			api,
			net,
			operator,
			watcher,
			liar,
			victim,
			noisy,
			model,
			unserved,
			fee,
			unserved_fee,
			inputs: FreshInputs::new(&options.files.inputs, &bundle)?,
			bundle,
			requester,
			victims,
			with_liar,
			since_renewal: 0,
			_models: models,
		})
	}

	/// Whether there is somebody who lies.
	pub(super) fn lies(&self) -> bool {
		self.with_liar
	}

	/// An input that nobody has asked about.
	pub(super) fn input(&mut self) -> Result<Vec<u8>> {
		self.inputs.take()
	}

	/// Sends `count` jobs to whoever serves the model, each about another input.
	pub(super) async fn request_honest(&mut self, count: u32) -> Result<()> {
		let mut jobs = Vec::new();
		for _ in 0..count {
			// To the honest operator where somebody else would take them and lie.
			let to = self.with_liar.then_some(self.operator.id);
			jobs.push((self.model, self.input()?, self.fee, to));
		}
		self.since_renewal += 1;
		if self.since_renewal > 60 {
			self.since_renewal = 0;
			self.requester.renew().await?;
			self.victims.renew().await?;
		}
		Ok(self.requester.post(&calls::request_jobs(jobs)).await?)
	}

	/// Sends one job to the liar, who answers nothing after its first conviction until it is active
	/// again.
	pub(super) async fn request_lie(&mut self) -> Result<()> {
		let at = self.api.best().await?;
		let liar = self.api.operator(&at, &self.liar.id).await?;
		let active = liar.is_some_and(|liar| {
			liar.record.status == assay_client::chain::records::OperatorStatus::Active
		});
		if !active {
			// Back as soon as it may be; refused before.
			let _ = self.api.sender(&self.liar.key).await?.post(&calls::activate()).await;
			return Ok(());
		}
		let input = self.input()?;
		let call = calls::request_job(self.model, &input, self.fee, Some(&self.liar.id));
		Ok(self.victims.post(&call).await?)
	}

	/// What Bob's node counts, 0 if it does not answer.
	pub(super) fn watcher_metric(&self, name: &str) -> u64 {
		let bob = self.net.nodes.iter().find(|node| node.name == "bob");
		bob.and_then(|node| node.metric(name)).unwrap_or_default() as u64
	}

	/// The right output of the model for an input, and its root.
	pub(super) fn answer(&self, input: &[u8]) -> Result<(Vec<u8>, [u8; 32])> {
		let bundle = bundles::load(&self.bundle.dir)?;
		let session = assay_executor::Session::new(std::sync::Arc::new(bundle), Default::default());
		let output = session.run(input)?;
		let root = tree::hash(&output);
		Ok((output, root))
	}
}
