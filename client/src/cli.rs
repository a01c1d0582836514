//! The command line: what can be said, not what it does.

use crate::{account, amount::Amount, commands, error, output::Output, Api, Error, Result};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use subxt_signer::sr25519::Keypair;

/// Verified inference on the Assay chain: every role's commands.
#[derive(Parser, Debug)]
#[command(name = "assay", version, propagate_version = true, after_help = error::EXIT_CODES)]
pub struct Cli {
	/// Options of every command.
	#[command(flatten)]
	pub global: Global,
	/// What to do.
	#[command(subcommand)]
	pub command: Command,
}

/// Options of every command.
#[derive(Args, Clone, Debug)]
pub struct Global {
	/// WebSocket address of a node's RPC.
	#[arg(long, global = true, env = "ASSAY_URL", default_value = "ws://127.0.0.1:9944")]
	pub url: String,
	/// Secret key that signs: a dev path (//Alice), a phrase or a 0x seed.
	#[arg(long, global = true, env = "ASSAY_SURI", hide_env_values = true)]
	pub suri: Option<String>,
	/// File whose first line is the secret key; safer than --suri.
	#[arg(long, global = true, env = "ASSAY_KEY_FILE", conflicts_with = "suri")]
	pub key_file: Option<PathBuf>,
	/// Print JSON.
	#[arg(long, global = true)]
	pub json: bool,
	/// Return once the transaction is in a block, before finality.
	#[arg(long, global = true)]
	pub in_block: bool,
	/// Folder with one bundle folder per model.
	#[arg(long, global = true, env = "ASSAY_MODELS_DIR", default_value = "models")]
	pub models_dir: PathBuf,
}

impl Global {
	/// How to print.
	pub fn output(&self) -> Output {
		Output::new(self.json)
	}

	/// The signing key.
	///
	/// # Errors
	/// When none was given, or it cannot be read.
	pub fn signer(&self) -> Result<Keypair> {
		match (&self.suri, &self.key_file) {
			(Some(suri), _) => account::keypair(suri),
			(None, Some(path)) => account::keypair_from_file(path),
			(None, None) => Err(Error::usage("this command signs a transaction and needs a key")
				.hint("give --key-file FILE or --suri (on a devnet: --suri //Alice)")),
		}
	}

	/// A connection to the node, refused when its metadata differs from this client's.
	pub async fn api(&self) -> Result<Api> {
		let api = Api::connect(&self.url).await?;
		api.ensure_no_drift()?;
		Ok(api)
	}

	/// How long to wait for a transaction.
	pub fn until(&self) -> crate::Until {
		if self.in_block {
			crate::Until::InBlock
		} else {
			crate::Until::Finalized
		}
	}
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
	/// Compile, run, publish and look at models.
	#[command(subcommand)]
	Model(commands::model::ModelCommand),
	/// Stake, serve and look after an operator.
	#[command(subcommand)]
	Operator(commands::operator::OperatorCommand),
	/// Submit jobs and follow them.
	#[command(subcommand)]
	Job(commands::job::JobCommand),
	/// Look at and open challenges.
	#[command(subcommand)]
	Challenge(commands::challenge::ChallengeCommand),
	/// Check everything that a working setup needs.
	Doctor(commands::doctor::DoctorArgs),
}

/// Parses an amount of ASY.
pub fn parse_amount(text: &str) -> std::result::Result<Amount, String> {
	text.parse()
}

/// Does what the command line says.
pub async fn run(cli: Cli) -> Result<()> {
	let global = &cli.global;
	match cli.command {
		Command::Model(command) => commands::model::run(command, global).await,
		Command::Operator(command) => commands::operator::run(command, global).await,
		Command::Job(command) => commands::job::run(command, global).await,
		Command::Challenge(command) => commands::challenge::run(command, global).await,
		Command::Doctor(args) => commands::doctor::run(args, global).await,
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use clap::CommandFactory;

	#[test]
	fn the_command_line_is_consistent() {
		Cli::command().debug_assert();
	}

	#[test]
	fn the_fixed_forms_parse() {
		for line in [
			"assay model compile net.onnx -o out --dim N=64 --shape x=1,3,48,192 --name n",
			"assay model compile net.onnx -o out --dim N=32,64 --dim M=1..8:2",
			"assay model run out --input in.npz --output out.npz --threads 2 --isa scalar --repeat 5 --json",
			"assay model publish out --suri //Alice",
			"assay model endorse out --suri //Bob",
			"assay model endorse 0x00 --name n --model-version 2 --licence MIT --suri //Bob",
			"assay model retire 0x00 --suri //Bob",
			"assay model recall 0x00 --reason wrong --suri //Bob",
			"assay model jobs digits --json",
			"assay job submit digits --input in.npz --accept-recalled",
			"assay job submit digits --input in.npz --endorsed-by //Bob",
			"assay operator stake 12.5ASY --service-key //Alice",
			"assay operator serve 0x00 digits",
			"assay job submit digits --input in.npz --wait --fee 1 --operator //Bob",
			"assay challenge open 3",
			"assay doctor --url ws://127.0.0.1:9",
		] {
			Cli::try_parse_from(line.split(' ')).unwrap_or_else(|e| panic!("{line}: {e}"));
		}
	}
}
