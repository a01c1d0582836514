//! `assay job`: submit jobs and follow them.

mod fetch;

pub use fetch::{fetch, FetchArgs, Fetched, Origin};

use super::{
	model::{self, Trust},
	Done,
};
use crate::{
	account,
	address::address,
	amount::Amount,
	bundles::{self, Described},
	chain::{calls, records::Model, Api, At, Job, JobStatus, Until},
	cli::{parse_amount, Global},
	error::{Error, Kind, Result},
	npz::{self, Tensor, TensorSummary},
	output::{hex0x, note},
	timeline::{self, End, Entry, Timeline},
};
use assay_executor::{Options, Session};
use clap::{Args, Subcommand};
use serde::Serialize;
use std::{
	fmt,
	path::{Path, PathBuf},
	sync::Arc,
};
use subxt::utils::{AccountId32, H256};
use subxt_signer::sr25519::Keypair;

/// Commands about jobs.
#[derive(Subcommand, Debug)]
pub enum JobCommand {
	/// Ask for a run of a model and pay for it.
	Submit(SubmitArgs),
	/// Show a job.
	Show(JobArgs),
	/// Follow a job to its end.
	Watch(JobArgs),
	/// Get a job's output: what the claim did not bring, its operator delivers against a fee.
	Fetch(FetchArgs),
	/// List the jobs that the chain holds.
	List {
		/// Only those of this requester or operator: address, public key or dev path.
		#[arg(long)]
		account: Option<String>,
	},
	/// Take back a job that nobody accepted.
	Cancel {
		/// Its number.
		job: u64,
	},
}

/// Arguments of `assay job submit`.
#[derive(Args, Debug)]
pub struct SubmitArgs {
	/// The model: id (or its unique beginning), name, or bundle folder.
	pub model: String,
	/// Arrays by the ONNX file's own input names.
	#[arg(long, value_name = "NPZ")]
	pub input: PathBuf,
	/// What to pay the operator, in ASY; the least that the chain takes by default.
	#[arg(long, value_parser = parse_amount)]
	pub fee: Option<Amount>,
	/// Let only this operator answer: address, public key or dev path.
	#[arg(long, value_name = "ACCOUNT")]
	pub operator: Option<String>,
	/// Take a model although somebody who stood behind it recalled it.
	#[arg(long)]
	pub accept_recalled: bool,
	/// Take a model only if this account stands behind it, and heed nobody else's recall: address,
	/// public key or dev path.
	#[arg(long, value_name = "ACCOUNT", conflicts_with = "accept_recalled")]
	pub endorsed_by: Option<String>,
	/// The model's bundle, for its tensor names; looked for in --models-dir by default.
	#[arg(long, value_name = "DIR")]
	pub bundle: Option<PathBuf>,
	/// Follow the job to its end; print its timeline and its outputs.
	#[arg(long)]
	pub wait: bool,
	/// Where to write the outputs.
	#[arg(long, value_name = "NPZ", requires = "wait")]
	pub output: Option<PathBuf>,
}

/// A job and where its tensors' names are.
#[derive(Args, Debug)]
pub struct JobArgs {
	/// Its number.
	pub job: u64,
	/// The model's bundle, for its tensor names; looked for in --models-dir by default.
	#[arg(long, value_name = "DIR")]
	pub bundle: Option<PathBuf>,
	/// Where to write the outputs.
	#[arg(long, value_name = "NPZ")]
	pub output: Option<PathBuf>,
}

/// Runs one of them.
pub async fn run(command: JobCommand, global: &Global) -> Result<()> {
	match command {
		JobCommand::Submit(args) => submit(args, global).await,
		JobCommand::Show(args) => show(args, global).await,
		JobCommand::Watch(args) => watch(args, global).await,
		JobCommand::Fetch(args) => fetch::run(args, global).await,
		JobCommand::List { account } => list(account, global).await,
		JobCommand::Cancel { job } => cancel(job, global).await,
	}
}

