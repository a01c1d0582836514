//! What the programs of this crate share: options, logging, interruption and the exit status.

use crate::node;
use anyhow::{anyhow, Context, Result};
use clap::Args;
use serde::Serialize;
use std::{
	future::Future,
	io::{stdout, IsTerminal},
	path::PathBuf,
	process::ExitCode,
	time::Instant,
};

/// What a program on a network of digits jobs works with.
#[derive(Args, Clone, Debug)]
pub struct Files {
	/// The digits network, ONNX.
	#[arg(long, value_name = "FILE")]
	pub digits: PathBuf,
	/// Its held-out images, `heldout.npz`.
	#[arg(long, value_name = "FILE")]
	pub inputs: PathBuf,
	/// The node's binary; the one beside this program by default.
	#[arg(long, value_name = "FILE")]
	pub node: Option<PathBuf>,
	/// Write every figure there.
	#[arg(long, value_name = "FILE")]
	pub json: Option<PathBuf>,
}

impl Files {
	/// The node's binary.
	pub fn node(&self) -> Result<PathBuf> {
		self.node.clone().map_or_else(node::find_binary, Ok)
	}

	/// Writes the figures of a run where they are wanted.
	pub fn write(&self, figures: &impl Serialize) -> Result<()> {
		let Some(path) = &self.json else { return Ok(()) };
		let report = serde_json::to_string_pretty(figures)?;
		std::fs::write(path, report).with_context(|| path.display().to_string())
	}
}

/// Says what comes next, as the scripts do.
pub(crate) fn say(what: &str) {
	if stdout().is_terminal() {
		println!("\x1b[1m==> {what}\x1b[0m");
	} else {
		println!("==> {what}");
	}
}

/// Does a step of a longer task, and says how long it took.
pub(crate) async fn timed<T>(what: &str, step: impl Future<Output = Result<T>>) -> Result<T> {
	say(what);
	let start = Instant::now();
	let done = step.await?;
	println!("    {what}: {} s", start.elapsed().as_secs());
	Ok(done)
}

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
