//! Building one test program, and where it is: what runs it may not be this machine.

use crate::programs::cargo;
use anyhow::{ensure, Context, Result};
use clap::Args;
use serde_json::Value;
use std::{
	collections::BTreeSet,
	path::Path,
	process::{ExitCode, Stdio},
};

#[derive(Args, Debug)]
pub(crate) struct Options {
	/// `test` or `bench`, and the options of cargo that choose the program.
	#[arg(
		value_name = "ARGUMENT",
		required = true,
		trailing_var_arg = true,
		allow_hyphen_values = true
	)]
	arguments: Vec<String>,
}

/// Builds the program and prints its path; ends as cargo does.
///
/// # Errors
/// Cargo cannot be run, or the options choose no program or several.
pub(crate) fn run(root: &Path, options: &Options) -> Result<ExitCode> {
	let (command, chosen) = options.arguments.split_first().context("which program?")?;
	let fixed = ["--locked", "--no-run", "--message-format=json-render-diagnostics"];
	let mut cargo = cargo(root);
	cargo.arg(command).args(fixed).args(chosen).stderr(Stdio::inherit());
	let done = cargo.output().context("cargo")?;
	if !done.status.success() {
		let code = done.status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
		return Ok(ExitCode::from(code));
	}
	let built = programs(std::str::from_utf8(&done.stdout)?)?;
	let asked = options.arguments.join(" ");
	ensure!(built.len() == 1, "cargo {asked} built {} programs where one is expected", built.len());
	for program in built {
		println!("{program}");
	}
	Ok(ExitCode::SUCCESS)
}

/// The programs that cargo's messages name.
fn programs(messages: &str) -> Result<BTreeSet<String>> {
	let mut found = BTreeSet::new();
	for message in messages.lines() {
		let message: Value = serde_json::from_str(message).context("a message of cargo")?;
		found.extend(message["executable"].as_str().map(str::to_string));
	}
	Ok(found)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn programs_are_those_that_messages_name() {
		let messages = r#"{"reason":"compiler-artifact","executable":null}
{"reason":"compiler-artifact","executable":"/target/golden-1"}
{"reason":"compiler-artifact","executable":"/target/golden-1"}
{"reason":"build-finished","success":true}"#;
		assert_eq!(programs(messages).unwrap(), BTreeSet::from(["/target/golden-1".to_string()]));
		assert!(programs("").unwrap().is_empty());
		assert!(programs("Compiling").is_err());
	}
}
