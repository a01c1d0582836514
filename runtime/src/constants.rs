//! Time, money and size constants of the chain.

/// Clock of block production.
pub mod time {
	use crate::BlockNumber;

	use crate::constants::PUBLIC;

	/// Slot length in milliseconds, also the expected block time. On one machine three seconds are
	/// plenty; over the world's networks blocks need six.
	pub const SLOT_MILLIS: u64 = if PUBLIC { 6_000 } else { 3_000 };

	/// Epoch length in slots: twenty minutes on public networks, so that a change of validators
	/// takes effect within the hour; a minute where people wait for it. Neither this nor
	/// [`SLOT_MILLIS`] can change on a running chain: BABE would stop producing blocks.
	pub const EPOCH_SLOTS: u64 = if PUBLIC { 200 } else { 20 };

	/// Probability that a slot has a primary author, as a fraction.
	pub const PRIMARY_PROBABILITY: (u64, u64) = (1, 4);

	/// How many blocks back the chain remembers hashes; also the longest transaction mortality.
	pub const BLOCK_HASH_COUNT: BlockNumber = 4_096;
}

/// The token.
pub mod currency {
	use crate::Balance;

	/// Ticker of the token.
	pub const SYMBOL: &str = "ASY";
	/// Decimals of the token.
	pub const DECIMALS: u8 = 12;

	/// One whole token, in base units.
	pub const ASY: Balance = 1_000_000_000_000;
	/// A thousandth of a token.
	pub const MILLI_ASY: Balance = ASY / 1_000;
	/// A millionth of a token.
	pub const MICRO_ASY: Balance = ASY / 1_000_000;

	/// Smallest balance that keeps an account alive.
	pub const EXISTENTIAL_DEPOSIT: Balance = MILLI_ASY;

	/// Fee for one byte of a transaction: about one token for the largest inline input (1 MiB).
	pub const FEE_PER_BYTE: Balance = MICRO_ASY;

	/// Deposit for `items` storage items holding `bytes` bytes together.
	pub const fn deposit(items: u32, bytes: u32) -> Balance {
		items as Balance * 10 * MILLI_ASY + bytes as Balance * 10 * MICRO_ASY
	}
}

/// The rules of jobs and disputes. Periods are in blocks.
pub mod inference {
	use crate::{Balance, BlockNumber};

	/// Longest program: the header, one record for each of the most operations, and the longest table of
	/// ports.
	pub const MAX_PROGRAM_BYTES: u32 = assay_referee::MAX_PROGRAM_BYTES as u32;
	/// Longest input that a request carries.
	pub const MAX_INPUT_BYTES: u32 = 1024 * 1024;
	/// What one cost unit of a model adds to the least fee, in base units.
	pub const FEE_PER_UNIT: Balance = 10;

	/// How long a job waits for an operator.
	pub const QUEUE: BlockNumber = 100;
	/// How long an operator that accepted has until it must claim.
	pub const CLAIM: BlockNumber = 20;
	/// How long a claim may be challenged.
	pub const WINDOW: BlockNumber = 20;
	/// How long an operator has until it must deliver what its requester demands of the output.
	pub const DELIVERY: BlockNumber = 10;
	/// How long a challenged operator has until it must reveal its trace.
	pub const TRACE: BlockNumber = 10;
	/// How long an operator has until it must open a node.
	pub const ANSWER: BlockNumber = 10;
	/// How long a challenger has until it must move.
	pub const TURN: BlockNumber = 10;
	/// How long a job or challenge that is over stays on record.
	pub const RETENTION: BlockNumber = 200;
	/// How long an operator that was chilled, by itself too, stays so at least.
	pub const CHILL: BlockNumber = 20;
	/// Longest run of a model on the slowest machine that the chain admits, in microseconds: ten
	/// minutes. Longer ones could not be checked in any of these periods.
	pub const MAX_RUN_MICROS: u64 = 600_000_000;
	/// How long unstaked money stays within reach of a slash.
	pub const UNSTAKING: BlockNumber = 60;
}

/// Limits of one block.
pub mod block {
	use frame_support::weights::{constants::WEIGHT_REF_TIME_PER_SECOND, Weight};
	use sp_runtime::Perbill;

	/// Computing time of one block: one second out of a slot of three. The proof size is unlimited
	/// because no relay chain ever asks for a proof.
	pub const MAX_WEIGHT: Weight = Weight::from_parts(WEIGHT_REF_TIME_PER_SECOND, u64::MAX);

	/// Share of a block open to transactions of the normal class; disputes may use the rest too.
	pub const NORMAL_SHARE: Perbill = Perbill::from_percent(75);

	/// Length of a block in bytes.
	pub const MAX_LENGTH: u32 = 5 * 1024 * 1024;

	/// Length of a header in bytes.
	pub const MAX_HEADER: u32 = 100 * 1024;
}

/// Whether this runtime is for public networks. Slots, epochs and addresses are compiled in and
/// cannot change on a running chain, so those of public networks are chosen when the code is built:
/// feature `public-network`, which `scripts/chain-specs` turns on. Everything else is the same.
const PUBLIC: bool = cfg!(feature = "public-network");

/// Address prefix of the chain. Public networks have one of their own, free in the SS58 registry of
/// 2026, under which addresses begin with `as`. Development chains keep the generic one, shared by
/// all test networks, so that nothing meant for them passes for something of value.
pub const SS58_PREFIX: u16 = if PUBLIC { 9_779 } else { 42 };

/// Most validators the chain supports.
pub const MAX_VALIDATORS: u32 = 100;
