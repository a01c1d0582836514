//! `assay model show|list`: the models of the chain, and finding one of them.

use super::compile;
use crate::{
	account, bundles,
	chain::{
		records::{Endorsement, Model, ModelState},
		Api, At,
	},
	cli::Global,
	error::{Error, Result},
	output::{hex0x, printable},
};
use clap::Args;
use serde::Serialize;
use std::{fmt, path::Path};
use subxt::utils::H256;

/// A model, however it is named.
#[derive(Args, Clone, Debug)]
pub struct ModelRef {
	/// Id (or its unique beginning), name on the chain, or bundle folder.
	pub model: String,
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
	// A whole id means that model, whatever strangers call theirs, and needs no look at any other.
	if let Ok(id) = account::hash(text) {
		if let Some(model) = api.model(at, H256(id)).await? {
			return Ok(model);
		}
	}
	let digits = text.strip_prefix("0x").unwrap_or(text).to_ascii_lowercase();
	let is_hex = digits.len() >= 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
	let by_id = |id: &H256| is_hex && hex::encode(id.0).starts_with(&digits);
	let (mut of_name, mut of_id) = (Vec::new(), Vec::new());
	// Names are read in pages, and records of those that are meant only: strangers' models may be many.
	let each = |id: H256, name: &[u8]| {
		if name == text.as_bytes() {
			of_name.push(id);
		} else if by_id(&id) {
			of_id.push(id);
		}
	};
	api.model_names(at, each).await?;
	let meant = if of_name.is_empty() { of_id } else { of_name };
	let several = |ids: &[H256]| {
		let shown: Vec<_> = ids.iter().take(MOST_SHOWN).map(|id| hex0x(&id.0)).collect();
		Error::usage(format!("{text:?} names {} models", ids.len()))
			.hint(format!("name one by its whole id: {}", shown.join(", ")))
	};
	// Nothing is chosen from a part of them: the one that is meant may be in the other.
	if meant.len() > MOST_SHOWN {
		return Err(several(&meant));
	}
	let mut found = Vec::new();
	for id in &meant {
		found.extend(api.model(at, *id).await?);
	}
	// Of several models of one name, those that take jobs are meant.
	if found.len() > 1 && found.iter().any(|m| m.record.info.active) {
		found.retain(|m| m.record.info.active);
	}
	match found.as_slice() {
		[] => Err(unknown()),
		[only] => Ok(only.clone()),
		found => Err(several(&found.iter().map(|model| model.id).collect::<Vec<_>>())),
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
	let at = api.best().await?;
	let model = resolve(&api, &at, &model.model).await?;
	let mut endorsements = api.endorsements(&at, model.id, MOST_SHOWN).await?;
	// Those that matter most, however many strangers stand before them in the map.
	let (standing, recalls) = (&model.record.standing, &model.record.recalls);
	let named = standing.iter().flat_map(|standing| [standing.first, standing.last]);
	for account in named.chain(recalls.iter().flat_map(|recalls| [recalls.eldest, recalls.last])) {
		if endorsements.iter().all(|shown| shown.account != account) {
			endorsements.extend(api.endorsement(&at, model.id, &account).await?);
		}
	}
	endorsements.sort_by_key(|endorsement| (endorsement.since, endorsement.account.0));
	out.report(&Shown { model, endorsements });
	Ok(())
}

/// Endorsements that are shown, and models of one name that are looked at, at most.
const MOST_SHOWN: usize = 64;

/// What `assay model show` prints.
#[derive(Serialize)]
struct Shown {
	#[serde(flatten)]
	model: Model,
	endorsements: Vec<Endorsement>,
}

impl fmt::Display for Shown {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "{}", self.model)?;
		for endorsement in &self.endorsements {
			writeln!(f, "  {endorsement}")?;
		}
		let all = u64::from(self.model.endorsers()) + u64::from(self.model.recalls());
		match all.saturating_sub(self.endorsements.len() as u64) {
			0 => Ok(()),
			more => writeln!(f, "  and {more} more"),
		}
	}
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
			let state = match &model.record.state {
				ModelState::Endorsed => format!("{} endorsers", model.endorsers()),
				ModelState::Retired { .. } => "retired".into(),
				ModelState::Recalled => "recalled".into(),
				ModelState::Stopped => "stopped".into(),
			};
			let warned = match model.recalls() {
				0 => String::new(),
				recalls => format!("  ({recalls} recalled it)"),
			};
			let name = format!("{} {}", model.words.name, model.words.version);
			let (id, name) = (hex0x(&model.id.0), printable(&name));
			writeln!(f, "{id}  {name:<24} {:>5} ops  {state}{warned}", info.n_ops)?;
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
