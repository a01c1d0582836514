//! What the programs of this crate share: logging, interruption and the exit status.

use anyhow::{anyhow, Result};
use std::{future::Future, process::ExitCode};

/// Runs a program to its end: success only if it says that all came out right.
///
/// Ctrl-C or a request to terminate ends it as a failure. Its future is dropped then, and with it the
/// networks that it holds.
pub async fn run(program: impl Future<Output = Result<bool>>) -> ExitCode {
	let filter = tracing_subscriber::EnvFilter::try_from_default_env()
		.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
	let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
	let log = log.with_writer(std::io::stderr);
	// Fails only if a logger is set already, which cannot be here.
	let _ = log.try_init();
	let result = tokio::select! {
		result = program => result,
		() = interrupted() => Err(anyhow!("interrupted; the network is stopped")),
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
