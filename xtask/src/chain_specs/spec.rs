//! Putting specifications together, and taking code out of them.

use anyhow::{ensure, Context, Result};
use serde_json::{json, Value};
use std::fmt::Write;

/// The key of the code in a raw genesis: `:code`.
const CODE_KEY: &str = "0x3a636f6465";

/// The address prefix of public networks, from the source of the runtime's constants.
pub(super) fn public_prefix(constants: &str) -> Result<u16> {
	let mut values = constants.lines().filter_map(|line| {
		let value = line.strip_prefix("pub const SS58_PREFIX: u16 = if PUBLIC { ")?;
		Some(value.split_once(" }")?.0.replace('_', ""))
	});
	let value = values.next().context("there is no SS58_PREFIX of public networks")?;
	value.parse().context(value)
}

/// A plain specification with other code. The text stays as it is otherwise, the order of its fields too.
pub(super) fn with_code(text: &str, code: &[u8]) -> Result<String> {
	const FIELD: &str = "\"code\": \"";
	let (before, rest) = text.split_once(FIELD).context("there is no code")?;
	let (_, after) = rest.split_once('"').context("the code has no end")?;
	ensure!(!after.contains(FIELD), "there is code twice");
	Ok(format!("{before}{FIELD}{}\"{}\n", hex(code), after.trim_end()))
}

/// The specification of the public test network, plain.
pub(super) fn public(genesis: &str, prefix: u16, code: &[u8]) -> Result<String> {
	let genesis: Value = serde_json::from_str(genesis).context("the test network's genesis")?;
	let spec = json!({
		"name": "Assay Testnet",
		"id": "assay_testnet",
		"chainType": "Live",
		"bootNodes": [],
		"telemetryEndpoints": null,
		"protocolId": "assay_testnet",
		"properties": {"ss58Format": prefix, "tokenDecimals": 12, "tokenSymbol": "ASY"},
		"codeSubstitutes": {},
		"genesis": {"runtimeGenesis": {"code": hex(code), "patch": genesis}},
	});
	Ok(serde_json::to_string_pretty(&spec)?)
}

/// A specification without its code, and the code.
pub(super) fn without_code(text: &str) -> Result<(Value, Vec<u8>)> {
	let mut spec: Value = serde_json::from_str(text)?;
	let genesis = spec.get_mut("genesis").context("there is no genesis")?;
	let (owner, key) = match genesis.get("runtimeGenesis") {
		Some(_) => (genesis.get_mut("runtimeGenesis"), "code"),
		None => (genesis.pointer_mut("/raw/top"), CODE_KEY),
	};
	let code = owner.and_then(Value::as_object_mut).and_then(|owner| owner.remove(key));
	let code = code.as_ref().and_then(Value::as_str).context("there is no code")?;
	let code = bytes(code).context("the code is no hex")?;
	Ok((spec, code))
}

/// `0x` and hex.
fn hex(bytes: &[u8]) -> String {
	let mut out = String::with_capacity(2 + 2 * bytes.len());
	out.push_str("0x");
	for byte in bytes {
		// Writing to a string does not fail.
		let _ = write!(out, "{byte:02x}");
	}
	out
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
	let digits = hex.strip_prefix("0x")?;
	let digits = digits.chars().map(|digit| digit.to_digit(16)).collect::<Option<Vec<_>>>()?;
	let byte = |pair: &[u32]| match *pair {
		[high, low] => u8::try_from(16 * high + low).ok(),
		_ => None,
	};
	digits.chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::chain_specs::blob::COMPRESSED;
	use std::{fs, path::Path};

	const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

	fn committed(path: &str) -> String {
		fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
	}

	/// What is committed was put together as here: taking its code out and in gives the same text.
	#[test]
	fn committed_specifications_stay_as_they_are() {
		for name in ["chain-specs/development.json", "chain-specs/local.json"] {
			let text = committed(name);
			let (_, code) = without_code(&text).unwrap();
			assert!(code.starts_with(&COMPRESSED), "{name}");
			assert!(with_code(&text, &code).unwrap() == text, "{name}");
			let (spec, other) = without_code(&with_code(&text, b"other").unwrap()).unwrap();
			assert_eq!((spec, &other[..]), (without_code(&text).unwrap().0, &b"other"[..]));
		}
		let (spec, code) = without_code(&committed("chain-specs/testnet.json")).unwrap();
		assert!(code.starts_with(&COMPRESSED));
		assert_eq!(spec["genesis"]["raw"]["top"].get(CODE_KEY), None);
	}

	#[test]
	fn the_test_network_is_what_is_committed() {
		let prefix = public_prefix(&committed("runtime/src/constants.rs")).unwrap();
		let made = public(&committed("chain-specs/testnet-genesis.json"), prefix, b"abc").unwrap();
		let (made, code) = without_code(&made).unwrap();
		let (raw, _) = without_code(&committed("chain-specs/testnet.json")).unwrap();
		assert_eq!(code, b"abc");
		for field in ["name", "id", "chainType", "bootNodes", "protocolId", "properties"] {
			assert_eq!(made[field], raw[field], "{field}");
		}
	}

	#[test]
	fn what_is_no_specification_is_refused() {
		for text in
			["", "{}", r#"{"genesis": {"runtimeGenesis": {}}}"#, r#"{"genesis": {"raw": 1}}"#]
		{
			assert!(without_code(text).is_err(), "{text}");
			assert!(with_code(text, b"").is_err(), "{text}");
		}
		assert!(with_code(r#""code": "0x" "code": "0x""#, b"").is_err());
		assert!(public_prefix("pub const SS58_PREFIX: u16 = 42;").is_err());
		assert_eq!(bytes("0x0aff"), Some(vec![10, 255]));
		for wrong in ["0aff", "0x0", "0x0g"] {
			assert_eq!(bytes(wrong), None, "{wrong}");
		}
	}
}
