//! Comments fit beside each other: rustfmt leaves them alone, so this looks at their length.

use super::{sources::Sources, Finding};

/// Most columns of a line of comment; a tab counts as four.
const COLUMNS: usize = 120;

/// Lines of comment that are too long. Addresses and rows of tables cannot be broken, and nobody writes
/// weights.
pub(crate) fn check(sources: &Sources) -> Vec<Finding> {
	let mut found = Vec::new();
	let written = sources.ending(".rs").filter(|(file, _)| !file.ends_with("/weights.rs"));
	for (file, text) in written {
		for (number, line) in (1..).zip(text.lines()) {
			let comment = line.trim_start().starts_with("//");
			let whole = line.contains("://") || line.contains("//! |") || line.contains("/// |");
			if comment && !whole && width(line) > COLUMNS {
				let message = format!("{} columns of comment, the most is {COLUMNS}", width(line));
				found.push(Finding::at(file, number, message));
			}
		}
	}
	found
}

fn width(line: &str) -> usize {
	line.chars().map(|c| if c == '\t' { 4 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn long_comments_are_found() {
		let long = format!(
			"\t// {}\nlet x = \"{}\";\n/// https://{}\n",
			"a ".repeat(60),
			"b".repeat(200),
			"c".repeat(200)
		);
		let found = check(&Sources::of(&[("a.rs", &long), ("b.rs", "// short\n")]));
		assert_eq!(found.iter().map(|found| found.place.as_str()).collect::<Vec<_>>(), ["a.rs:1"]);
	}
}
