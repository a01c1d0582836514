//! The operator sets that a model is written for: one version per domain.

use std::collections::HashMap;

use crate::{
	error::{ErrorKind, Failure, Result},
	read::Graph,
};

/// Versions of the standard operator set whose operators are all known here.
const STANDARD: std::ops::RangeInclusive<i64> = 1..=28;

/// Whether this is the standard operator set; it has two names.
pub(crate) fn is_standard(domain: &str) -> bool {
	matches!(domain, "" | "ai.onnx")
}

/// The versions of the operator sets that a model names.
#[derive(Clone, Debug)]
pub(crate) struct Opsets<'a> {
	/// Of the standard operator set.
	pub(crate) standard: i64,
	others: HashMap<&'a str, i64>,
}

impl<'a> Opsets<'a> {
	/// A graph that uses none of the standard operators need not name their version.
	///
	/// # Errors
	///
	/// When it names none and uses them, or names one that is not known.
	pub(crate) fn of(named: &[(&'a str, i64)], graph: &Graph<'a>) -> Result<Opsets<'a>> {
		let standard = match named.iter().find(|(domain, _)| is_standard(domain)) {
			Some(&(_, version)) => version,
			None if named.is_empty() || graph.nodes.iter().any(|node| is_standard(node.domain)) => {
				let reason = "it names no version of the operator set";
				return Err(Failure::new(ErrorKind::Malformed, reason));
			},
			None => *STANDARD.end(),
		};
		if !STANDARD.contains(&standard) {
			return Err(Failure::unsupported(format!(
				"it is written for operator set {standard}, supported are {} to {}",
				STANDARD.start(),
				STANDARD.end()
			))
			.help("export or convert the model for operator set 17"));
		}
		// Of a domain that is named twice, the first counts.
		let others = named.iter().rev().copied().collect();
		Ok(Opsets { standard, others })
	}

	/// The version of a domain's operator set; 1 where the model names none, as old tools forget it for domains
	/// that have no other.
	pub(crate) fn version(&self, domain: &str) -> i64 {
		if is_standard(domain) {
			self.standard
		} else {
			self.others.get(domain).copied().unwrap_or(1)
		}
	}
}
