//! Modules that stand beside each other form no circles: of two that need each other neither can be read,
//! moved or tested alone. A module and its own children may.

use super::{
	sources::{code, Sources},
	Finding,
};
use std::{
	collections::{BTreeMap, BTreeSet},
	slice,
};

/// Folders of sources that are held to it. Of the others, the referee's files of one kind each (its parameters,
/// rules and bound) name the files that dispatch to them and are named by these; in jobs, client, node and tests
/// two or three pairs stand for the same.
const HELD: [&str; 10] = [
	"engine/executor/src",
	"engine/kernels/src",
	"engine/onnx/src",
	"engine/host/src",
	"primitives/src",
	"pallets/challenges/src",
	"pallets/models/src",
	"pallets/operators/src",
	"engine/testing/src",
	"xtask/src",
];

/// A module's path in its crate, outermost first.
type Module = Vec<String>;

/// Circles of modules that have the same parent.
pub(crate) fn check(sources: &Sources) -> Vec<Finding> {
	HELD.iter().flat_map(|folder| of_crate(sources, folder)).collect()
}

fn of_crate(sources: &Sources, folder: &str) -> Vec<Finding> {
	let files = sources.ending(".rs").filter_map(|(file, text)| {
		let inside = file.strip_prefix(folder)?.strip_prefix('/')?;
		let is_test = inside.split('/').any(|part| part.starts_with("tests") || part == "bin");
		(!is_test).then(|| (module_of(inside), text))
	});
	let modules: BTreeMap<Module, &str> = files.collect();
	// For every parent, which of its children need which others.
	let mut needs = BTreeMap::<Module, BTreeMap<String, BTreeSet<String>>>::new();
	for (module, text) in &modules {
		for target in references(module, text, &modules) {
			let common = module.iter().zip(&target).take_while(|(a, b)| a == b).count();
			// One is the other's parent, or they are the same.
			let (Some(from), Some(to)) = (module.get(common), target.get(common)) else { continue };
			let children = needs.entry(module[..common].to_vec()).or_default();
			children.entry(from.clone()).or_default().insert(to.clone());
		}
	}
	let mut found = Vec::new();
	for (parent, children) in &needs {
		let place = [&[folder.to_string()], &parent[..]].concat().join("/");
		for circle in circles(children) {
			found.push(Finding::of(&place, format!("modules in a circle: {}", circle.join(" → "))));
		}
	}
	found
}

/// The module that a file is, from its path in the crate.
fn module_of(file: &str) -> Module {
	let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
	match path {
		"lib" | "main" | "mod" => Module::new(),
		path => path.split('/').map(str::to_string).collect(),
	}
}

/// The modules that the code of a module names.
fn references(module: &Module, text: &str, modules: &BTreeMap<Module, &str>) -> BTreeSet<Module> {
	let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
	let text: String = text.lines().map(|line| code(line) + "\n").collect();
	let mut found = BTreeSet::new();
	let starts = text.match_indices("crate::").chain(text.match_indices("super::"));
	for (at, word) in starts {
		let before = text[..at].chars().next_back();
		if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
			continue;
		}
		let base = match word {
			"crate::" => Module::new(),
			_ => module.split_last().map(|(_, parent)| parent.to_vec()).unwrap_or_default(),
		};
		for path in paths(&text[at + word.len()..]) {
			let (mut target, mut rest) = (base.clone(), path.as_slice());
			while let Some(("super", left)) =
				rest.split_first().map(|(word, left)| (word.as_str(), left))
			{
				target.pop();
				rest = left;
			}
			target.extend_from_slice(rest);
			// The longest beginning that is a module: what follows is an item.
			while !target.is_empty() && !modules.contains_key(&target) {
				target.pop();
			}
			found.insert(target);
		}
	}
	found
}

/// The paths that begin here: one, or those of a tree in braces.
fn paths(text: &str) -> Vec<Module> {
	let text = text.trim_start();
	if let Some(inside) = text.strip_prefix('{') {
		let mut all = Vec::new();
		let (mut depth, mut start) = (0usize, 0);
		for (at, c) in inside.char_indices() {
			match c {
				'{' => depth += 1,
				'}' if depth == 0 => {
					all.extend(paths(&inside[start..at]));
					return all;
				},
				'}' => depth -= 1,
				',' if depth == 0 => {
					all.extend(paths(&inside[start..at]));
					start = at + 1;
				},
				_ => {},
			}
		}
		return all;
	}
	let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
	let word = text[..end].to_string();
	if word.is_empty() {
		return Vec::new();
	}
	match text[end..].strip_prefix("::") {
		Some(rest) if rest.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '{') => {
			paths(rest)
				.into_iter()
				.map(|rest| [slice::from_ref(&word), &rest[..]].concat())
				.collect()
		},
		_ => vec![vec![word]],
	}
}

/// For every circle, its members in an order in which each needs the next, once.
fn circles(needs: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
	let mut found: Vec<Vec<String>> = Vec::new();
	for start in needs.keys() {
		if found.iter().any(|circle| circle.contains(start)) {
			continue;
		}
		// The shortest way back.
		let mut ways = vec![vec![start.clone()]];
		let mut seen = BTreeSet::new();
		let mut at = 0;
		while let Some(way) = ways.get(at).cloned() {
			at += 1;
			for next in way.last().and_then(|last| needs.get(last)).into_iter().flatten() {
				if next == start {
					found.push([&way[..], slice::from_ref(start)].concat());
					at = ways.len();
					break;
				}
				if seen.insert(next.clone()) {
					ways.push([&way[..], slice::from_ref(next)].concat());
				}
			}
		}
	}
	found
}

#[cfg(test)]
mod tests {
	use super::*;

	fn found(files: &[(&str, &str)]) -> Vec<String> {
		of_crate(&Sources::of(files), "x/src").into_iter().map(|found| found.to_string()).collect()
	}

	#[test]
	fn circles_are_found_through_nested_imports() {
		let circle = [
			("x/src/lib.rs", "mod a; mod b; mod c;"),
			("x/src/a.rs", "use crate::{\n\tc,\n\tb::{self, T},\n};"),
			("x/src/b/mod.rs", "mod inner; fn f() {}"),
			("x/src/b/inner.rs", "use super::f; fn g() { super::super::a::h() }"),
			("x/src/c.rs", ""),
		];
		assert_eq!(found(&circle), ["x/src: modules in a circle: a → b → a"]);
	}

	#[test]
	fn parents_children_tests_and_words_are_no_circles() {
		let fine = [
			("x/src/lib.rs", "mod a; mod b; use a::A;"),
			(
				"x/src/a.rs",
				"use crate::b::B; // crate::b\n#[cfg(test)]\nmod tests {\n use crate::b;\n}",
			),
			("x/src/b/mod.rs", "use inner::I; let text = \"crate::a\"; mycrate::a::f();"),
			("x/src/b/inner.rs", "use super::B;"),
			("x/src/b/tests/mod.rs", "use crate::a::A;"),
		];
		assert_eq!(found(&fine), Vec::<String>::new());
	}
}
