//! What a program can check of how the code reads.
//!
//! Each rule is a file that finds places that break it; `docs/style.md` says why there is the rule.

mod arrows;
mod borders;
mod circles;
mod comments;
mod documents;
mod features;
mod floats;
mod folders;
mod licences;
mod metadata;
mod sources;

use anyhow::{Context, Result};
use metadata::Metadata;
use sources::Sources;
use std::{fmt, path::Path, process::ExitCode};

/// A place that breaks a rule.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Finding {
	/// File, from the root on, and line if there is one.
	place: String,
	/// What is wrong, and what to do.
	message: String,
}

impl Finding {
	fn at(file: &str, line: usize, message: impl Into<String>) -> Finding {
		Finding { place: format!("{file}:{line}"), message: message.into() }
	}

	fn of(place: impl Into<String>, message: impl Into<String>) -> Finding {
		Finding { place: place.into(), message: message.into() }
	}
}

impl fmt::Display for Finding {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "{}: {}", self.place, self.message)
	}
}

/// Runs every rule and prints what it finds; success if that is nothing.
pub(crate) fn run(root: &Path) -> Result<ExitCode> {
	let sources = Sources::read(root).context("reading the sources")?;
	let metadata = Metadata::read(root).context("asking cargo")?;
	let rules: [(&str, Vec<Finding>); 9] = [
		("crates depend downwards", arrows::check(&metadata)),
		("crates compile their own files", borders::check(&sources)),
		("no circles of modules", circles::check(&sources)),
		("comments are short lines", comments::check(&sources)),
		("documents point at what is there", documents::check(&sources)),
		("one set of features", features::check(root).context("asking cargo")?),
		("no floats where the chain decides", floats::check(&sources)),
		("folders can be overlooked", folders::check(&sources)),
		("licences are allowed", licences::check(root, &metadata)?),
	];
	let mut found = 0;
	for (rule, findings) in rules {
		println!("{rule}: {}", if findings.is_empty() { "ok" } else { "FOUND" });
		for finding in &findings {
			println!("  {finding}");
		}
		found += findings.len();
	}
	println!("tidy: {} files, {found} findings", sources.files.len());
	Ok(if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
