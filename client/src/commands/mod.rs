//! One file for each group of commands.

pub mod challenge;
pub mod doctor;
pub mod job;
pub mod model;
pub mod operator;

use crate::{
	amount::Amount,
	chain::{ChainEvent, Receipt},
};
use serde::Serialize;
use std::fmt;

/// What a command that sends one transaction prints.
#[derive(Clone, Serialize, Debug)]
pub struct Done {
	/// The call, as in `Operators.stake`.
	pub call: String,
	/// Block that holds it.
	pub block: u64,
	/// Transaction fee in 10^-12 ASY.
	pub fee: String,
	/// What Assay's pallets say happened.
	pub events: Vec<ChainEvent>,
}

impl Done {
	/// From a receipt.
	pub fn new(receipt: &Receipt) -> Self {
		let step = &receipt.step;
		let events = step.events.iter().filter(|event| event.is_assay()).cloned().collect();
		Done { call: step.call.clone(), block: step.block, fee: step.fee.to_string(), events }
	}
}

impl fmt::Display for Done {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		for event in &self.events {
			writeln!(f, "{event}")?;
		}
		let fee = Amount(self.fee.parse().unwrap_or_default());
		writeln!(f, "{} in block {}, transaction fee {fee}", self.call, self.block)
	}
}
