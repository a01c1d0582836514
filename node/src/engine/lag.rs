//! Whether the watcher keeps up, said once when that changes.

use super::LOG;
use assay_host::Note;

/// With fewer blocks left for the most urgent claim the watcher has fallen behind.
const FEW_BLOCKS: u64 = 3;

/// With so many left again it has caught up.
const ENOUGH_BLOCKS: u64 = 2 * FEW_BLOCKS;

/// What the workers have said about claims to look at.
///
/// They say how many are left before they say how long the most urgent of them can wait.
#[derive(Default)]
pub(super) struct Lag {
	unchecked: u64,
	missed: u64,
	behind: bool,
}

/// What there is to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Change {
	/// The watcher cannot look at all claims in time.
	Behind {
		/// Claims it could look at and has not.
		unchecked: u64,
	},
	/// It can again.
	CaughtUp {
		/// Claims that became final meanwhile.
		missed: u64,
	},
}

impl Lag {
	/// A worker has said something.
	pub(super) fn note(&mut self, event: Note, value: u64) -> Option<Change> {
		let (behind, kept_up) = match event {
			Note::ClaimsUnchecked => {
				self.unchecked = value;
				(false, value == 0)
			},
			Note::BlocksToCheck if self.unchecked > 0 => {
				(value < FEW_BLOCKS, value >= ENOUGH_BLOCKS)
			},
			Note::ClaimsMissed if value > 0 => {
				self.missed = self.missed.saturating_add(value);
				(true, false)
			},
			_ => return None,
		};
		if behind && !self.behind {
			self.behind = true;
			return Some(Change::Behind { unchecked: self.unchecked });
		}
		if kept_up && self.behind {
			self.behind = false;
			return Some(Change::CaughtUp { missed: std::mem::take(&mut self.missed) });
		}
		None
	}
}

impl Change {
	/// Says it.
	pub(super) fn log(self) {
		match self {
			Self::Behind { unchecked } => log::warn!(
				target: LOG,
				"The watcher has fallen behind: {unchecked} claims to look at and too little time. \
				 It looks first at what has most at stake for the time it takes",
			),
			Self::CaughtUp { missed } => log::info!(
				target: LOG,
				"The watcher has caught up; {missed} claims became final without it",
			),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	/// What a sequence of notes makes the node say.
	fn said(notes: &[(Note, u64)]) -> Vec<Change> {
		let mut lag = Lag::default();
		notes.iter().filter_map(|(event, value)| lag.note(*event, *value)).collect()
	}

	#[test]
	fn falling_behind_is_said_once() {
		use Note::{BlocksToCheck, ClaimsMissed, ClaimsUnchecked};
		let notes = [
			(ClaimsUnchecked, 5),
			(BlocksToCheck, 9),
			(ClaimsUnchecked, 8),
			(BlocksToCheck, 2),
			(BlocksToCheck, 1),
			(ClaimsMissed, 3),
			(ClaimsMissed, 4),
			(BlocksToCheck, 4),
			(BlocksToCheck, 6),
			(BlocksToCheck, 7),
			(ClaimsMissed, 1),
			(ClaimsUnchecked, 0),
			(ClaimsUnchecked, 0),
		];
		let expected = [
			Change::Behind { unchecked: 8 },
			Change::CaughtUp { missed: 7 },
			Change::Behind { unchecked: 8 },
			Change::CaughtUp { missed: 1 },
		];
		assert_eq!(said(&notes), expected);
	}

	#[test]
	fn nothing_to_do_is_not_behind() {
		use Note::{BlocksToCheck, ClaimsMissed, ClaimsUnchecked, MismatchSeen};
		let notes =
			[(ClaimsUnchecked, 0), (BlocksToCheck, 0), (ClaimsMissed, 0), (MismatchSeen, 1)];
		assert_eq!(said(&notes), []);
	}
}
