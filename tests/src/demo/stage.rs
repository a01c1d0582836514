//! The network of the demonstration, and who plays what on it.

use super::{report, Options};
use crate::{
	devnet::Devnet,
	inputs::{Digits, MagikaConfig},
	node::{self, NodeSpec},
	recorder::Recorder,
	roles::{self, Account},
};
use anyhow::{Context, Result};
use assay_client::{
	amount::{Amount, ASY},
	bundles::{self, Described},
	chain::{calls, At},
	commands::model,
	Api, Until,
};
use std::{
	collections::BTreeMap,
	path::{Path, PathBuf},
	time::Instant,
};
use subxt::utils::H256;
use tempfile::TempDir;

/// Images in one batch: three batches hold the held-out third, and the probabilities of one fit
/// into a claim.
pub(super) const BATCH: usize = 200;
/// What each operator of the demonstration stakes.
const STAKE: u128 = 1_000 * ASY;

/// How Charlie's node cheats: the number of the job, modulo five, picks one.
pub(super) const DRILLS: [&str; 5] =
	["lie:first", "lie:middle", "lie:last", "silent", "unresponsive"];

/// Who owns what at one moment, by dev path: everything the account owns, and its stake.
pub(super) type Money = BTreeMap<String, (u128, u128)>;

/// The network and everybody on it.
pub(super) struct Stage {
	// Ends before the network does.
	pub(super) recorder: Recorder,
	/// Connection to Alice's node.
	pub(super) api: Api,
	pub(super) net: Devnet,
	pub(super) requester: Account,
	pub(super) victim: Account,
	pub(super) operator: Account,
	pub(super) watcher: Account,
	pub(super) liars: Vec<Account>,
	pub(super) digits: Digits,
	pub(super) magika: Option<MagikaConfig>,
	pub(super) bundles: BTreeMap<String, Described>,
	pub(super) started: Instant,
	// Deleted when the stage is.
	_models: TempDir,
}

impl Stage {
	/// Starts the network and gives everybody their roles.
	pub(super) async fn set(options: &Options) -> Result<Stage> {
		let started = Instant::now();
		report::heading("Setting the stage");
		let models = tempfile::Builder::new().prefix("assay-models-").tempdir()?;
		let (digits, magika) = prepare_models(options, models.path())?;
		let binary = match &options.node {
			Some(path) => path.clone(),
			None => node::find_binary()?,
		};
		let mut net = Devnet::local(&binary, models.path(), &nodes()).await?;
		for node in &net.nodes {
			println!("{:<8} {}  log {}", node.name, node.url(), node.log().display());
		}
		let api = net.api("alice").await?;
		api.ensure_no_drift()?;
		let bundles = bundles::list(models.path());
		let bundles: BTreeMap<_, _> =
			bundles.into_iter().map(|b| (b.manifest.name.clone(), b)).collect();
		let liars = ["//Charlie", "//Dave", "//Eve", "//Ferdie", "//Liar5"];
		let stage = Stage {
			recorder: Recorder::start(api.clone()),
			requester: roles::dev("//Alice//stash")?,
			victim: roles::dev("//Bob//stash")?,
			operator: roles::dev("//Alice")?,
			watcher: roles::dev("//Bob")?,
			liars: liars.map(roles::dev).into_iter().collect::<Result<_>>()?,
			api,
			net,
			digits,
			magika,
			bundles,
			started,
			_models: models,
		};
		let mut stage = stage;
		stage.cast().await?;
		Ok(stage)
	}

