//! Nothing that decides on chain uses floats: their results may differ between machines.

use super::{
	sources::{code, Sources},
	Finding,
};

/// Folders of what decides.
const DECIDES: [&str; 4] = ["referee/", "primitives/", "pallets/", "runtime/"];
/// Parts of paths of what does not: tests, and what is measured.
const NOT: [&str; 6] = ["/tests/", "/tests.rs", "/mock.rs", "/benches/", "/examples/", "/fuzz/"];

/// Floats where there must be none.
pub(crate) fn check(sources: &Sources) -> Vec<Finding> {
	let mut found = Vec::new();
	for folder in DECIDES.iter().filter(|folder| !sources.has(folder)) {
		found.push(Finding::of(*folder, "is not there; mend xtask's list of what decides"));
	}
	for (file, text) in sources.ending(".rs") {
		let decides = DECIDES.iter().any(|folder| file.starts_with(folder));
		if !decides || NOT.iter().any(|part| file.contains(part)) {
			continue;
		}
		// Tests beside the code are its last item.
		let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
		for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| names_a_float(line)) {
			found.push(Finding::at(file, number, format!("a float: {}", line.trim())));
		}
	}
	found
}

fn names_a_float(line: &str) -> bool {
	let code = code(line);
	code.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| {
		let literal = word.starts_with(|c: char| c.is_ascii_digit())
			&& !word.starts_with("0x")
			&& (word.ends_with("f32") || word.ends_with("f64"));
		word == "f32" || word == "f64" || literal
	})
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn floats_are_recognised() {
		for line in ["fn f(x: f32) {}", "let x = 1f64;", "x as f32", "Vec<f64>"] {
			assert!(names_a_float(line), "{line}");
		}
		for line in ["// an f32", "\"f32\"", "F32", "f32_to_bits", "0x1f32", "widen_f32(x)"] {
			assert!(!names_a_float(line), "{line}");
		}
	}

	#[test]
	fn floats_are_looked_for_where_the_chain_decides() {
		let text = "fn f(x: f32) {}\n";
		let places = ["pallets/jobs/src/lib.rs", "pallets/jobs/src/tests/a.rs", "engine/a.rs"];
		let mut files = places.map(|place| (place, text)).to_vec();
		files.extend([("primitives/a.rs", ""), ("runtime/a.rs", "")]);
		let found = check(&Sources::of(&files));
		let places: Vec<&str> = found.iter().map(|found| found.place.as_str()).collect();
		assert_eq!(places, ["referee/", "pallets/jobs/src/lib.rs:1"]);
	}
}
