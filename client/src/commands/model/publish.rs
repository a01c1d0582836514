//! `assay model publish|endorse|retire|remove`: standing behind models on the chain.

use super::{resolve, ModelRef};
use crate::{
	account,
	amount::Amount,
	bundles,
	chain::{
		calls::{self, ModelDescription},
		Api, Until,
	},
	cli::Global,
	error::{Error, Kind, Result},
	output::{hex0x, printable},
};
use assay_executor::{Bundle, Manifest};
use clap::Args;
use serde::Serialize;
use std::{
	fmt,
	path::{Path, PathBuf},
};
use subxt::{transactions::Payload, utils::H256};
use subxt_signer::sr25519::Keypair;

/// Arguments of `assay model publish`.
#[derive(Args, Clone, Debug)]
pub struct PublishArgs {
	/// The bundle's folder.
	pub bundle: PathBuf,
	/// The model that this one was made from.
	#[arg(long, value_name = "ID")]
	pub parent: Option<String>,
}

/// Arguments of `assay model endorse`.
#[derive(Args, Clone, Debug)]
pub struct EndorseArgs {
	/// Bundle folder, whose manifest says what the model is; or id (or its unique beginning) or name on
	/// the chain, with --name.
	pub model: String,
	/// What you call the model; of a bundle, its own name by default.
	#[arg(long)]
	pub name: Option<String>,
	/// Your version of it; of a bundle, its own by default.
	#[arg(long)]
	pub model_version: Option<String>,
	/// Its licence, best as an SPDX expression; of a bundle, its own by default.
	#[arg(long)]
	pub licence: Option<String>,
	/// The model that this one was made from.
	#[arg(long, value_name = "ID")]
	pub parent: Option<String>,
}

/// What `assay model publish` and `assay model endorse` print.
#[derive(Clone, Serialize, Debug)]
pub struct PublishReport {
	/// Name of the model.
	pub model: H256,
	/// Name for people.
	pub name: String,
	/// Whether it was registered before.
	pub already_registered: bool,
	/// Whether the account stood behind it before; nothing was sent then.
	pub already_endorsed: bool,
	/// Block that holds the registration or the endorsement.
	pub block: Option<u64>,
	/// Transaction fee in 10^-12 ASY.
	pub fee: String,
	/// Deposit in 10^-12 ASY, returned when the endorsement is withdrawn.
	pub deposit: String,
}

impl fmt::Display for PublishReport {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		writeln!(f, "model    {}", hex0x(&self.model.0))?;
		writeln!(f, "name     {}", printable(&self.name))?;
		match (self.already_registered, self.already_endorsed) {
			(_, true) => return writeln!(f, "registered and endorsed already; nothing was sent"),
			(true, false) => {
				writeln!(f, "was registered already; now this account endorses it too")?
			},
			(false, false) => {},
		}
		let amount = |text: &str| Amount(text.parse().unwrap_or_default());
		if let Some(block) = self.block {
			writeln!(f, "block    {block}")?;
		}
		writeln!(f, "fee      {}", amount(&self.fee))?;
		writeln!(f, "deposit  {} (returned by `assay model retire`)", amount(&self.deposit))
	}
}

/// What the manifest of a bundle says about its model.
fn described(manifest: &Manifest, parent: Option<H256>) -> ModelDescription {
	ModelDescription {
		name: manifest.name.clone(),
		version: manifest.version.clone(),
		source_hash: manifest.source_hash,
		parent,
		licence: manifest.licence.clone(),
	}
}

