//! Nothing of the format is left half done: what one list has, the others have.
//!
//! `docs/adding-an-op.md` tells how to add an operation; these tests fail until its steps are done.
//! Steps that the compiler demands (a rule, a bound, an element function, an oracle, a kernel or the
//! choice of none) need no test: they are matches without a wildcard.

use crate::{
	testing::{record, Rng, KINDS},
	*,
};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

const FORMAT: &str = include_str!("../../../docs/model-format.md");
const CODEC: &str = include_str!("codec.rs");

/// Codes that decoding takes for a kind, whatever its parameters.
fn decodable() -> Vec<u16> {
	let accepts = |code: u16, parameter: u8| {
		let mut bytes = [0; RECORD_BYTES];
		bytes[..2].copy_from_slice(&code.to_le_bytes());
		bytes[2] = DType::F32.code();
		bytes[64] = parameter;
		OpRecord::from_bytes(&bytes) != Err(RecordError::Code)
	};
	(0..1000).filter(|&code| (0..=255).any(|parameter| accepts(code, parameter))).collect()
}

/// The code of each kind that the generator makes, with its name.
fn generated() -> BTreeMap<u16, String> {
	let of = |kind| {
		let op = record(&mut Rng(kind), kind);
		let bytes = op.to_bytes().unwrap();
		let name: String =
			format!("{:?}", op.kind).chars().take_while(|c| c.is_alphanumeric()).collect();
		(u16::from_le_bytes([bytes[0], bytes[1]]), name)
	};
	(0..KINDS).map(of).collect()
}

/// The rows `| code | name | …` of the tables of a text.
fn rows(text: &str) -> BTreeMap<u16, String> {
	let row = |line: &str| {
		let line = line.trim_start_matches("//!").trim();
		let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
		let code = cells.next()?.parse().ok()?;
		Some((code, String::from(cells.next()?)))
	};
	text.lines().filter_map(row).collect()
}

#[test]
fn every_kind_is_generated_and_documented() {
	let kinds = generated();
	let codes: Vec<u16> = kinds.keys().copied().collect();
	assert_eq!(codes, decodable(), "testing.rs does not make the kinds that codec.rs decodes");
	let section = |text: &'static str, from: &str, to: &str| {
		let start = text.find(from).unwrap();
		let end = text[start..].find(to).map_or(text.len(), |at| start + at);
		rows(&text[start..end])
	};
	assert_eq!(section(FORMAT, "## Operations", "## Arithmetic"), kinds, "docs/model-format.md");
	assert_eq!(section(CODEC, "//! | kind | name |", "use super"), kinds, "codec.rs");
}

/// `1 Add, 2 Sub, …` of the functions that a list in the documentation names.
fn documented(heading: &str) -> Vec<String> {
	let start = FORMAT.find(heading).unwrap() + heading.len();
	let end = start + FORMAT[start..].find('.').unwrap();
	FORMAT[start..end]
		.split(',')
		.map(|entry| entry.split_whitespace().collect::<Vec<_>>().join(" "))
		.collect()
}

#[test]
fn every_function_is_documented() {
	fn named<T: core::fmt::Debug>(all: &[T], code: impl Fn(&T) -> u8) -> Vec<String> {
		all.iter().map(|function| format!("{} {function:?}", code(function))).collect()
	}
	assert_eq!(documented("\nUnary:"), named(UnaryFn::ALL, |f| f.code()));
	assert_eq!(documented("\nBinary:"), named(BinaryFn::ALL, |f| f.code()));
	assert_eq!(documented(" Reduce:"), named(ReduceFn::ALL, |f| f.code()));
	assert_eq!(documented(" Scatter:"), named(ScatterFn::ALL, |f| f.code()));
}

/// The generator reaches every function, so that oracles, bounds and kernels meet all of them.
#[test]
fn every_function_is_generated() {
	let mut kinds = Vec::new();
	for seed in 0..600 {
		for kind in 0..KINDS {
			let kind = record(&mut Rng(seed), kind).kind;
			if !kinds.contains(&kind) && !matches!(kind, OpKind::Strided { .. }) {
				kinds.push(kind);
			}
		}
	}
	let missing = |wanted: Vec<OpKind>| -> Vec<OpKind> {
		wanted.into_iter().filter(|kind| !kinds.contains(kind)).collect()
	};
	assert_eq!(missing(UnaryFn::ALL.iter().map(|&f| OpKind::Unary(f)).collect()), []);
	assert_eq!(missing(BinaryFn::ALL.iter().map(|&f| OpKind::Binary(f)).collect()), []);
	assert_eq!(missing(ReduceFn::ALL.iter().map(|&f| OpKind::Reduce(f)).collect()), []);
	let reduces = |function| {
		let is =
			|kind: &OpKind| matches!(kind, OpKind::MapReduce { function: f, .. } if *f == function);
		kinds.iter().any(is)
	};
	assert!(ReduceFn::ALL.iter().all(|&function| reduces(function)));
	assert_eq!(missing(ScatterFn::ALL.iter().map(|&f| OpKind::Scatter(f)).collect()), []);
}
