//! `assay-devnet`: a network that is started and left running. `scripts/devnet` prepares what it needs.

use anyhow::Result;
use assay_tests::{
	command,
	standing::{Options, Standing},
};
use clap::{Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};

/// Starts a local network of two authorities and leaves it running.
#[derive(Parser, Debug)]
#[command(name = "assay-devnet", version)]
struct Arguments {
	/// Folder of data and logs.
	#[arg(long, value_name = "DIR", env = "ASSAY_DEVNET")]
	data: PathBuf,
	#[command(subcommand)]
	command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
	/// Start it, unless it runs, and say what to try on it.
	Start(Options),
	/// Say what runs; exit status 1 if nothing does.
	Status,
	/// Stop it, keep its data.
	Stop,
	/// Stop it, delete its data.
	Clean,
}

#[tokio::main]
async fn main() -> ExitCode {
	let arguments = Arguments::parse();
	command::run(Box::pin(run(&arguments))).await
}

async fn run(arguments: &Arguments) -> Result<bool> {
	let network = Standing::new(&arguments.data)?;
	match &arguments.command {
		Command::Start(options) => network.start(options).await?,
		Command::Status => return Ok(network.status()),
		Command::Stop => network.stop()?,
		Command::Clean => network.clean()?,
	}
	Ok(true)
}

#[cfg(test)]
mod tests {
	use super::*;
	use clap::CommandFactory;

	#[test]
	fn the_command_line_is_consistent() {
		Arguments::command().debug_assert();
	}

	/// What `scripts/devnet` says.
	#[test]
	fn the_forms_of_the_script_parse() {
		for line in [
			"assay-devnet --data d start --node n --digits d.onnx --magika m.onnx --python p",
			"assay-devnet --data d status",
			"assay-devnet --data d stop",
			"assay-devnet --data d clean",
		] {
			Arguments::try_parse_from(line.split(' ')).unwrap_or_else(|e| panic!("{line}: {e}"));
		}
		for line in
			["assay-devnet --data d", "assay-devnet --data d start", "assay-devnet --data d run"]
		{
			assert!(Arguments::try_parse_from(line.split(' ')).is_err(), "{line}");
		}
	}
}
