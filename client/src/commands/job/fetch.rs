//! `assay job fetch`: the output of a job, from the chain or from its operator.

use super::require;
use crate::{
	address::address,
	amount::Amount,
	bundles,
	chain::{calls, Api, At, Job, JobStatus, Until},
	cli::{parse_amount, Global},
	delivery::Collector,
	error::{self, Error, Kind, Result},
	npz::{self, Tensor, TensorSummary},
	output::{hex0x, note, Output},
};
use clap::Args;
use indicatif::ProgressBar;
use serde::Serialize;
use std::{
	fmt,
	path::{Path, PathBuf},
	time::Duration,
};
use subxt_signer::sr25519::Keypair;

/// How often the chain is looked at while pieces are on their way.
const INTERVAL: Duration = Duration::from_millis(750);

/// Blocks that are looked at again before it gives up: another fork may have won.
const LOOK_BACK: u64 = 16;

/// Arguments of `assay job fetch`.
#[derive(Args, Debug)]
pub struct FetchArgs {
	/// Its number.
	pub job: u64,
	/// Where to write the output: its bytes or, if the name ends in .npz, arrays by the ONNX file's own
	/// names.
	#[arg(short, long, value_name = "FILE")]
	pub output: Option<PathBuf>,
	/// The most to pay the operator for the delivery, in ASY.
	#[arg(long, value_name = "AMOUNT", value_parser = parse_amount, default_value = "15")]
	pub max_fee: Amount,
	/// The model's bundle, for its tensor names; looked for in --models-dir by default.
	#[arg(long, value_name = "DIR")]
	pub bundle: Option<PathBuf>,
}

/// An output that was fetched.
#[derive(Clone, Debug)]
pub struct Fetched {
	/// Its bytes.
	pub bytes: Vec<u8>,
	/// Where they are from.
	pub from: Origin,
	/// What was paid the operator for it, in the chain's units.
	pub paid: u128,
}

/// Where an output is from.
#[derive(Clone, Copy, Serialize, PartialEq, Eq, Debug)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
	/// The claim brought it.
	Claim,
	/// It had been delivered before.
	Blocks,
	/// The operator delivered it now.
	Operator,
}

impl fmt::Display for Origin {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Origin::Claim => "from the chain's state",
			Origin::Blocks => "from the blocks in which it was delivered",
			Origin::Operator => "delivered by the operator",
		})
	}
}

#[derive(Serialize)]
struct Report {
	job: u64,
	output_root: String,
	bytes: usize,
	from: Origin,
	paid: String,
	file: Option<PathBuf>,
	outputs: Vec<TensorSummary>,
}

impl fmt::Display for Report {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		writeln!(f, "job          {}", self.job)?;
		writeln!(f, "output root  {}", self.output_root)?;
		writeln!(f, "bytes        {}, {}", self.bytes, self.from)?;
		writeln!(f, "paid         {}", Amount(self.paid.parse().unwrap_or_default()))?;
		for output in &self.outputs {
			writeln!(f, "output       {output}")?;
		}
		match &self.file {
			Some(file) => writeln!(f, "written to   {}", file.display()),
			None => Ok(()),
		}
	}
}

fn ends_in_npz(path: &Path) -> bool {
	path.extension().is_some_and(|ending| ending == "npz")
}

pub(super) async fn run(args: FetchArgs, global: &Global) -> Result<()> {
	let api = global.api().await?;
	let out = global.output();
	let record = require(&api, &api.best().await?, args.job).await?;
	let as_arrays = args.output.as_deref().is_some_and(ends_in_npz);
	// Before anything is paid.
	let bundle = match bundles::find(&record.model.0, args.bundle.as_deref(), &global.models_dir) {
		Ok(bundle) => Some(bundle),
		Err(error) if as_arrays || args.bundle.is_some() => return Err(error),
		Err(_) => None,
	};
	let signer = || global.signer();
	let fetched = fetch(&api, args.job, args.max_fee.0, signer, out).await?;
	let tensors: Vec<Tensor> = match &bundle {
		Some(bundle) => bundles::unpack(&bundle.manifest, &fetched.bytes)?,
		None => Vec::new(),
	};
	match args.output.as_deref() {
		Some(path) if as_arrays => npz::write(path, &tensors)?,
		Some(path) => {
			std::fs::write(path, &fetched.bytes).map_err(|e| error::io(path, e))?;
		},
		None => {},
	}
	out.report(&Report {
		job: args.job,
		output_root: record.output_root().map(|root| hex0x(&root.0)).unwrap_or_default(),
		bytes: fetched.bytes.len(),
		from: fetched.from,
		paid: fetched.paid.to_string(),
		file: args.output,
		outputs: tensors.iter().map(Tensor::summary).collect(),
	});
	Ok(())
}

