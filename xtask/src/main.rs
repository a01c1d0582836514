//! `xtask`: programs that keep the repository.

mod tidy;

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
}

fn main() -> Result<ExitCode> {
	let Arguments { root, command: Command::Tidy } = Arguments::parse();
	tidy::run(&root.canonicalize()?)
}
