//! The chain specifications in `chain-specs/`: written, or compared with what the sources give.
//!
//! | module | what it does |
//! |---|---|
//! | [`blob`] | builds a runtime as compact code |
//! | [`spec`] | puts specifications together, and takes code out of them |

mod blob;
mod spec;

use crate::programs::{printed, say, timed};
use anyhow::{Context, Result};
use blob::Builder;
use clap::Args;
use sha2::{Digest, Sha256};
use std::{
	fs,
	path::{Path, PathBuf},
	process::{Command, ExitCode},
};

/// Folder of the specifications, from the root on.
const FOLDER: &str = "chain-specs";

#[derive(Args, Debug)]
#[command(override_usage = "scripts/chain-specs [--check]")]
pub(crate) struct Options {
	/// Write nothing, and fail if a committed specification says otherwise, code apart; say whose code differs.
	#[arg(long)]
	check: bool,
	/// The node's program, of these sources.
	#[arg(long, value_name = "FILE")]
	node: PathBuf,
	/// Folder of what is built.
	#[arg(long, value_name = "DIR", env = "CARGO_TARGET_DIR")]
	target_dir: PathBuf,
}

/// Builds both runtimes and makes the specifications of them.
///
/// # Errors
/// A program fails, or what it prints is not what it should be.
pub(crate) fn run(root: &Path, options: &Options) -> Result<ExitCode> {
	let made = made(root, options)?;
	let folder = root.join(FOLDER);
	let mut failed = false;
	for (name, text) in &made {
		let committed = folder.join(name);
		let (path, about) = (format!("{FOLDER}/{name}"), about(text)?);
		if !options.check {
			fs::write(&committed, text).with_context(|| path.clone())?;
			println!("chain-specs: wrote {path}: {about}");
		} else if !committed.exists() {
			failed = true;
			eprintln!("chain-specs: {path} is missing; run scripts/chain-specs");
		} else {
			let before = fs::read_to_string(&committed).with_context(|| path.clone())?;
			let (same, verdict) = compared(&before, text).with_context(|| path.clone())?;
			failed |= !same;
			println!("chain-specs: {name} {verdict}: {about}");
		}
	}
	Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The specifications by their names.
fn made(root: &Path, options: &Options) -> Result<[(&'static str, String); 3]> {
	let node = |arguments: &[&str]| -> Result<String> {
		Ok(String::from_utf8(printed(Command::new(&options.node).args(arguments))?)?)
	};
	let constants = root.join("runtime/src/constants.rs");
	let constants = fs::read_to_string(&constants).context("the runtime's constants")?;
	let prefix = spec::public_prefix(&constants).context("the runtime's constants")?;

	let builder = Builder { root, target_dir: &options.target_dir };
	let development = timed("runtime of development chains", || builder.build("", &[]))?;
	let hash = node(&["metadata-hash", "--ss58-prefix", &prefix.to_string()])?;
	let hash = hash.trim();
	say(&format!("hash of the metadata under prefix {prefix}: {hash}"));
	let public = timed("runtime of public networks", || {
		builder.build("\"public-network\"", &[("RUNTIME_METADATA_HASH", hash)])
	})?;

	let compact = |chain: &str| {
		spec::with_code(&node(&["export-chain-spec", "--chain", chain])?, &development)
			.with_context(|| format!("the node's specification of the chain {chain}"))
	};
	let (alone, local) = (compact("dev")?, compact("local")?);
	let genesis = root.join(FOLDER).join("testnet-genesis.json");
	let genesis = fs::read_to_string(&genesis).with_context(|| genesis.display().to_string())?;
	let folder = tempfile::tempdir().context("a folder for the public network")?;
	let plain = folder.path().join("plain.json");
	fs::write(&plain, spec::public(&genesis, prefix, &public)?)?;
	// Raw: the genesis of a public network must be the same for whoever starts a node, whatever its version.
	let plain = plain.to_string_lossy();
	let raw = node(&["export-chain-spec", "--chain", &plain, "--raw"])?;
	Ok([("development.json", alone), ("local.json", local), ("testnet.json", raw)])
}

/// What there is to say about a specification.
fn about(text: &str) -> Result<String> {
	let (_, code) = spec::without_code(text)?;
	let hash: String = Sha256::digest(&code).iter().map(|byte| format!("{byte:02x}")).collect();
	let (bytes, file) = (thousands(code.len()), thousands(text.len()));
	Ok(format!("{bytes} bytes of code, sha256 {}, file {file} bytes", &hash[..16]))
}

/// Whether two specifications are the same, code apart, and a sentence about it. What Wasm a machine builds
/// depends on where its folders are, so code is compared apart.
fn compared(before: &str, now: &str) -> Result<(bool, String)> {
	let ((before, old_code), (now, code)) = (spec::without_code(before)?, spec::without_code(now)?);
	let same = before == now;
	let said = if same { "is up to date" } else { "DIFFERS; run scripts/chain-specs" };
	let whose = if old_code == code {
		"its code is the one built here"
	} else {
		"its code was built elsewhere or from other sources"
	};
	Ok((same, format!("{said}, {whose}")))
}

/// A number with its thousands apart.
fn thousands(number: usize) -> String {
	let digits = number.to_string();
	let mut out = String::new();
	for (at, digit) in digits.chars().enumerate() {
		if at > 0 && (digits.len() - at).is_multiple_of(3) {
			out.push(',');
		}
		out.push(digit);
	}
	out
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn thousands_stand_apart() {
		let shown = [0, 12, 999, 1_000, 848_240, 1_705_617].map(thousands);
		assert_eq!(shown, ["0", "12", "999", "1,000", "848,240", "1,705,617"]);
	}

	#[test]
	fn code_is_compared_apart() {
		let spec = |name: &str, code: &str| {
			format!(
				r#"{{"name": "{name}", "genesis": {{"runtimeGenesis": {{"code": "{code}"}}}}}}"#
			)
		};
		let same = compared(&spec("a", "0x01"), &spec("a", "0x01")).unwrap();
		assert_eq!(same, (true, "is up to date, its code is the one built here".into()));
		let (same, said) = compared(&spec("a", "0x01"), &spec("a", "0x02")).unwrap();
		assert!(same && said.contains("elsewhere"), "{said}");
		let (same, said) = compared(&spec("a", "0x01"), &spec("b", "0x01")).unwrap();
		assert!(!same && said.starts_with("DIFFERS"), "{said}");
		let shown = about(&spec("a", "0x616263")).unwrap();
		assert_eq!(shown, "3 bytes of code, sha256 ba7816bf8f01cfea, file 66 bytes");
	}
}