/// The output of a job: as the claim brought it, as it was delivered before, or, against a fee of at most
/// `max_fee`, as its operator delivers it now. `signer` gives the requester's key when there is something
/// to pay.
///
/// # Errors
/// [`Kind::NotFound`] when there is no such job or it has no answer, [`Kind::Refused`] when the chain does
/// not take the demand, [`Kind::Timeout`] when the operator does not deliver.
pub async fn fetch(
	api: &Api,
	id: u64,
	max_fee: u128,
	signer: impl Fn() -> Result<Keypair>,
	out: Output,
) -> Result<Fetched> {
	let at = api.best().await?;
	let job = require(api, &at, id).await?;
	if let JobStatus::Fraud { .. } = job.status {
		return Err(Error::failed(format!("the answer to job {id} was false"))
			.hint("your fee was refunded; submit the job again"));
	}
	let Some(root) = job.output_root() else {
		let error = Error::not_found(format!("job {id} has no answer: it is {}", job.status));
		return Err(error.hint(format!("follow it with `assay job watch {id}`")));
	};
	if let Some(bytes) = api.job_output(&at, id).await? {
		return Ok(Fetched { bytes, from: Origin::Claim, paid: 0 });
	}
	let bar = out.spinner(format!("job {id}: looking through blocks"));
	let mut search = Search::of(api, &at, id, &job, root.0).await?;
	search.look(&bar).await?;
	let (mut paid, mut from) = (0, Origin::Blocks);
	if !search.pieces.missing().is_empty() {
		from = Origin::Operator;
		paid = search.demand_missing(&at, max_fee, signer, &bar).await?;
	}
	bar.finish_and_clear();
	let bytes = search.pieces.into_output();
	let bytes = bytes.ok_or_else(|| Error::failed("the pieces do not make the output"))?;
	Ok(Fetched { bytes, from, paid })
}

/// Looks for pieces, block by block.
struct Search<'a> {
	api: &'a Api,
	id: u64,
	pieces: Collector,
	/// The next block to look at.
	next: u64,
}

