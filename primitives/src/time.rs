//! How periods follow the work.
//!
//! Whoever has to run a model before a deadline gets time for that besides the fixed period: *X*, the
//! blocks that one run takes on the slowest machine that the chain admits.

/// *X*: blocks that `micros` microseconds of computing take, rounded up; `block_millis` is the length of
/// a block. Nothing when it is less than a block, which the fixed part of every period has room for.
/// Saturates.
pub fn blocks_for(micros: u64, block_millis: u64) -> u32 {
	let block = block_millis.saturating_mul(1_000).max(1);
	if micros < block {
		return 0;
	}
	u32::try_from(micros.div_ceil(block)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn long_runs_take_blocks() {
		assert_eq!(blocks_for(0, 3_000), 0);
		assert_eq!(blocks_for(2_999_999, 3_000), 0);
		assert_eq!(blocks_for(3_000_000, 3_000), 1);
		assert_eq!(blocks_for(3_000_001, 3_000), 2);
		assert_eq!(blocks_for(u64::MAX, 0), u32::MAX);
	}
}
