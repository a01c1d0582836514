//! `assay model`: compile, run, publish, endorse, recall and look at models.

mod compile;
mod look;
mod publish;
mod recall;
mod run;

use crate::{cli::Global, error::Result};
use clap::Subcommand;

pub use compile::{compile, BundleReport, CompileArgs, CompileReport, Sizes};
pub use look::{resolve, ModelRef};
pub use publish::{endorse, publish, EndorseArgs, PublishArgs, PublishReport};
pub use recall::{ensure_trusted, RecallArgs, Trust};
pub use run::{run_bundle, RunArgs, RunReport};

/// Commands about models.
#[derive(Subcommand, Debug)]
pub enum ModelCommand {
	/// Compile an ONNX file into a bundle: program, weights and manifest.
	Compile(CompileArgs),
	/// Run a bundle on this machine.
	Run(RunArgs),
	/// Register a bundle's model on the chain, or endorse it if it is registered already.
	Publish(PublishArgs),
	/// Stand behind a model that somebody else registered.
	Endorse(EndorseArgs),
	/// Show a model of the chain, or a bundle.
	Show(ModelRef),
	/// List the models of the chain.
	List,
	/// Withdraw your endorsement of a model and get the deposit back.
	Retire(ModelRef),
	/// Warn of a model that you endorse, for good, and list the jobs that used it.
	Recall(RecallArgs),
	/// List the jobs of a model that the chain holds.
	Jobs(ModelRef),
	/// Forget a retired model that no job needs; its deposit goes back to who withdrew last.
	Remove(ModelRef),
}

/// Runs one of them.
pub async fn run(command: ModelCommand, global: &Global) -> Result<()> {
	match command {
		ModelCommand::Compile(args) => {
			let out = global.output();
			out.report(&compile(&args, &out)?);
			Ok(())
		},
		ModelCommand::Run(args) => {
			let out = global.output();
			out.report(&run_bundle(&args, &out)?);
			Ok(())
		},
		ModelCommand::Publish(args) => publish::run(&args, global).await,
		ModelCommand::Endorse(args) => publish::run_endorse(&args, global).await,
		ModelCommand::Show(model) => look::show(&model, global).await,
		ModelCommand::List => look::list(global).await,
		ModelCommand::Retire(model) => publish::retire(&model, global).await,
		ModelCommand::Recall(args) => recall::recall(&args, global).await,
		ModelCommand::Jobs(model) => recall::jobs(&model, global).await,
		ModelCommand::Remove(model) => publish::remove(&model, global).await,
	}
}