impl<'a> Search<'a> {
	async fn of(api: &'a Api, at: &At, id: u64, job: &Job, root: [u8; 32]) -> Result<Search<'a>> {
		let model = api.model(at, job.model).await?;
		let model = model.ok_or_else(|| {
			Error::not_found(format!("the model of job {id} is not registered any more"))
		})?;
		let len = model.record.info.output_len;
		let pieces = Collector::new(id, root, len, api.piece_bytes(at)?);
		let demanded = api.demand_deadline(at, id).await?.is_some();
		let next = match job.status {
			// Nothing was delivered: it is demanded at once, since the window may be about to end.
			JobStatus::Claimed { earned: 0, .. } if !demanded => {
				at.block_number().saturating_add(1)
			},
			_ => u64::from(job.requested),
		};
		Ok(Search { api, id, pieces, next })
	}

	/// Looks through the blocks that have come.
	async fn look(&mut self, bar: &ProgressBar) -> Result<()> {
		let best = self.api.best_number().await?;
		while self.next <= best && !self.pieces.missing().is_empty() {
			for extrinsic in self.api.extrinsics(self.next).await? {
				self.pieces.take(&extrinsic);
			}
			self.next += 1;
			let (found, count) = (self.pieces.found(), self.pieces.count());
			bar.set_message(format!(
				"job {}: {found} of {count} pieces, block {}",
				self.id, self.next
			));
		}
		Ok(())
	}

	/// Demands what is missing, part by part, and waits for it. Returns what that cost.
	async fn demand_missing(
		&mut self,
		at: &At,
		max_fee: u128,
		signer: impl Fn() -> Result<Keypair>,
		bar: &ProgressBar,
	) -> Result<u128> {
		let missing = self.pieces.missing();
		let price = self.api.delivery_fee(at)?;
		let total = price.saturating_mul(missing.len() as u128);
		let message = format!(
			"{} of {} pieces to be delivered, for {}",
			missing.len(),
			self.pieces.count(),
			Amount(total)
		);
		bar.suspend(|| note(&format!("job {}: {message}", self.id)));
		if total > max_fee {
			let error = Error::usage(format!("that is more than --max-fee {}", Amount(max_fee)));
			return Err(error.hint(format!("to pay it: --max-fee {}", Amount(total))));
		}
		// What somebody demanded before and is still on its way.
		if let Some(deadline) = self.api.demand_deadline(at, self.id).await? {
			self.wait(deadline, None, bar).await?;
		}
		let mut paid = 0u128;
		// As many as the chain takes: what is demanded later may come too late, when the window is over.
		let most = self.api.max_pieces(at)?;
		while let Some(first) = self.pieces.missing().first().copied() {
			let missing = self.pieces.missing();
			let run =
				missing.iter().zip(first..).take_while(|(piece, expected)| *piece == expected);
			let pieces = (run.count() as u32).min(most);
			let deadline = self.demand(first, pieces, &signer()?).await?;
			paid = paid.saturating_add(price.saturating_mul(pieces.into()));
			self.wait(deadline, Some(first..first + pieces), bar).await?;
		}
		Ok(paid)
	}

	/// Demands these pieces; returns the last block at which they may come.
	async fn demand(&self, first: u32, pieces: u32, signer: &Keypair) -> Result<u64> {
		let id = self.id;
		let call = calls::demand_output(id, first, pieces);
		let receipt = self.api.submit(&call, signer, Until::InBlock).await;
		let receipt = receipt.map_err(|e| match e.code.as_deref() {
			Some("Jobs::WindowOver" | "Jobs::ClaimNotOpen" | "Jobs::OutputWithheld") => {
				e.hint(format!(
					"the output cannot be demanded any more; who has the model can compute it: \
					 assay job show {id} --bundle DIR"
				))
			},
			Some("Jobs::NotRequester") => e.hint(
				"sign with the key that requested the job: only who paid for it may demand it",
			),
			_ => e,
		})?;
		let event = receipt.step.event("Jobs::Demanded");
		let deadline = event.and_then(|event| event.number("deadline"));
		deadline.ok_or_else(|| Error::failed("the demand left no event"))
	}

	/// Waits until these pieces, or all, are here, or are not to be expected any more.
	async fn wait(
		&mut self,
		deadline: u64,
		wanted: Option<std::ops::Range<u32>>,
		bar: &ProgressBar,
	) -> Result<()> {
		loop {
			self.look(bar).await?;
			let missing = self.pieces.missing();
			let waits = match &wanted {
				Some(wanted) => missing.iter().any(|piece| wanted.contains(piece)),
				None => {
					let at = self.api.best().await?;
					self.api.demand_deadline(&at, self.id).await?.is_some()
				},
			};
			if !waits || missing.is_empty() {
				return Ok(());
			}
			if self.next > deadline.saturating_add(2) {
				break;
			}
			tokio::time::sleep(INTERVAL).await;
		}
		// A block that was looked at may have given way to another.
		self.next = self.next.saturating_sub(LOOK_BACK);
		self.look(bar).await?;
		let missing = self.pieces.missing();
		match wanted {
			Some(wanted) if missing.iter().any(|piece| wanted.contains(piece)) => {
				let at = self.api.best().await?;
				let job = require(self.api, &at, self.id).await?;
				let who = job.operator().map(|who| address(who).to_string()).unwrap_or_default();
				let text = format!("{who} did not deliver the output by block {deadline}");
				Err(Error::new(Kind::Timeout, text).hint(
					"what you paid for missing pieces is refunded; the job ends as void, and its fee \
					 is refunded too",
				))
			},
			_ => Ok(()),
		}
	}
}
