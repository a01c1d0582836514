//! `assay model publish|show|list|retire|remove`: models on the chain.

use super::compile;
use crate::{
	amount::Amount,
	bundles,
	chain::{
		calls::{self, ModelDescription},
		records::Model,
		Api, At, Until,
	},
	cli::Global,
	error::{Error, Result},
	output::hex0x,
};
use assay_executor::Bundle;
use clap::Args;
use serde::Serialize;
use std::{
	fmt,
	path::{Path, PathBuf},
};
use subxt::{transactions::Payload, utils::H256};
use subxt_signer::sr25519::Keypair;

/// A model, however it is named.
#[derive(Args, Clone, Debug)]
pub struct ModelRef {
	/// Id (or its unique beginning), name on the chain, or bundle folder.
	pub model: String,
}

/// Arguments of `assay model publish`.
#[derive(Args, Clone, Debug)]
pub struct PublishArgs {
	/// The bundle's folder.
	pub bundle: PathBuf,
	/// The model that this one was made from.
	#[arg(long, value_name = "ID")]
	pub parent: Option<String>,
}

/// What `assay model publish` prints.
#[derive(Clone, Serialize, Debug)]
pub struct PublishReport {
	/// Name of the model.
	pub model: H256,
	/// Name for people.
	pub name: String,
	/// Whether it was registered before; nothing was sent then.
	pub already_registered: bool,
	/// Block that holds the registration.
	pub block: Option<u64>,
	/// Transaction fee in 10^-12 ASY.
	pub fee: String,
	/// Deposit in 10^-12 ASY, returned when the model is removed.
	pub deposit: String,
}

impl fmt::Display for PublishReport {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		writeln!(f, "model    {}", hex0x(&self.model.0))?;
		writeln!(f, "name     {}", self.name)?;
		if self.already_registered {
			return writeln!(f, "registered already; nothing was sent");
		}
		let amount = |text: &str| Amount(text.parse().unwrap_or_default());
		if let Some(block) = self.block {
			writeln!(f, "block    {block}")?;
		}
		writeln!(f, "fee      {}", amount(&self.fee))?;
		writeln!(f, "deposit  {} (returned when the model is removed)", amount(&self.deposit))
	}
}

/// Registers the bundle's model, unless it is registered already.
pub async fn publish(
	api: &Api,
	bundle: &Bundle,
	parent: Option<H256>,
	signer: &Keypair,
	until: Until,
) -> Result<PublishReport> {
	let manifest = bundle.manifest();
	let model = H256(manifest.model_id);
	let mut report = PublishReport {
		model,
		name: manifest.name.clone(),
		already_registered: true,
		block: None,
		fee: "0".into(),
		deposit: "0".into(),
	};
	if api.model(&api.best().await?, model).await?.is_some() {
		return Ok(report);
	}
	let about = ModelDescription {
		name: manifest.name.clone(),
		version: manifest.version.clone(),
		source_hash: manifest.source_hash,
		parent,
		licence: manifest.licence.clone(),
	};
	let call = calls::register_model(bundle.program_bytes(), manifest.weights_root, &about);
	let receipt = api.submit(&call, signer, until).await?;
	report.already_registered = false;
	report.block = Some(receipt.step.block);
	report.fee = receipt.step.fee.to_string();
	let deposit = receipt.step.event("Models::Registered").and_then(|e| e.balance("deposit"));
	report.deposit = deposit.unwrap_or_default().to_string();
	Ok(report)
}

pub(super) async fn run(args: &PublishArgs, global: &Global) -> Result<()> {
	let out = global.output();
	let signer = global.signer()?;
	let bundle = bundles::load(&args.bundle)?;
	let api = global.api().await?;
	let parent = match &args.parent {
		Some(parent) => Some(resolve(&api, &api.best().await?, parent).await?.id),
		None => None,
	};
	let spinner = out.spinner("registering the model");
	let report = publish(&api, &bundle, parent, &signer, global.until()).await?;
	spinner.finish_and_clear();
	out.report(&report);
	Ok(())
}