	/// Publishes the models and gives everybody stakes, keys and models.
	async fn cast(&mut self) -> Result<()> {
		for described in self.bundles.values() {
			let bundle = bundles::load(&described.dir)?;
			let key = &self.requester.key;
			let report = model::publish(&self.api, &bundle, None, key, Until::InBlock).await?;
			let fee = Amount(report.fee.parse()?);
			println!("published {:<12} 0x{}  fee {fee}", report.name, hex::encode(report.model.0));
		}
		let poor = self.liars.last().context("there are liars")?;
		let gift = calls::transfer(&poor.id, 2 * STAKE);
		self.api.submit(&gift, &self.requester.key, Until::InBlock).await?;

		let all: Vec<H256> = self.bundles.values().map(|b| H256(b.manifest.model_id)).collect();
		let digits = [self.model("digits")?];
		let watch = self.net.api("bob").await?;
		let lying = self.net.api("charlie").await?;
		let mut casting = vec![];
		for liar in &self.liars {
			casting.push(roles::become_operator(&lying, liar, STAKE, &digits));
		}
		let honest = roles::become_operator(&self.api, &self.operator, STAKE, &all);
		let (liars, honest, watcher) = futures::join!(
			futures::future::join_all(casting),
			honest,
			roles::become_watcher(&watch, &self.watcher)
		);
		honest?;
		watcher?;
		for liar in liars {
			liar?;
		}
		println!(
			"staked {} each: {} (honest, on alice) and {} (cheating, on charlie); {} watches on bob",
			Amount(STAKE),
			self.operator.path,
			self.liars.iter().map(|l| l.path.as_str()).collect::<Vec<_>>().join(" "),
			self.watcher.path
		);
		Ok(())
	}

	/// The id of the bundle called `name`.
	pub(super) fn model(&self, name: &str) -> Result<H256> {
		Ok(H256(self.bundle(name)?.manifest.model_id))
	}

	/// The bundle called `name`.
	pub(super) fn bundle(&self, name: &str) -> Result<&Described> {
		self.bundles.get(name).with_context(|| format!("there is no bundle called {name}"))
	}

	/// Everybody.
	pub(super) fn accounts(&self) -> Vec<&Account> {
		let named = [&self.requester, &self.victim, &self.operator, &self.watcher];
		named.into_iter().chain(&self.liars).collect()
	}

	/// Everybody's money at a block.
	pub(super) async fn money(&self, at: &At) -> Result<Money> {
		let mut money = Money::new();
		for account in self.accounts() {
			let total = self.api.balance(at, &account.id).await?.total();
			let operator = self.api.operator(at, &account.id).await?;
			let stake = operator.map(|o| o.record.stake).unwrap_or_default();
			money.insert(account.path.clone(), (total, stake));
		}
		Ok(money)
	}
}

fn nodes() -> Vec<NodeSpec> {
	let mut lying = vec!["--operator"];
	DRILLS.iter().for_each(|drill| lying.extend(["--drill", drill]));
	vec![
		NodeSpec::new("alice", &["--alice", "--operator"]),
		NodeSpec::new("bob", &["--bob", "--watch"]),
		NodeSpec::new("charlie", &lying),
	]
}

/// Fills `dir` with the bundles that the nodes serve.
fn prepare_models(options: &Options, dir: &Path) -> Result<(Digits, Option<MagikaConfig>)> {
	let onnx = options.digits.join("digits.onnx");
	roles::compile_digits(&onnx, &dir.join("digits"), 1)?;
	roles::compile_digits(&onnx, &dir.join("digits-batch"), BATCH as u32)?;
	let digits = Digits::load(&options.digits.join("heldout.npz"))?;
	let magika = options.models_dir.join("magika");
	let config = if bundles::is_bundle(&magika) { magika_config(options).map(Some)? } else { None };
	if config.is_some() {
		copy_folder(&magika, &dir.join("magika"))?;
	} else {
		println!("no bundle {}: leaving Magika out", magika.display());
	}
	Ok((digits, config))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
	std::fs::create_dir_all(to)?;
	for entry in std::fs::read_dir(from)? {
		let entry = entry?;
		std::fs::copy(entry.path(), to.join(entry.file_name()))?;
	}
	Ok(())
}

/// Magika's configuration, given or found in the Python package.
fn magika_config(options: &Options) -> Result<MagikaConfig> {
	if let Some(path) = &options.magika_config {
		return MagikaConfig::load(path);
	}
	let python = options.python.clone().unwrap_or_else(|| PathBuf::from("python3"));
	let find = "import importlib.util as u, pathlib; print(pathlib.Path(u.find_spec('magika')\
		.origin).parent / 'models' / 'standard_v3_3' / 'config.min.json')";
	let output = std::process::Command::new(python).args(["-c", find]).output()?;
	let path = String::from_utf8(output.stdout)?;
	anyhow::ensure!(
		output.status.success(),
		"Magika's class names were not found: give --magika-config magika.json, or --python with \
		 the magika package"
	);
	MagikaConfig::load(Path::new(path.trim()))
}
