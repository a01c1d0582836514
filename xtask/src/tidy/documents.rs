//! Documents point at what is there: files, headings, commands, tests and metrics.

use super::{
	sources::{joined, Sources},
	Finding,
};
use std::collections::BTreeSet;

/// Links, paths and names in Markdown that lead nowhere.
pub(crate) fn check(sources: &Sources) -> Vec<Finding> {
	let rust: String = sources.ending(".rs").map(|(_, text)| text).collect();
	let functions: BTreeSet<&str> = rust.split("fn ").skip(1).map(word).collect();
	let mut found = Vec::new();
	let crates: BTreeSet<&str> = sources
		.ending("Cargo.toml")
		.filter_map(|(_, text)| quoted_after(text, "name = "))
		.collect();
	for (file, text) in sources.ending(".md") {
		let prose = without_code_blocks(text);
		for (number, line) in (1..).zip(prose.lines()) {
			for target in links(line) {
				if let Some(message) = broken_link(sources, file, target) {
					found.push(Finding::at(file, number, message));
				}
			}
		}
		for (number, line) in (1..).zip(text.lines()) {
			let paths = line.split(|c: char| !(c.is_ascii_alphanumeric() || "_/.-".contains(c)));
			for path in paths.map(|path| path.trim_end_matches('.')) {
				if is_path(path) && !sources.has(path) {
					found.push(Finding::at(file, number, format!("there is no {path}")));
				}
			}
		}
		for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| line.contains("cargo ")) {
			for message in broken_command(sources, &crates, line) {
				found.push(Finding::at(file, number, message));
			}
		}
		if file == "docs/security-model.md" || file.starts_with("docs/guide/") {
			for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| line.starts_with("| "))
			{
				for name in tests_of(line).filter(|name| !functions.contains(name)) {
					found.push(Finding::at(file, number, format!("there is no test {name}")));
				}
			}
		}
	}
	found.extend(metrics(sources));
	found
}

/// The text with the contents of code blocks left out, line by line.
fn without_code_blocks(text: &str) -> String {
	let mut inside = false;
	let mut out = String::new();
	for line in text.lines() {
		if line.trim_start().starts_with("```") {
			inside = !inside;
		} else if !inside {
			out.push_str(line);
		}
		out.push('\n');
	}
	out
}

/// Targets of links that lead into the repository.
fn links(line: &str) -> impl Iterator<Item = &str> {
	let after = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
	after.filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
}

fn broken_link(sources: &Sources, file: &str, target: &str) -> Option<String> {
	let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
	let path = if path.is_empty() { file.to_string() } else { joined(file, path) };
	if !sources.has(&path) {
		return Some(format!("a link to {target}, which is not there"));
	}
	let text = sources.files.get(&path).filter(|_| !anchor.is_empty() && path.ends_with(".md"))?;
	let headings = without_code_blocks(text);
	let mut anchors = headings.lines().filter(|line| line.starts_with('#')).map(slug);
	(!anchors.any(|other| other == anchor)).then(|| format!("{path} has no heading #{anchor}"))
}

/// The anchor that GitHub gives a heading.
fn slug(heading: &str) -> String {
	let text = heading.trim_start_matches('#').trim().to_lowercase();
	let kept = text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
	kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Whether a word names a file of the repository.
fn is_path(text: &str) -> bool {
	const FOLDERS: [&str; 12] = [
		"engine/",
		"node/",
		"pallets/",
		"referee/",
		"client/",
		"tests/",
		"primitives/",
		"runtime/",
		"scripts/",
		"docs/",
		"xtask/",
		"fuzz/",
	];
	let is_file = text.rsplit('/').next().is_some_and(|name| name.contains('.'));
	let is_script = text.starts_with("scripts/") && text.len() > "scripts/".len();
	FOLDERS.iter().any(|folder| text.starts_with(folder)) && (is_file || is_script)
}

/// The crates and targets of a cargo command that are not there.
fn broken_command(sources: &Sources, crates: &BTreeSet<&str>, line: &str) -> Vec<String> {
	let words: Vec<&str> = line.split([' ', '`', ';', ')']).collect();
	let mut broken = Vec::new();
	for pair in words.windows(2) {
		let &[option, name] = pair else { continue };
		if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
			continue;
		}
		let folder = match option {
			"-p" if !crates.contains(name) => {
				broken.push(format!("there is no crate {name}"));
				continue;
			},
			"--example" => "examples",
			"--bench" => "benches",
			"--test" => "tests",
			_ => continue,
		};
		let endings = [format!("/{folder}/{name}.rs"), format!("/{folder}/{name}/main.rs")];
		if !sources.files.keys().any(|file| endings.iter().any(|ending| file.ends_with(ending))) {
			broken.push(format!("there is no {folder}/{name}"));
		}
	}
	broken
}