/// A request in a block.
#[derive(Clone, Serialize, Debug)]
pub struct Requested {
	/// Number of the job.
	pub job: u64,
	/// What it runs.
	pub model: H256,
	/// Block of the request.
	pub block: u64,
	/// What the operator will earn, in 10^-12 ASY.
	pub fee: String,
	/// Transaction fee in 10^-12 ASY.
	pub transaction_fee: String,
	/// BLAKE3 of the input, computed by the chain.
	pub input_root: String,
}

impl fmt::Display for Requested {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let amount = |text: &str| Amount(text.parse().unwrap_or_default());
		writeln!(f, "job         {}", self.job)?;
		writeln!(f, "model       {}", hex0x(&self.model.0))?;
		writeln!(f, "block       {}", self.block)?;
		let transaction = amount(&self.transaction_fee);
		writeln!(f, "fee         {} (and {transaction} for the transaction)", amount(&self.fee))?;
		writeln!(f, "input root  {}", self.input_root)?;
		writeln!(f, "next        assay job watch {}", self.job)
	}
}

/// Requests a run of `model` on packed `input`.
///
/// `fee` of `None` pays the least that the chain takes.
pub async fn request(
	api: &Api,
	model: &Model,
	input: &[u8],
	fee: Option<u128>,
	operator: Option<&AccountId32>,
	signer: &Keypair,
	until: Until,
) -> Result<Requested> {
	let at = api.best().await?;
	let least = api.least_fee(&at, model.record.info.units)?;
	let fee = fee.unwrap_or(least);
	let call = calls::request_job(model.id, input, fee, operator);
	let receipt = api.submit(&call, signer, until).await.map_err(|e| match e.code.as_deref() {
		Some("Jobs::FeeTooSmall") => {
			e.hint(format!("this model costs at least {}: --fee {}", Amount(least), Amount(least)))
		},
		_ => e,
	})?;
	let event = receipt.step.event("Jobs::Requested");
	let event = event.ok_or_else(|| Error::failed("the request left no event"))?;
	let job = event.job().ok_or_else(|| Error::failed("the request's event names no job"))?;
	Ok(Requested {
		job,
		model: model.id,
		block: receipt.step.block,
		fee: fee.to_string(),
		transaction_fee: receipt.step.fee.to_string(),
		input_root: event.text_of("input_root").unwrap_or_default().to_string(),
	})
}

async fn submit(args: SubmitArgs, global: &Global) -> Result<()> {
	let out = global.output();
	let signer = global.signer()?;
	let operator = args.operator.as_deref().map(account::account).transpose()?;
	let endorser = args.endorsed_by.as_deref().map(account::account).transpose()?;
	let trust = match &endorser {
		Some(endorser) => Trust::Endorser(endorser),
		None if args.accept_recalled => Trust::Anyway,
		None => Trust::Unrecalled,
	};
	let api = global.api().await?;
	let model = model_for(&args)?;
	let at = api.best().await?;
	let found = model::resolve(&api, &at, &model).await?;
	model::ensure_trusted(&api, &at, &found, trust).await?;
	let bundle = bundle_of(&found.id, &model, args.bundle.as_deref(), global)?;
	let input = bundles::pack(&bundle.manifest, &args.input)?;
	let fee = args.fee.map(|amount| amount.0);
	let until = if args.wait { Until::InBlock } else { global.until() };
	// Before anything is paid, and beside whatever the command prints.
	if let Some(periods) = api.periods(&api.best().await?, found.id).await? {
		note(&format!("a job of this model is {periods}"));
	}
	let spinner = out.spinner("sending the job");
	let sent = request(&api, &found, &input, fee, operator.as_ref(), &signer, until).await?;
	spinner.finish_and_clear();
	if !args.wait {
		out.report(&sent);
		return Ok(());
	}
	follow(&api, sent.job, sent.block, Some(bundle), args.output.as_deref(), global).await
}

/// MODEL as given; of a bundle of several models, the folder of the one that takes the input.
fn model_for(args: &SubmitArgs) -> Result<String> {
	let dir = Path::new(&args.model);
	if !bundles::is_bundle(dir) || bundles::instantiations(dir)?.len() == 1 {
		return Ok(args.model.clone());
	}
	let (chosen, _) = bundles::choose(dir, &args.input)?;
	Ok(chosen.dir.display().to_string())
}

