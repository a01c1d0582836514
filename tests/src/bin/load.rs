//! `assay-load`: what a network settles under load and spam.
//!
//! Exits with 0 only if everything came out as it must.

use assay_tests::load::{self, Options};
use clap::Parser;
use std::process::ExitCode;

/// Sends jobs to local networks, one scenario of noise after the other, and prints what they settle and
/// whether the honest are in time. Exit status 0 only if no lie became final and nobody honest lost anything.
#[derive(Parser, Debug)]
#[command(name = "assay-load", version)]
struct Arguments {
	#[command(flatten)]
	options: Options,
}

#[tokio::main]
async fn main() -> ExitCode {
	let arguments = Arguments::parse();
	let filter = tracing_subscriber::EnvFilter::try_from_default_env()
		.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
	let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
	let log = log.with_writer(std::io::stderr);
	// Fails only if a logger is set already, which cannot be here.
	let _ = log.try_init();
	// Leaving the future behind drops the network, which stops its nodes.
	let result = tokio::select! {
		result = load::run(&arguments.options) => result,
		() = interrupted() => Err(anyhow::anyhow!("interrupted; the network is stopped")),
	};
	match result {
		Ok(true) => ExitCode::SUCCESS,
		Ok(false) => ExitCode::FAILURE,
		Err(error) => {
			eprintln!("error: {error:#}");
			ExitCode::FAILURE
		},
	}
}

/// Returns on Ctrl-C, and where there is one on a request to terminate.
async fn interrupted() {
	#[cfg(unix)]
	{
		use tokio::signal::unix::{signal, SignalKind};
		if let Ok(mut terminate) = signal(SignalKind::terminate()) {
			tokio::select! {
				_ = tokio::signal::ctrl_c() => {},
				_ = terminate.recv() => {},
			}
			return;
		}
	}
	let _ = tokio::signal::ctrl_c().await;
}
