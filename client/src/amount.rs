//! Amounts of ASY: whole units of 10^-12 ASY on the chain, decimals for people.

use serde::{Serialize, Serializer};
use std::{fmt, str::FromStr};

/// Decimals of the token.
pub const DECIMALS: u32 = 12;
/// One ASY in the chain's units.
pub const ASY: u128 = 10u128.pow(DECIMALS);

/// An amount in the chain's units (10^-12 ASY).
///
/// # Examples
///
/// ```
/// use assay_client::amount::{Amount, ASY};
///
/// let fee: Amount = "1_250.5 ASY".parse()?;
/// assert_eq!(fee, Amount(1_250 * ASY + ASY / 2));
/// assert_eq!(fee.to_string(), "1250.5 ASY");
/// // Nothing is rounded.
/// assert!("0.0000000000001".parse::<Amount>().is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Amount(pub u128);

impl Serialize for Amount {
	fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
		decimal(&self.0, s)
	}
}

/// An amount in the chain's units as JSON has it: in decimal, as text, because it exceeds what most
/// readers take for a number.
pub fn decimal<S: Serializer>(amount: &u128, s: S) -> Result<S::Ok, S::Error> {
	s.collect_str(amount)
}

impl FromStr for Amount {
	type Err = String;

	/// Reads `12.5`, `12.5ASY` or `12.5 ASY`; underscores may group digits.
	fn from_str(text: &str) -> Result<Self, String> {
		let bad = |why: &str| format!("{text:?} is not an amount: {why} (write 12.5 or 12.5ASY)");
		let trimmed = text.trim();
		let lower = trimmed.to_ascii_lowercase();
		let digits = lower.strip_suffix("asy").unwrap_or(&lower).trim_end().replace('_', "");
		let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
		if whole.is_empty() && fraction.is_empty() {
			return Err(bad("no digits"));
		}
		if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
			return Err(bad("only digits and one point"));
		}
		if fraction.len() > DECIMALS as usize {
			return Err(bad("more than 12 decimals"));
		}
		let parse = |s: &str| if s.is_empty() { Ok(0u128) } else { s.parse::<u128>() };
		let whole = parse(whole).map_err(|_| bad("too large"))?;
		let scale = 10u128.pow(DECIMALS - fraction.len() as u32);
		let fraction = parse(fraction).map_err(|_| bad("too large"))? * scale;
		let total = whole.checked_mul(ASY).and_then(|w| w.checked_add(fraction));
		total.map(Amount).ok_or_else(|| bad("too large"))
	}
}

impl fmt::Display for Amount {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let (whole, fraction) = (self.0 / ASY, self.0 % ASY);
		let digits = format!("{fraction:012}");
		let digits = digits.trim_end_matches('0');
		if digits.is_empty() {
			write!(f, "{whole} ASY")
		} else {
			write!(f, "{whole}.{digits} ASY")
		}
	}
}

/// `now - before` with its sign, for people: `+1.5 ASY`, `-20 ASY`.
pub fn change(before: u128, now: u128) -> String {
	if now >= before {
		format!("+{}", Amount(now - before))
	} else {
		format!("-{}", Amount(before - now))
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn reads_what_people_write() {
		let read = |s: &str| s.parse::<Amount>().map(|a| a.0);
		assert_eq!(read("12.5"), Ok(12_500_000_000_000));
		assert_eq!(read("12.5ASY"), Ok(12_500_000_000_000));
		assert_eq!(read(" 1_000 asy "), Ok(1_000 * ASY));
		assert_eq!(read(".000000000001"), Ok(1));
		for wrong in ["", "ASY", ".", "-1", "1.2.3", "1e3", "0.0000000000001", "ten"] {
			assert!(read(wrong).is_err(), "{wrong}");
		}
		assert!(read(&"9".repeat(39)).is_err());
		assert!(read(&"9".repeat(80)).is_err());
	}

	#[test]
	fn writes_what_it_reads() {
		for amount in [0, 1, ASY, 12 * ASY + ASY / 2, 123_456_789] {
			assert_eq!(Amount(amount).to_string().parse::<Amount>(), Ok(Amount(amount)));
		}
		assert_eq!(change(3 * ASY, ASY), "-2 ASY");
	}
}