/// The bundle named by --bundle, by MODEL itself, or found in --models-dir.
fn bundle_of(id: &H256, text: &str, bundle: Option<&Path>, global: &Global) -> Result<Described> {
	let named = Path::new(text);
	let bundle = bundle.or_else(|| bundles::is_bundle(named).then_some(named));
	bundles::find(&id.0, bundle, &global.models_dir)
}

/// The job with this number.
///
/// # Errors
/// [`Kind::NotFound`] when there is none on record.
pub(super) async fn require(api: &Api, at: &At, id: u64) -> Result<Job> {
	let next = api.next_job(at).await?;
	api.job(at, id).await?.ok_or_else(|| {
		let error = Error::not_found(format!("there is no job {id}")).code("Jobs::JobUnknown");
		if id < next {
			error.hint("it is over and was forgotten; its history is in the blocks")
		} else {
			error.hint("see `assay job list`")
		}
	})
}

/// What a job came to.
#[derive(Serialize)]
struct Outcome {
	job: u64,
	end: Option<End>,
	record: Option<Job>,
	#[serde(flatten)]
	history: Option<Timeline>,
	outputs: Vec<TensorSummary>,
	output_from: Option<&'static str>,
}

impl fmt::Display for Outcome {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		writeln!(f, "job          {}", self.job)?;
		if let Some(record) = &self.record {
			write!(f, "{record}")?;
		}
		for output in &self.outputs {
			writeln!(f, "output       {output}")?;
		}
		match self.output_from {
			Some(from) => writeln!(f, "             ({from})"),
			None => Ok(()),
		}
	}
}

/// Follows a job, printing its timeline as it comes, then its outputs.
async fn follow(
	api: &Api,
	job: u64,
	from: u64,
	bundle: Option<Described>,
	output: Option<&Path>,
	global: &Global,
) -> Result<()> {
	let out = global.output();
	let spinner = out.spinner(format!("job {job}: waiting for blocks"));
	let show = |entry: &Entry| {
		if !out.json {
			spinner.suspend(|| out.line(entry));
		}
		spinner.set_message(format!("job {job}: {}", entry.event.name));
	};
	let history = timeline::watch(api, job, from, show).await?;
	spinner.finish_and_clear();
	let at = api.best().await?;
	let record = api.job(&at, job).await?;
	let (tensors, output_from) = match &record {
		Some(record) => outputs(api, &at, job, record, bundle.as_ref(), global).await?,
		None => (Vec::new(), None),
	};
	if let Some(path) = output.filter(|_| !tensors.is_empty()) {
		npz::write(path, &tensors)?;
	}
	let end = history.end;
	let outputs = tensors.iter().map(Tensor::summary).collect();
	out.report(&Outcome { job, end, record, history: Some(history), outputs, output_from });
	match end {
		Some(End::Final) => Ok(()),
		Some(End::Fraud) => Err(Error::failed(format!("the answer to job {job} was false"))
			.hint("your fee was refunded; submit the job again")),
		Some(End::Void) => {
			Err(Error::failed(format!("the operator withheld the output of job {job}"))
				.hint("your fee was refunded; submit the job again, to another operator"))
		},
		Some(End::Cancelled) => Err(Error::failed(format!("job {job} was cancelled"))),
		Some(End::Expired) | None => Err(Error::new(Kind::Timeout, format!("job {job} expired"))
			.hint("no operator answered; your fee was refunded. See `assay operator list`")),
	}
}