/// What stands in quotes behind the first `key`.
fn quoted_after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
	text.split(key).nth(1)?.split('"').nth(1)
}

/// The names of tests in the last column of a table: those with an underscore.
fn tests_of(line: &str) -> impl Iterator<Item = &str> {
	let last = line.trim_end_matches([' ', '|']).rsplit('|').next().unwrap_or_default();
	let names = last.split('`').skip(1).step_by(2);
	names.map(|name| name.rsplit("::").next().unwrap_or(name)).filter(|name| {
		name.contains('_')
			&& name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
	})
}

/// Metrics that are measured and not documented, or documented and not measured.
fn metrics(sources: &Sources) -> Vec<Finding> {
	const PAGE: &str = "docs/operator.md";
	let named = |text: &str| -> BTreeSet<String> {
		let names = text.match_indices("assay_engine_").chain(text.match_indices("assay_claims_"));
		names.map(|(at, _)| word(&text[at..]).to_string()).collect()
	};
	let node: String = sources
		.ending(".rs")
		.filter(|(file, _)| file.starts_with("node/src"))
		.map(|(_, text)| text)
		.collect();
	let (there, told) = (named(&node), named(sources.files.get(PAGE).map_or("", String::as_str)));
	let missing = there.difference(&told).map(|name| format!("does not tell of the metric {name}"));
	let stale =
		told.difference(&there).map(|name| format!("tells of {name}, which no node measures"));
	missing.chain(stale).map(|message| Finding::of(PAGE, message)).collect()
}

fn word(text: &str) -> &str {
	let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
	&text[..end]
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn what_leads_nowhere_is_found() {
		let page = "# A page\n[a](b.md#two-words) [b](#a-page) [c](../docs/b.md)\n`engine/a.rs`\n\
		            ```sh\n[d](nowhere.md)\nscripts/gone\n```\n[e](c.md) [f](b.md#three)\n";
		let sources = Sources::of(&[
			("docs/a.md", page),
			("docs/b.md", "## Two, words\n"),
			("engine/a.rs", ""),
		]);
		let places: Vec<String> = check(&sources).iter().map(ToString::to_string).collect();
		assert_eq!(
			places,
			[
				"docs/a.md:8: a link to c.md, which is not there",
				"docs/a.md:8: docs/b.md has no heading #three",
				"docs/a.md:6: there is no scripts/gone",
			]
		);
	}

	#[test]
	fn commands_are_looked_up() {
		let page = "`cargo bench -p a --bench b` and `cargo run -p gone --example c`, cargo test --test d\n";
		let sources = Sources::of(&[
			("docs/a.md", page),
			("a/Cargo.toml", "[package]\nname = \"a\"\n"),
			("a/benches/b/main.rs", ""),
			("a/tests/d.rs", ""),
		]);
		let messages: Vec<String> =
			check(&sources).into_iter().map(|found| found.message).collect();
		assert_eq!(messages, ["there is no crate gone", "there is no examples/c"]);
	}

	#[test]
	fn tests_and_metrics_are_compared() {
		let table =
			"| an attack | an answer | `jobs` `it_is_there`, `it_is_gone`; drill `some-drill` |\n";
		let sources = Sources::of(&[
			("docs/guide/x.md", table),
			("docs/operator.md", "`assay_engine_old_total`"),
			("node/src/a.rs", "fn it_is_there() { \"assay_engine_new_total\" }"),
		]);
		let messages: Vec<String> =
			check(&sources).into_iter().map(|found| found.message).collect();
		assert_eq!(
			messages,
			[
				"there is no test it_is_gone",
				"does not tell of the metric assay_engine_new_total",
				"tells of assay_engine_old_total, which no node measures",
			]
		);
	}
}
