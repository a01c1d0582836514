//! The network that is cut, and who plays what on it.

use super::{
	links::{self, Peer},
	Options,
};
use crate::{
	devnet::{self, Devnet},
	inputs::FreshInputs,
	node::NodeSpec,
	recorder::Recorder,
	roles::{self, Account},
};
use anyhow::{Context, Result};
use assay_client::{
	amount::ASY,
	bundles,
	chain::{calls, records::OperatorStatus},
	commands::model,
	Api, Until,
};
use std::time::Duration;
use subxt::utils::H256;
use tempfile::TempDir;

const STAKE: u128 = 2_000 * ASY;
/// Enough for a stake and some fees.
const GIFT: u128 = 3_000 * ASY;
/// Liars take turns: each is chilled for a while after its conviction. A node acts for so many keys.
const LIARS: usize = 8;

/// A network in two parts. Alice authors on the near side, where the operator, the watcher and the liars
/// are; on the far side Bob authors alone.
pub(super) struct Scene {
	// Ends before the network does.
	pub(super) recorder: Recorder,
	/// Connection to the near side.
	pub(super) near: Api,
	/// Connection to the far side.
	pub(super) far: Api,
	/// Serves honestly.
	pub(super) operator: Account,
	/// Watches.
	pub(super) watcher: Account,
	/// Lie about everything.
	pub(super) liars: Vec<Account>,
	/// Ask on the near side, and on the far side.
	askers: [Account; 2],
	victim: Account,
	model: H256,
	fee: u128,
	inputs: FreshInputs,
	next_liar: usize,
	near_side: Vec<Peer>,
	far_side: Vec<Peer>,
	pub(super) net: Devnet,
	_models: TempDir,
}

impl Scene {
	/// Starts the network, links all nodes and gives everybody their roles.
	pub(super) async fn set(options: &Options) -> Result<Scene> {
		let models = tempfile::Builder::new().prefix("assay-models-").tempdir()?;
		let model = roles::compile_digits(&options.files.digits, &models.path().join("digits"), 1)?;
		let binary = options.files.node()?;
		// The newer network backend, litep2p, keeps a link whose reservation is withdrawn.
		let apart = ["--reserved-only", "--force-authoring", "--network-backend", "libp2p"];
		let spec = |name, args: &[&str]| NodeSpec::new(name, &[args, &apart[..]].concat());
		let specs = [
			spec("alice", &["--alice", "--validator"]),
			spec("bob", &["--bob", "--validator"]),
			spec("charlie", &["--operator", "--drill", "lie:middle", "--engine-threads", "1"]),
			spec("dave", &["--operator", "--watch", "--engine-threads", "1"]),
		];
		let mut net = Devnet::start(&binary, models.path(), &specs).await?;
		let mut peers = Vec::new();
		for name in ["bob", "alice", "charlie", "dave"] {
			peers.push(Peer::of(net.api(name).await?).await?);
		}
		let near_side = peers.split_off(1);
		let far_side = peers;
		links::link(&near_side, &near_side).await?;
		links::link(&near_side, &far_side).await?;
		let (near, far) = (net.api("dave").await?, net.api("bob").await?);
		near.ensure_no_drift()?;
		devnet::wait_for_finality(&near, 1, Duration::from_secs(120)).await?;

		let bundle = bundles::list(models.path()).into_iter().next();
		let bundle = bundle.context("the bundle was compiled")?;
		let rich = roles::dev("//Alice//stash")?;
		let loaded = bundles::load(&bundle.dir)?;
		model::publish(&near, &loaded, None, &rich.key, Until::InBlock).await?;
		let liars = (0..LIARS).map(|number| roles::dev(&format!("//Liar//{number}")));
		let liars = liars.collect::<Result<Vec<_>>>()?;
		let [operator, watcher] = ["//Operator", "//Watcher"].map(roles::dev);
		let [near_asker, far_asker, victim] = ["//Near", "//Far", "//Victim"].map(roles::dev);
		let (operator, watcher, victim) = (operator?, watcher?, victim?);
		let askers = [near_asker?, far_asker?];
		let parties = liars.iter().chain([&operator, &watcher, &victim]).chain(&askers);
		roles::give(&near, &rich, &parties.collect::<Vec<_>>(), GIFT).await?;
		let lying = net.api("charlie").await?;
		let served = [model];
		let lies = liars.iter().map(|liar| roles::become_operator(&lying, liar, STAKE, &served));
		futures::future::try_join_all(lies).await?;
		roles::become_operator(&near, &operator, STAKE, &served).await?;
		roles::become_watcher(&near, &watcher).await?;
		let at = near.best().await?;
		let published = near.model(&at, model).await?.context("the model is published")?;
		let fee = near.least_fee(&at, published.record.info.units)?;
		devnet::wait_for_finality(&near, at.block_number(), Duration::from_secs(120)).await?;
		Ok(Scene {
			recorder: Recorder::start(near.clone()),
			near,
			far,
			operator,
			watcher,
			liars,
			askers,
			victim,
			model,
			fee,
			inputs: FreshInputs::new(&options.files.inputs, &bundle)?,
			next_liar: 0,
			near_side,
			far_side,
			net,
			_models: models,
		})
	}

	/// Asks the honest operator, on the near side or on the far one.
	pub(super) async fn ask(&mut self, far: bool) -> Result<()> {
		let input = self.inputs.take()?;
		let call = calls::request_job(self.model, &input, self.fee, Some(&self.operator.id));
		let (api, who) = if far { (&self.far, 1) } else { (&self.near, 0) };
		Ok(api.sender(&self.askers[who].key).await?.post(&call).await?)
	}

	/// Asks the next liar that takes jobs, on the near side.
	pub(super) async fn ask_a_liar(&mut self) -> Result<()> {
		let input = self.inputs.take()?;
		let at = self.near.best().await?;
		for _ in 0..LIARS {
			let liar = self.liars[self.next_liar].clone();
			self.next_liar = (self.next_liar + 1) % LIARS;
			let record = self.near.operator(&at, &liar.id).await?;
			if record.is_some_and(|found| found.record.status == OperatorStatus::Active) {
				let call = calls::request_job(self.model, &input, self.fee, Some(&liar.id));
				return Ok(self.near.sender(&self.victim.key).await?.post(&call).await?);
			}
			// For the next time; refused while it is chilled.
			let _ = self.near.sender(&liar.key).await?.post(&calls::activate()).await;
		}
		Ok(())
	}

	/// Cuts the network in two.
	pub(super) async fn cut(&self) -> Result<()> {
		links::cut(&self.near_side, &self.far_side).await
	}

	/// Makes it one again.
	pub(super) async fn heal(&self) -> Result<()> {
		links::link(&self.near_side, &self.far_side).await
	}
}
