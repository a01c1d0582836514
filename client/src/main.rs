//! The `assay` command.

#![warn(clippy::print_stdout, clippy::print_stderr)]

use assay_client::{cli, output::note, Error};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
	let cli = cli::Cli::parse();
	start_log();
	let json = cli.global.json;
	let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
	let result = match runtime {
		Ok(runtime) => runtime.block_on(run_until_interrupted(cli)),
		Err(error) => Err(Error::failed(format!("cannot start: {error}"))),
	};
	match result {
		Ok(()) => ExitCode::SUCCESS,
		Err(error) => {
			print_error(&error, json);
			ExitCode::from(error.kind.exit_code())
		},
	}
}

async fn run_until_interrupted(cli: cli::Cli) -> Result<(), Error> {
	tokio::select! {
		result = cli::run(cli) => result,
		_ = tokio::signal::ctrl_c() => Err(Error::failed("interrupted")),
	}
}

/// Logs of libraries go to stderr, and only when `RUST_LOG` asks for them.
fn start_log() {
	let filter = tracing_subscriber::EnvFilter::try_from_default_env()
		.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("off"));
	let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
	// Fails only if a logger is set already, which cannot be here.
	let _ = log.try_init();
}

fn print_error(error: &Error, json: bool) {
	if json {
		let object = serde_json::json!({
			"error": error.message,
			"kind": format!("{:?}", error.kind),
			"code": error.code,
			"hint": error.hint,
			"exit": error.kind.exit_code(),
		});
		note(&object.to_string());
	} else {
		note(&format!("error: {error}"));
	}
}
