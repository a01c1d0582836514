//! What is said about a network that runs.

use super::{Member, MEMBERS};
use crate::node::Ports;
use std::{fmt::Write, path::Path};

/// Where its nodes are, whose keys have money, and what to try.
pub(super) fn report(data: &Path, programs: &Path, python: &Path) -> String {
	let mut text = "\nThe network runs: two authorities, a block every 3 seconds.\n\n".to_string();
	for Member { name, ports: Ports { rpc, prometheus, .. }, part, .. } in &MEMBERS {
		// Writing to a string does not fail.
		let _ = writeln!(
			text,
			"  {name:<7} ws://127.0.0.1:{rpc}   metrics http://127.0.0.1:{prometheus}/metrics   {part}"
		);
	}
	let (data, programs, python) = (data.display(), programs.display(), python.display());
	let _ = write!(
		text,
		r#"
Funded keys, never to be used anywhere else: //Alice (also sudo) //Bob //Charlie //Dave //Eve //Ferdie

To try next:

  export PATH="{programs}:$PATH" ASSAY_MODELS_DIR="{data}/models" ASSAY_SURI=//Charlie
  assay doctor
  assay model list
  {python} scripts/compare/magika_inputs.py make README.md in.npz
  assay job submit magika --input in.npz --wait --output out.npz
  {python} scripts/compare/magika_inputs.py label out.npz
  assay job list

  scripts/devnet --demo     the main job, then an operator that lies and loses its stake
  scripts/devnet --stop     stop; --clean also deletes {data}
"#
	);
	text
}

#[cfg(test)]
mod tests {
	use super::*;
	use assay_client::cli::Cli;
	use clap::Parser;

	/// What people are told to run.
	#[test]
	fn the_commands_parse() {
		let text = report(Path::new("/data"), Path::new("/bin"), Path::new("/venv/python"));
		let commands: Vec<&str> =
			text.lines().map(str::trim).filter(|line| line.starts_with("assay ")).collect();
		assert!(commands.len() > 3, "{commands:?}");
		for line in commands {
			Cli::try_parse_from(line.split(' ')).unwrap_or_else(|e| panic!("{line}: {e}"));
		}
	}

	#[test]
	fn nodes_and_scripts_are_named() {
		let text = report(Path::new("/data"), Path::new("/bin"), Path::new("/venv/python"));
		for line in [
			"  alice   ws://127.0.0.1:9944   metrics http://127.0.0.1:9615/metrics   authority, operator",
			"  bob     ws://127.0.0.1:9945   metrics http://127.0.0.1:9616/metrics   authority, watcher",
			"  export PATH=\"/bin:$PATH\" ASSAY_MODELS_DIR=\"/data/models\" ASSAY_SURI=//Charlie",
		] {
			assert!(text.lines().any(|other| other == line), "{line}: {text}");
		}
		let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
		let words = text.split_whitespace().filter(|word| word.starts_with("scripts/"));
		for script in words {
			assert!(root.join(script).is_file(), "{script}");
		}
	}
}