/// The model of the chain that `text` names: a bundle folder, an id or the unique beginning of
/// one, or a name.
pub async fn resolve(api: &Api, at: &At, text: &str) -> Result<Model> {
	let unknown = || {
		Error::not_found(format!("no model {text:?} is registered on this chain"))
			.code("Models::ModelUnknown")
			.hint("see `assay model list`, or register a bundle with `assay model publish DIR`")
	};
	let dir = Path::new(text);
	if bundles::is_bundle(dir) {
		let id = H256(bundles::describe(dir)?.manifest.model_id);
		return api.model(at, id).await?.ok_or_else(unknown);
	}
	let models = api.models(at).await?;
	let digits = text.strip_prefix("0x").unwrap_or(text).to_ascii_lowercase();
	let is_hex = digits.len() >= 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
	let by_id = |m: &&Model| is_hex && hex::encode(m.id.0).starts_with(&digits);
	let mut found: Vec<&Model> = models.iter().filter(|m| m.name == text).collect();
	if found.is_empty() {
		found = models.iter().filter(by_id).collect();
	}
	// Of several models of one name, those that take jobs are meant.
	if found.len() > 1 && found.iter().any(|m| m.record.info.active) {
		found.retain(|m| m.record.info.active);
	}
	match found.as_slice() {
		[] => Err(unknown()),
		[only] => Ok((*only).clone()),
		several => {
			let ids: Vec<_> = several.iter().map(|m| hex0x(&m.id.0)).collect();
			Err(Error::usage(format!("{text:?} names {} models", ids.len()))
				.hint(format!("name one by its id: {}", ids.join(", "))))
		},
	}
}

pub(super) async fn show(model: &ModelRef, global: &Global) -> Result<()> {
	let out = global.output();
	let dir = Path::new(&model.model);
	if bundles::is_bundle(dir) {
		let held = bundles::instantiations(dir)?;
		let reports = held.iter().map(|one| {
			let bundle = bundles::load(&one.dir)?;
			Ok(compile::report(&bundle, one.dir.clone()))
		});
		out.report(&compile::BundleReport::new(dir.to_owned(), reports.collect::<Result<_>>()?));
		return Ok(());
	}
	let api = global.api().await?;
	out.report(&resolve(&api, &api.best().await?, &model.model).await?);
	Ok(())
}

#[derive(Serialize)]
#[serde(transparent)]
struct List(Vec<Model>);

impl fmt::Display for List {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		if self.0.is_empty() {
			return writeln!(f, "no models; register one with `assay model publish DIR`");
		}
		for model in &self.0 {
			let info = &model.record.info;
			let state = if info.active { "" } else { "  (retired)" };
			let name = format!("{} {}", model.name, model.version);
			writeln!(f, "{}  {name:<24} {:>5} ops{state}", hex0x(&model.id.0), info.n_ops)?;
		}
		Ok(())
	}
}

pub(super) async fn list(global: &Global) -> Result<()> {
	let api = global.api().await?;
	let models = api.models(&api.best().await?).await?;
	global.output().report(&List(models));
	Ok(())
}

pub(super) async fn retire(model: &ModelRef, global: &Global) -> Result<()> {
	change(model, global, calls::retire_model).await
}

pub(super) async fn remove(model: &ModelRef, global: &Global) -> Result<()> {
	change(model, global, calls::remove_model).await
}

async fn change<C: Payload>(model: &ModelRef, global: &Global, call: fn(H256) -> C) -> Result<()> {
	let signer = global.signer()?;
	let api = global.api().await?;
	let id = resolve(&api, &api.best().await?, &model.model).await?.id;
	let receipt = api.submit(&call(id), &signer, global.until()).await?;
	global.output().report(&crate::commands::Done::new(&receipt));
	Ok(())
}
