//! `xtask`: programs that keep the repository.
//!
//! It compiles in seconds and stays that way: it knows no other crate of the repository and no chain. What
//! talks to nodes is in `tests/`.

mod chain_specs;
mod programs;
mod test_program;
mod tidy;
mod update_metadata;
mod weights;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};

/// Programs that keep the repository.
#[derive(Parser, Debug)]
#[command(name = "xtask")]
struct Arguments {
	/// Folder of the repository; this program's own by default.
	#[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/.."), hide_default_value = true)]
	root: PathBuf,
	#[command(subcommand)]
	command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
	/// Check what a program can check of how the code reads: who depends on whom, files of other crates,
	/// circles of modules, floats on chain, licences, length of comments, links and paths in documents.
	Tidy,
	/// Measure the pallets' benchmarks in Wasm and write their weights.rs.
	Weights(weights::Options),
	/// Write the metadata that the client is compiled against, from the node's own runtime.
	UpdateMetadata(update_metadata::Options),
	/// Write the chain specifications in chain-specs/, or compare them with what the sources give.
	ChainSpecs(chain_specs::Options),
	/// Build one test program and print its path.
	TestProgram(test_program::Options),
}

fn main() -> ExitCode {
	run(Arguments::parse()).unwrap_or_else(|error| {
		eprintln!("error: {error:#}");
		ExitCode::FAILURE
	})
}

fn run(arguments: Arguments) -> Result<ExitCode> {
	let root = arguments.root.canonicalize()?;
	match arguments.command {
		Command::Tidy => tidy::run(&root),
		Command::Weights(options) => weights::run(&root, &options),
		Command::UpdateMetadata(options) => update_metadata::run(&root, &options),
		Command::ChainSpecs(options) => chain_specs::run(&root, &options),
		Command::TestProgram(options) => test_program::run(&root, &options),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use clap::CommandFactory;

	#[test]
	fn the_command_line_is_consistent() {
		Arguments::command().debug_assert();
	}

	/// What the scripts say, with what they say it for.
	#[test]
	fn the_forms_of_the_scripts_parse() {
		for line in [
			"xtask tidy",
			"xtask --root . weights --target-dir target --steps 2 --repeat 1 jobs models",
			"xtask --root . weights --target-dir target",
			"xtask --root . update-metadata --node assay-node --check",
			"xtask --root . chain-specs --target-dir target --node assay-node --check",
			"xtask --root . test-program test --workspace --test golden",
			"xtask --root . test-program bench --quiet -p assay-kernels --bench gemm",
		] {
			let parsed = Arguments::try_parse_from(line.split(' '));
			parsed.unwrap_or_else(|error| panic!("{line}: {error}"));
		}
		for line in ["xtask weights --step 2 --target-dir t", "xtask test-program", "xtask"] {
			assert!(Arguments::try_parse_from(line.split(' ')).is_err(), "{line}");
		}
	}
}
