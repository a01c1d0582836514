//! What `assay-demo` does.
//!
//! One network: Alice (authority, honest operator), Bob (authority, watcher) and Charlie's node,
//! whose five operator accounts cheat in five ways. On it the main job, real models answering real
//! questions through the chain, and the fraud, five false claims that the watcher refutes on its
//! own. Everything that must come out is checked; see [`Summary::checks`].

mod fraud;
mod main_job;
mod report;
mod stage;

pub use report::{Check, Summary};

use anyhow::Result;
use std::{path::PathBuf, time::Duration};

/// How long a job may take from its request to its end: a window of 20 blocks, five phases of a
/// dispute of up to 10, and slow machines.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);

/// What `assay-demo` is told.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
	/// The node's binary; looked for beside this program by default.
	#[arg(long, value_name = "FILE", env = "ASSAY_NODE")]
	pub node: Option<PathBuf>,
	/// Folder with the compiled bundles `digits` and `magika`.
	#[arg(long, value_name = "DIR", env = "ASSAY_BUNDLES")]
	pub models_dir: PathBuf,
	/// Folder with `digits.onnx` and the held-out images `heldout.npz`.
	#[arg(long, value_name = "DIR")]
	pub digits: PathBuf,
	/// Magika's class names, `magika.json`; found through --python by default.
	#[arg(long, value_name = "FILE")]
	pub magika_config: Option<PathBuf>,
	/// A Python that has the `magika` package.
	#[arg(long, value_name = "FILE", env = "ASSAY_PYTHON")]
	pub python: Option<PathBuf>,
	/// A file for Magika to classify; some of this repository's by default.
	#[arg(long = "file", value_name = "FILE")]
	pub files: Vec<PathBuf>,
	/// Write a summary as JSON.
	#[arg(long, value_name = "FILE", visible_alias = "json")]
	pub report: Option<PathBuf>,
	/// Keep the nodes' data and logs.
	#[arg(long)]
	pub keep: bool,
}

/// Runs the demonstration and stops the network.
///
/// # Errors
/// When something could not be done at all. What was done but came out wrong is in the summary.
pub async fn run(options: &Options) -> Result<Summary> {
	let mut stage = stage::Stage::set(options).await?;
	let result = play(&mut stage, options).await;
	let failed = !result.as_ref().is_ok_and(Summary::is_ok);
	if failed || options.keep {
		if let Some(dir) = stage.net.keep_logs() {
			println!("\nData and logs of the nodes are in {}", dir.display());
		}
	}
	result
}

async fn play(stage: &mut stage::Stage, options: &Options) -> Result<Summary> {
	let before = stage.money(&stage.api.best().await?).await?;
	let jobs = main_job::request(stage, options).await?;
	let lies = fraud::request(stage).await?;

	report::heading("Main job: real models, answered through the chain");
	let answers = main_job::follow(stage, jobs).await?;
	report::heading("Fraud: five operators cheat, one watcher looks");
	let scenarios = fraud::follow(stage, lies).await?;

	let after = stage.money(&stage.api.finalized().await?).await?;
	let summary = Summary::new(stage, answers, scenarios, &before, &after);
	summary.print();
	Ok(summary)
}
