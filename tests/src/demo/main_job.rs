//! The main job: digits and file types, asked for and answered through the chain.

use super::{
	report,
	stage::{Stage, BATCH},
	Options, PATIENCE,
};
use crate::inputs::best_of_rows;
use anyhow::{Context, Result};
use assay_client::{
	bundles,
	chain::calls,
	npz::Tensor,
	timeline::{End, Timeline},
	Until,
};
use serde::Serialize;
use std::path::PathBuf;
use subxt::utils::H256;

/// What a job asks.
#[derive(Clone, Debug)]
enum Question {
	/// Which digits these held-out images show.
	Digits { start: usize, count: usize },
	/// What type of file this is.
	File { path: PathBuf },
}

/// A job in a block.
#[derive(Clone, Debug)]
pub(super) struct Asked {
	job: u64,
	bundle: String,
	question: Question,
}

/// A job that is over.
#[derive(Serialize, Clone, Debug)]
pub(super) struct Answer {
	/// Number of the job.
	pub job: u64,
	/// Name of the model.
	pub model: String,
	/// What was asked.
	pub question: String,
	/// What the chain answered.
	pub answer: String,
	/// How the job ended.
	pub end: Option<End>,
	/// Blocks from request to end.
	pub blocks: u64,
	/// How many of its images were read right, and how many there were; for digits only.
	pub right: Option<(usize, usize)>,
	/// Which held-out images it answered for; for digits only.
	#[serde(skip)]
	pub range: Option<(usize, Vec<usize>)>,
	/// Its history.
	pub history: Timeline,
}

/// Sends all jobs, designated to the honest operator.
pub(super) async fn request(stage: &Stage, options: &Options) -> Result<Vec<Asked>> {
	let mut questions: Vec<Question> =
		(0..3).map(|start| Question::Digits { start, count: 1 }).collect();
	let images = stage.digits.labels.len();
	// The last batch is moved back so that it is full; what it shares is counted once.
	let starts = (0..images).step_by(BATCH).map(|start| start.min(images.saturating_sub(BATCH)));
	questions.extend(starts.map(|start| Question::Digits { start, count: BATCH }));
	if stage.magika.is_some() {
		questions.extend(files(options).into_iter().map(|path| Question::File { path }));
	}

	let at = stage.api.best().await?;
	let mut sender = stage.api.sender(&stage.requester.key).await?;
	let mut sent = Vec::new();
	for question in questions {
		let Some((name, tensor)) = input(stage, &question)? else { continue };
		let bundle = stage.bundle(&name)?;
		let input = bundles::pack_tensors(&bundle.manifest, &[tensor])?;
		let id = H256(bundle.manifest.model_id);
		let model = stage.api.model(&at, id).await?.context("the model is published")?;
		let fee = stage.api.least_fee(&at, model.record.info.units)?;
		let call = calls::request_job(id, &input, fee, Some(&stage.operator.id));
		sent.push((sender.send(&call).await?, name, question));
	}
	let mut asked = Vec::with_capacity(sent.len());
	for (pending, bundle, question) in sent {
		// Finalized: in a block that is abandoned later, the job has another number.
		let receipt = pending.wait(Until::Finalized).await?;
		let event = receipt.step.event("Jobs::Requested").context("the request left no event")?;
		let job = event.job().context("the request's event names no job")?;
		asked.push(Asked { job, bundle, question });
	}
	println!("requested {} jobs of {}", asked.len(), stage.operator.path);
	Ok(asked)
}

fn files(options: &Options) -> Vec<PathBuf> {
	if !options.files.is_empty() {
		return options.files.clone();
	}
	// Files of this repository, next to the models it ships.
	let Some(root) = options.digits.ancestors().nth(2) else { return Vec::new() };
	[
		"README.md",
		"Cargo.toml",
		"scripts/train/train_digits.py",
		"scripts/lib.sh",
		"models/digits/digits.onnx",
	]
	.into_iter()
	.map(|name| root.join(name))
	.filter(|path| path.is_file())
	.collect()
}

/// The bundle's name and the input of a question; `None` for a file too short to classify.
fn input(stage: &Stage, question: &Question) -> Result<Option<(String, Tensor)>> {
	Ok(match question {
		Question::Digits { start, count } => {
			let name = if *count == 1 { "digits".into() } else { format!("digits-{count}") };
			Some((name, stage.digits.batch(*start, *count)))
		},
		Question::File { path } => {
			let content = std::fs::read(path).with_context(|| path.display().to_string())?;
			let config = stage.magika.as_ref().context("Magika is left out")?;
			config.features(&content).map(|tensor| ("magika".into(), tensor))
		},
	})
}

/// Waits for all answers and prints their histories.
pub(super) async fn follow(stage: &Stage, asked: Vec<Asked>) -> Result<Vec<Answer>> {
	let mut answers = Vec::with_capacity(asked.len());
	for job in asked {
		let history = stage.recorder.end_of(job.job, PATIENCE).await?;
		let answer = read(stage, &job, history).await?;
		report::history(
			stage,
			&format!("job {}: {}", answer.job, answer.question),
			&answer.history,
		);
		println!("  => {}", answer.answer);
		answers.push(answer);
	}
	Ok(answers)
}

/// Reads the answer from the chain.
async fn read(stage: &Stage, asked: &Asked, history: Timeline) -> Result<Answer> {
	let at = stage.api.finalized().await?;
	let mut answer = Answer {
		job: asked.job,
		model: asked.bundle.clone(),
		question: match &asked.question {
			Question::Digits { start, count: 1 } => {
				format!("which digit is held-out image {start}?")
			},
			Question::Digits { start, count } => {
				format!("which digits are held-out images {start} to {}?", start + count - 1)
			},
			Question::File { path } => format!("what is {}?", path.display()),
		},
		answer: format!("{:?}", history.end),
		end: history.end,
		blocks: history.blocks(),
		right: None,
		range: None,
		history,
	};
	let Some(bytes) = stage.api.job_output(&at, asked.job).await? else { return Ok(answer) };
	let outputs = bundles::unpack(&stage.bundle(&asked.bundle)?.manifest, &bytes)?;
	match &asked.question {
		Question::Digits { start, count } => {
			let output = outputs.first().context("the model has an output")?;
			let found = best_of_rows(output, 10)?;
			let right = stage.digits.score(*start, &found);
			let truth = stage.digits.labels[*start];
			answer.answer = match found.as_slice() {
				[one] => format!("{one} (the image shows a {truth})"),
				_ => format!("{right} of {count} right"),
			};
			answer.right = Some((right, *count));
			answer.range = Some((*start, found));
		},
		Question::File { .. } => {
			let config = stage.magika.as_ref().context("Magika is left out")?;
			let scores = outputs.iter().find(|t| t.name == "target_label").or(outputs.first());
			let (label, score) = config.label(scores.context("the model has an output")?)?;
			answer.answer = format!("{label} (score {score:.3})");
		},
	}
	Ok(answer)
}