type Outputs = (Vec<Tensor>, Option<&'static str>);

/// The outputs of a claimed job: from the chain, or recomputed when the chain holds only the root.
async fn outputs(
	api: &Api,
	at: &At,
	id: u64,
	job: &Job,
	bundle: Option<&Described>,
	global: &Global,
) -> Result<Outputs> {
	let Some(root) = job.output_root() else { return Ok((Vec::new(), None)) };
	let found = match bundle {
		Some(bundle) => Ok(bundle.clone()),
		None => bundles::find(&job.model.0, None, &global.models_dir),
	};
	let Ok(bundle) = found else {
		return Ok((
			Vec::new(),
			Some(
				"give --bundle or --models-dir to see the outputs by name, or see assay job fetch",
			),
		));
	};
	if let Some(bytes) = api.job_output(at, id).await? {
		return Ok((bundles::unpack(&bundle.manifest, &bytes)?, Some("from the chain")));
	}
	if matches!(job.status, JobStatus::Fraud { .. }) {
		return Ok((Vec::new(), None));
	}
	let Some(input) = api.job_input(at, id).await? else { return Ok((Vec::new(), None)) };
	let spinner = global.output().spinner("the chain holds the output's root only; running here");
	let session = Arc::new(bundles::load(&bundle.dir)?);
	let session = Session::new(session, Options::default());
	let bytes = session.run(&input)?;
	spinner.finish_and_clear();
	if Session::output_root(&bytes) != root.0 {
		return Err(Error::failed(format!("job {id}: this machine computes another output"))
			.hint(format!("if the claim is still open: assay challenge open {id}")));
	}
	let from = "recomputed here; the chain holds the same root";
	Ok((bundles::unpack(&bundle.manifest, &bytes)?, Some(from)))
}

async fn show(args: JobArgs, global: &Global) -> Result<()> {
	let api = global.api().await?;
	let at = api.best().await?;
	let record = require(&api, &at, args.job).await?;
	let bundle = match &args.bundle {
		Some(dir) => Some(bundles::find(&record.model.0, Some(dir.as_path()), &global.models_dir)?),
		None => None,
	};
	let (tensors, output_from) =
		outputs(&api, &at, args.job, &record, bundle.as_ref(), global).await?;
	if let Some(path) = args.output.as_deref().filter(|_| !tensors.is_empty()) {
		npz::write(path, &tensors)?;
	}
	global.output().report(&Outcome {
		job: args.job,
		end: None,
		record: Some(record),
		history: None,
		outputs: tensors.iter().map(Tensor::summary).collect(),
		output_from,
	});
	Ok(())
}

async fn watch(args: JobArgs, global: &Global) -> Result<()> {
	let api = global.api().await?;
	let record = require(&api, &api.best().await?, args.job).await?;
	let bundle = match &args.bundle {
		Some(dir) => Some(bundles::find(&record.model.0, Some(dir.as_path()), &global.models_dir)?),
		None => None,
	};
	let from = u64::from(record.requested);
	follow(&api, args.job, from, bundle, args.output.as_deref(), global).await
}

/// A job and its number.
#[derive(Serialize)]
pub(super) struct Numbered {
	/// Its number.
	pub(super) job: u64,
	/// What the chain holds of it.
	#[serde(flatten)]
	pub(super) record: Job,
}

#[derive(Serialize)]
#[serde(transparent)]
struct List(Vec<Numbered>);

impl fmt::Display for List {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		if self.0.is_empty() {
			return writeln!(f, "no jobs; submit one with `assay job submit MODEL --input in.npz`");
		}
		for entry in &self.0 {
			let job = &entry.record;
			let fee = Amount(job.fee).to_string();
			let operator = job.operator().map(|who| address(who).to_string()).unwrap_or_default();
			let (status, model) = (job.status.word(), &hex0x(&job.model.0)[..12]);
			writeln!(f, "{:>6}  {status:<9} {fee:>14}  {model}…  {operator}", entry.job)?;
		}
		Ok(())
	}
}

async fn list(account: Option<String>, global: &Global) -> Result<()> {
	let account = account.as_deref().map(account::account).transpose()?;
	let api = global.api().await?;
	let jobs = api.jobs(&api.best().await?).await?;
	let wanted = |job: &Job| match &account {
		Some(account) => job.requester == *account || job.operator() == Some(account),
		None => true,
	};
	let jobs = jobs.into_iter().filter(|(_, job)| wanted(job));
	let list = jobs.map(|(job, record)| Numbered { job, record }).collect();
	global.output().report(&List(list));
	Ok(())
}

async fn cancel(job: u64, global: &Global) -> Result<()> {
	let signer = global.signer()?;
	let api = global.api().await?;
	require(&api, &api.best().await?, job).await?;
	let receipt = api.submit(&calls::cancel_job(job), &signer, global.until()).await?;
	global.output().report(&Done::new(&receipt));
	Ok(())
}
