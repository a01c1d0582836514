//! Cheating on purpose, so that disputes can be rehearsed on development chains.

use std::str::FromStr;

/// Which op a lie corrupts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
	/// The first op.
	First,
	/// The op in the middle.
	Middle,
	/// The last op: the output itself.
	Last,
	/// An op drawn from the job's number.
	Random,
	/// The op with this index.
	Op(u32),
}

/// One way to cheat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drill {
	/// Corrupt one element of one op, go on consistently from there, and play the dispute.
	Lie(Target),
	/// Lie about the output and never reveal the trace.
	Silent,
	/// Lie, reveal the trace and never open a node of it.
	Unresponsive,
	/// Tell the truth, and keep an output to itself of which the claim told only the root.
	Withholding,
}

impl FromStr for Drill {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		let target = match text {
			"silent" => return Ok(Self::Silent),
			"unresponsive" => return Ok(Self::Unresponsive),
			"withholding" => return Ok(Self::Withholding),
			other => other.strip_prefix("lie:"),
		};
		Ok(Self::Lie(match target {
			Some("first") => Target::First,
			Some("middle") => Target::Middle,
			Some("last") => Target::Last,
			Some("random") => Target::Random,
			Some(op) => Target::Op(op.parse().map_err(|_| {
				format!("{op:?} is neither first, middle, last or random nor the index of an op")
			})?),
			None => {
				return Err(
					"expected lie:first, lie:middle, lie:last, lie:random, lie:OP, silent, \
				            unresponsive or withholding"
						.into(),
				)
			},
		}))
	}
}

impl Drill {
	/// The drill that applies to `job`: a function of its number alone, so that a restarted node
	/// goes on with the lie it told before.
	pub(crate) fn select(drills: &[Self], job: u64) -> Option<Self> {
		let len = u64::try_from(drills.len()).ok().filter(|len| *len > 0)?;
		drills.get(usize::try_from(job % len).ok()?).copied()
	}

	/// The op to corrupt in a program of `n_ops` ops, for `job`.
	pub(crate) fn op(self, job: u64, n_ops: u32) -> u32 {
		let last = n_ops.saturating_sub(1);
		match self {
			Self::Lie(Target::First) => 0,
			Self::Lie(Target::Middle) | Self::Unresponsive => last / 2,
			Self::Lie(Target::Last) | Self::Silent | Self::Withholding => last,
			Self::Lie(Target::Random) => {
				let hash = sp_io::hashing::twox_64(&job.to_le_bytes());
				(u64::from_le_bytes(hash) % u64::from(n_ops.max(1))) as u32
			},
			Self::Lie(Target::Op(op)) => op.min(last),
		}
	}
}
