//! The metadata that the client is compiled against, from the node's own runtime.

use crate::programs;
use anyhow::{Context, Result};
use clap::Args;
use std::{
	fs,
	path::{Path, PathBuf},
	process::{Command, ExitCode},
};

/// What the client is compiled against, from the root on.
const ARTIFACT: &str = "client/artifacts/metadata.scale";

#[derive(Args, Debug)]
#[command(override_usage = "scripts/update-metadata [--check]")]
pub(crate) struct Options {
	/// Write nothing, and fail if something would change.
	#[arg(long)]
	check: bool,
	/// The node's program.
	#[arg(long, value_name = "FILE", env = "ASSAY_NODE")]
	node: PathBuf,
}

/// Asks the node, and writes what it says where that is new.
///
/// # Errors
/// The node cannot be run, or a file be written.
pub(crate) fn run(root: &Path, options: &Options) -> Result<ExitCode> {
	if !options.node.is_file() {
		eprintln!(
			"update-metadata: no node at {}; build it with 'cargo build --locked --workspace --bin assay-node'",
			options.node.display()
		);
		return Ok(ExitCode::FAILURE);
	}
	let folder = tempfile::tempdir().context("a folder for the node's metadata")?;
	let fresh = folder.path().join("metadata.scale");
	let mut export = Command::new(&options.node);
	programs::run(export.arg("export-metadata").arg("--output").arg(&fresh))?;
	let fresh = fs::read(&fresh).context("the node's metadata")?;
	update(&root.join(ARTIFACT), &fresh, options.check)
}

/// Writes `fresh` into the file `artifact`, unless that is its content already; if it only is to be
/// checked, that is a failure instead.
fn update(artifact: &Path, fresh: &[u8], check: bool) -> Result<ExitCode> {
	if fs::read(artifact).is_ok_and(|committed| committed == fresh) {
		println!("update-metadata: {ARTIFACT} is up to date");
	} else if check {
		eprintln!("update-metadata: the runtime's metadata differs from {ARTIFACT}; run scripts/update-metadata");
		return Ok(ExitCode::FAILURE);
	} else {
		fs::write(artifact, fresh).with_context(|| artifact.display().to_string())?;
		println!("update-metadata: wrote {ARTIFACT} ({} bytes)", fresh.len());
	}
	Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_check_writes_nothing_and_fails() {
		let folder = tempfile::tempdir().unwrap();
		let artifact = folder.path().join("metadata.scale");
		// Exit codes cannot be compared.
		let update = |fresh: &[u8], check| {
			let code = update(&artifact, fresh, check).unwrap();
			(format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS), fs::read(&artifact).ok())
		};
		assert_eq!(update(b"new", true), (false, None));
		assert_eq!(update(b"new", false), (true, Some(b"new".to_vec())));
		assert_eq!(update(b"new", true), (true, Some(b"new".to_vec())));
		assert_eq!(update(b"newer", true), (false, Some(b"new".to_vec())));
		assert_eq!(update(b"newer", false), (true, Some(b"newer".to_vec())));
	}

	#[test]
	fn a_missing_node_is_a_failure() {
		let options = Options { check: true, node: "/nonexistent/assay-node".into() };
		let code = run(Path::new("."), &options).unwrap();
		assert_ne!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
	}
}