/// Registers the bundle's model. If it is registered already, whoever did, the account of `signer` stands
/// behind it, too; if it does so already, nothing is sent.
///
/// # Errors
/// When the account recalled the model, and what the chain refuses.
pub async fn publish(
	api: &Api,
	bundle: &Bundle,
	parent: Option<H256>,
	signer: &Keypair,
	until: Until,
) -> Result<PublishReport> {
	let manifest = bundle.manifest();
	let model = H256(manifest.model_id);
	let about = described(manifest, parent);
	if api.model(&api.best().await?, model).await?.is_some() {
		return endorse(api, model, &about, signer, until).await;
	}
	let call = calls::register_model(bundle.program_bytes(), manifest.weights_root, &about);
	match api.submit(&call, signer, until).await {
		Ok(receipt) => {
			let deposit = receipt.step.event("Models::Registered");
			let deposit = deposit.and_then(|event| event.balance("deposit")).unwrap_or_default();
			Ok(PublishReport {
				model,
				name: about.name,
				already_registered: false,
				already_endorsed: false,
				block: Some(receipt.step.block),
				fee: receipt.step.fee.to_string(),
				deposit: deposit.to_string(),
			})
		},
		// Somebody saw it in the pool and was quicker: that takes nothing away.
		Err(error) if error.code.as_deref() == Some("Models::AlreadyRegistered") => {
			endorse(api, model, &about, signer, until).await
		},
		Err(error) => Err(error),
	}
}

/// Has the account of `signer` stand behind a registered model, unless it does already.
///
/// # Errors
/// When the account recalled the model, and what the chain refuses.
pub async fn endorse(
	api: &Api,
	model: H256,
	about: &ModelDescription,
	signer: &Keypair,
	until: Until,
) -> Result<PublishReport> {
	let mut report = PublishReport {
		model,
		name: about.name.clone(),
		already_registered: true,
		already_endorsed: true,
		block: None,
		fee: "0".into(),
		deposit: "0".into(),
	};
	let own = api.endorsement(&api.best().await?, model, &account::account_of(signer)).await?;
	if let Some(own) = own {
		return match own.recall {
			None => Ok(report),
			Some(recall) => {
				let said = format!("this account recalled the model at block {}", recall.at);
				Err(Error::new(Kind::Refused, said).code("Models::AlreadyRecalled").hint(
					"a recall stays; what was mended is another model: compile and publish it",
				))
			},
		};
	}
	let receipt = api.submit(&calls::endorse_model(model, about), signer, until).await?;
	let deposit = receipt.step.event("Models::Endorsed").and_then(|e| e.balance("deposit"));
	report.already_endorsed = false;
	report.block = Some(receipt.step.block);
	report.fee = receipt.step.fee.to_string();
	report.deposit = deposit.unwrap_or_default().to_string();
	Ok(report)
}

async fn parent_of(api: &Api, parent: Option<&str>) -> Result<Option<H256>> {
	match parent {
		Some(parent) => Ok(Some(resolve(api, &api.best().await?, parent).await?.id)),
		None => Ok(None),
	}
}

pub(super) async fn run(args: &PublishArgs, global: &Global) -> Result<()> {
	let out = global.output();
	let signer = global.signer()?;
	let bundle = bundles::load(&args.bundle)?;
	let api = global.api().await?;
	let parent = parent_of(&api, args.parent.as_deref()).await?;
	let spinner = out.spinner("registering the model");
	let report = publish(&api, &bundle, parent, &signer, global.until()).await?;
	spinner.finish_and_clear();
	out.report(&report);
	Ok(())
}

pub(super) async fn run_endorse(args: &EndorseArgs, global: &Global) -> Result<()> {
	let out = global.output();
	let signer = global.signer()?;
	let dir = Path::new(&args.model);
	// Loading checks that the bundle is the model that its manifest names.
	let bundle = if bundles::is_bundle(dir) { Some(bundles::load(dir)?) } else { None };
	let mut about = match &bundle {
		Some(bundle) => described(bundle.manifest(), None),
		// What others call it is not what this account says.
		None if args.name.is_none() => {
			return Err(Error::usage("what is the model? There is no bundle that says so")
				.hint("give the bundle's folder instead of an id, or --name"))
		},
		None => ModelDescription::default(),
	};
	let said = [
		(&args.name, &mut about.name),
		(&args.model_version, &mut about.version),
		(&args.licence, &mut about.licence),
	];
	for (argument, field) in said {
		if let Some(text) = argument {
			field.clone_from(text);
		}
	}
	let api = global.api().await?;
	about.parent = parent_of(&api, args.parent.as_deref()).await?;
	let model = resolve(&api, &api.best().await?, &args.model).await?.id;
	let spinner = out.spinner("endorsing the model");
	let report = endorse(&api, model, &about, &signer, global.until()).await?;
	spinner.finish_and_clear();
	out.report(&report);
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
