//! `assay model`: compile, run, publish and look at models.

mod compile;
mod publish;
mod run;

use crate::{cli::Global, error::Result};
use clap::Subcommand;

pub use compile::{compile, BundleReport, CompileArgs, CompileReport, Sizes};
pub use publish::{publish, resolve, ModelRef, PublishArgs, PublishReport};
pub use run::{run_bundle, RunArgs, RunReport};

/// Commands about models.
#[derive(Subcommand, Debug)]
pub enum ModelCommand {
	/// Compile an ONNX file into a bundle: program, weights and manifest.
	Compile(CompileArgs),
	/// Run a bundle on this machine.
	Run(RunArgs),
	/// Register a bundle's model on the chain.
	Publish(PublishArgs),
	/// Show a model of the chain, or a bundle.
	Show(ModelRef),
	/// List the models of the chain.
	List,
	/// Stop a model from taking new jobs.
	Retire(ModelRef),
	/// Forget a retired model and get its deposit back.
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
		ModelCommand::Show(model) => publish::show(&model, global).await,
		ModelCommand::List => publish::list(global).await,
		ModelCommand::Retire(model) => publish::retire(&model, global).await,
		ModelCommand::Remove(model) => publish::remove(&model, global).await,
	}
}
