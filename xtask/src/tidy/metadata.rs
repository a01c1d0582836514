//! What cargo says of the crates.

use crate::programs::cargo_output;
use anyhow::{Context, Result};
use serde_json::Value;
use std::{
	collections::{BTreeMap, BTreeSet},
	path::Path,
};

/// Crates of the workspace and of the registry.
pub(crate) struct Metadata {
	/// All packages, ours and others'.
	pub(crate) packages: Vec<Package>,
}

/// A crate.
#[derive(Clone, Default)]
pub(crate) struct Package {
	/// Its name.
	pub(crate) name: String,
	/// The expression in its manifest.
	pub(crate) licence: Option<String>,
	/// Whether it is a member of the workspace.
	pub(crate) ours: bool,
	/// Names of the crates that it needs, those of its tests apart.
	pub(crate) needs: BTreeSet<String>,
}

impl Metadata {
	/// Asks cargo about the workspace at `root`.
	pub(crate) fn read(root: &Path) -> Result<Metadata> {
		let output = cargo_output(root, &["metadata", "--locked", "--format-version", "1"])?;
		let metadata: Value = serde_json::from_str(&output)?;
		let packages = metadata["packages"].as_array().context("cargo lists no packages")?;
		Ok(Metadata { packages: packages.iter().map(package).collect() })
	}

	/// What each crate of the workspace needs of the others.
	pub(crate) fn arrows(&self) -> BTreeMap<&str, BTreeSet<&str>> {
		let ours = self.packages.iter().filter(|package| package.ours);
		let names: BTreeSet<&str> = ours.clone().map(|package| package.name.as_str()).collect();
		let needs = |package: &'_ Package| -> BTreeSet<&str> {
			names.iter().filter(|name| package.needs.contains(**name)).copied().collect()
		};
		ours.map(|package| (package.name.as_str(), needs(package))).collect()
	}
}

fn package(value: &Value) -> Package {
	let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
	let dependencies = value["dependencies"].as_array().into_iter().flatten();
	Package {
		name: text(&value["name"]),
		licence: value["license"].as_str().map(str::to_string),
		ours: value["source"].is_null(),
		needs: dependencies
			.filter(|dependency| dependency["kind"] != "dev")
			.map(|dependency| text(&dependency["name"]))
			.collect(),
	}
}
