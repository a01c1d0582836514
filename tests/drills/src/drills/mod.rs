//! The drills.

mod chain;
mod lies;
mod messages;
mod models;
mod outputs;
mod shams;
mod time;

use crate::drill::Drill;

/// All drills, those of the demonstration first.
pub fn all() -> &'static [Drill] {
	const ALL: &[&[Drill]] = &[
		lies::DRILLS,
		shams::DRILLS,
		time::DRILLS,
		messages::DRILLS,
		outputs::DRILLS,
		models::DRILLS,
		chain::DRILLS,
	];
	static DRILLS: std::sync::OnceLock<Vec<Drill>> = std::sync::OnceLock::new();
	DRILLS.get_or_init(|| ALL.iter().flat_map(|group| group.iter().copied()).collect())
}
