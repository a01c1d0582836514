//! Every crate that is linked has a licence that `deny.toml` lets in. `cargo deny check licenses`
//! says the same and more; this needs no extra tool.

use serde_json::Value;
use spdx::Expression;
use std::{path::Path, process::Command};

fn root() -> &'static Path {
	Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in the workspace")
}

fn policy() -> toml::Table {
	let text = std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml");
	text.parse().expect("deny.toml is TOML")
}

fn packages() -> Vec<Value> {
	let output = Command::new(env!("CARGO"))
		.args(["metadata", "--locked", "--format-version", "1"])
		.current_dir(root())
		.output()
		.expect("cargo runs");
	assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
	let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
	metadata["packages"].as_array().expect("packages").clone()
}

/// The licence expression that the policy states for a crate whose manifest has none.
fn clarified(policy: &toml::Table, name: &str) -> Option<String> {
	let clarify = policy["licenses"].get("clarify")?.as_array()?;
	let entry = clarify.iter().find(|entry| entry["crate"].as_str() == Some(name))?;
	Some(entry["expression"].as_str()?.to_string())
}

#[test]
fn every_licence_is_allowed() {
	let policy = policy();
	let allowed: Vec<&str> = policy["licenses"]["allow"]
		.as_array()
		.expect("a list")
		.iter()
		.filter_map(toml::Value::as_str)
		.collect();
	let mut refused = Vec::new();
	let packages = packages();
	for package in &packages {
		let name = package["name"].as_str().expect("a name");
		let stated = package["license"].as_str().map(str::to_string);
		let Some(licence) = stated.or_else(|| clarified(&policy, name)) else {
			refused.push(format!("{name}: no licence stated"));
			continue;
		};
		let expression = Expression::parse_mode(&licence, spdx::ParseMode::LAX)
			.unwrap_or_else(|error| panic!("{name}: {licence}: {error}"));
		if !expression.evaluate(|licence| allowed.contains(&licence.to_string().as_str())) {
			refused.push(format!("{name}: {licence}"));
		}
	}
	assert!(packages.len() > 1000, "the SDK is missing from the metadata");
	assert!(refused.is_empty(), "not allowed by deny.toml:\n{}", refused.join("\n"));
}

#[test]
fn our_crates_are_apache() {
	let ours: Vec<Value> =
		packages().into_iter().filter(|package| package["source"].is_null()).collect();
	assert!(ours.len() >= 14);
	for package in ours {
		assert_eq!(package["license"], "Apache-2.0", "{}", package["name"]);
	}
}

#[test]
fn nothing_banned_is_linked() {
	let banned: Vec<String> = policy()["bans"]["deny"]
		.as_array()
		.expect("a list")
		.iter()
		.filter_map(|entry| entry["crate"].as_str().map(str::to_string))
		.collect();
	assert!(!banned.is_empty());
	for package in packages() {
		let name = package["name"].as_str().expect("a name");
		assert!(!banned.iter().any(|other| other == name), "{name} is banned by deny.toml");
	}
}
