//! Every crate that is linked has a licence that `deny.toml` lets in. `cargo deny check licenses` says the
//! same and more; this needs no extra tool.

use super::{metadata::Metadata, Finding};
use anyhow::{ensure, Context, Result};
use spdx::Expression;
use std::path::Path;

/// The licence of our own crates.
const OURS: &str = "Apache-2.0";

/// Crates with a licence that is not allowed, or that are banned.
pub(crate) fn check(root: &Path, metadata: &Metadata) -> Result<Vec<Finding>> {
	let text = std::fs::read_to_string(root.join("deny.toml")).context("deny.toml")?;
	let policy = Policy::read(&text).context("deny.toml")?;
	ensure!(
		!policy.allowed.is_empty() && !policy.banned.is_empty(),
		"deny.toml allows or bans nothing"
	);
	ensure!(metadata.packages.len() > 1_000, "the SDK is missing from the metadata");
	Ok(metadata
		.packages
		.iter()
		.filter_map(|package| {
			let name = &package.name;
			let licence = package.licence.as_deref().or_else(|| policy.clarified(name));
			let wrong = match licence {
				_ if policy.banned.contains(name) => "it is banned".to_string(),
				None => "it states no licence".to_string(),
				Some(licence) if package.ours && licence != OURS => {
					format!("ours are {OURS}, not {licence}")
				},
				Some(licence) if !policy.allows(licence) => format!("{licence} is not allowed"),
				Some(_) => return None,
			};
			Some(Finding::of(name.as_str(), format!("{wrong} by deny.toml")))
		})
		.collect())
}

/// What `deny.toml` says.
struct Policy {
	allowed: Vec<String>,
	banned: Vec<String>,
	clarified: Vec<(String, String)>,
}

impl Policy {
	fn read(text: &str) -> Result<Policy> {
		let table: toml::Table = text.parse()?;
		let words = |value: Option<&toml::Value>, key: &str| -> Vec<String> {
			let entries = value.and_then(toml::Value::as_array).into_iter().flatten();
			let word = |entry: &toml::Value| {
				let word = entry.as_str().or_else(|| entry.get(key)?.as_str());
				word.map(str::to_string)
			};
			entries.filter_map(word).collect()
		};
		let part = |section: &str, key: &str| table.get(section).and_then(|part| part.get(key));
		let clarify = part("licenses", "clarify");
		let names = words(clarify, "crate").into_iter();
		Ok(Policy {
			allowed: words(part("licenses", "allow"), ""),
			banned: words(part("bans", "deny"), "crate"),
			clarified: names.zip(words(clarify, "expression")).collect(),
		})
	}

	/// The expression that is stated for a crate whose manifest has none.
	fn clarified(&self, name: &str) -> Option<&str> {
		let found = self.clarified.iter().find(|(other, _)| other == name);
		found.map(|(_, expression)| expression.as_str())
	}

	fn allows(&self, licence: &str) -> bool {
		let expression = Expression::parse_mode(licence, spdx::ParseMode::LAX);
		expression.is_ok_and(|expression| {
			expression.evaluate(|licence| self.allowed.contains(&licence.to_string()))
		})
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn policies_are_read() {
		let text = "[licenses]\nallow = [\"MIT\"]\n[[licenses.clarify]]\ncrate = \"ring\"\n\
		            expression = \"MIT\"\n[bans]\ndeny = [{ crate = \"bad\" }]\n";
		let policy = Policy::read(text).unwrap();
		assert!(
			policy.allows("MIT")
				&& policy.allows("MIT OR GPL-2.0")
				&& policy.allows("MIT/Apache-2.0")
		);
		assert!(
			!policy.allows("GPL-2.0")
				&& !policy.allows("MIT AND GPL-2.0")
				&& !policy.allows("no licence")
		);
		assert_eq!((policy.clarified("ring"), policy.clarified("other")), (Some("MIT"), None));
		assert_eq!(policy.banned, ["bad"]);
	}
}
