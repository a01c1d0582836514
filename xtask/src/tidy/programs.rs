//! Asking other programs.

use anyhow::{ensure, Context, Result};
use std::{path::Path, process::Command};

/// What `program` prints when it is run in `root`.
///
/// # Errors
/// It cannot be run, says what is wrong, or prints no text.
pub(crate) fn output(root: &Path, program: &str, arguments: &[&str]) -> Result<String> {
	let run = Command::new(program).args(arguments).current_dir(root).output();
	let output = run.with_context(|| program.to_string())?;
	ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
	Ok(String::from_utf8(output.stdout)?)
}

/// The same for the cargo that runs this program, or else the one in the path.
pub(crate) fn cargo(root: &Path, arguments: &[&str]) -> Result<String> {
	let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
	output(root, &cargo, arguments)
}
