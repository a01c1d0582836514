//! What the chain charges for proofs of faults in real models: a lie in each op of a bundle, one after
//! the other.
//!
//! Usage: `charges BUNDLE…`. Prints milliseconds of weight, for judging the proof and for the whole call of
//! a signed proof that also ends a claim with one challenge, slashes and pays. Exit status 0 only if
//! judging a typical proof takes 2 ms and the whole call of the worst 10.

use anyhow::{bail, ensure, Context, Result};
use assay_executor::{Bundle, Move, Options, Session, Tamper};
use assay_runtime::Challenges;
use assay_testing::inputs::input;
use frame_support::weights::{constants::WEIGHT_REF_TIME_PER_MILLIS, Weight};
use std::{process::ExitCode, sync::Arc};

/// Limits in milliseconds: for judging the proof in the middle, and for the whole call of the costliest.
const TYPICAL: f64 = 2.0;
const WORST: f64 = 10.0;

fn main() -> Result<ExitCode> {
	let bundles: Vec<String> = std::env::args().skip(1).collect();
	if bundles.is_empty() {
		bail!("which bundles? charges BUNDLE…");
	}
	let mut good = true;
	for bundle in &bundles {
		good &= charges(bundle).with_context(|| bundle.clone())?;
	}
	Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints the charges of one bundle; whether they are within the limits.
fn charges(folder: &str) -> Result<bool> {
	let bundle = Arc::new(Bundle::load(folder)?);
	let input = input(bundle.program());
	let session = Session::new(bundle, Options::default());
	let honest = session.trace(&input, None)?;
	let ops = honest.entries().len() as u32;
	let millis = |weight: Weight| weight.ref_time() as f64 / WEIGHT_REF_TIME_PER_MILLIS as f64;
	let (mut judging, mut whole) = (Vec::new(), Vec::new());
	for op in 0..ops {
		let wrong = session.trace(&input, Some(&Tamper { op, element: None }))?;
		let mut openings = Vec::new();
		let proof = loop {
			match honest.next_move(&wrong.root(), &openings)? {
				Move::Ask(key) => openings.push((key, wrong.open(&key)?)),
				Move::Prove(proof) => break Some(proof),
				// An op whose elements are all given by others, such as an empty one.
				Move::Agree => break None,
			}
		};
		let Some(proof) = proof else { continue };
		let price = Challenges::price_of(proof.cost());
		judging.push(millis(price));
		whole.push(millis(price.saturating_add(Challenges::ending(1))));
	}
	ensure!(!whole.is_empty(), "no op can be lied about");
	judging.sort_by(f64::total_cmp);
	whole.sort_by(f64::total_cmp);
	let spread = |sorted: &[f64]| (sorted[sorted.len() / 2], sorted[sorted.len() - 1]);
	let ((typical_judging, worst_judging), (typical, worst)) = (spread(&judging), spread(&whole));
	println!(
		"{folder}: {} proofs; judging {typical_judging:.2} ms, at most {worst_judging:.2}; the whole call \
		 {typical:.2} ms, at most {worst:.2}",
		whole.len()
	);
	Ok(typical_judging <= TYPICAL && worst <= WORST)
}
