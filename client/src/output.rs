//! What the commands print: text for people or JSON for scripts on stdout, progress on stderr.

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::{
	fmt::Display,
	io::{IsTerminal, Write},
	time::Duration,
};

/// How to print.
#[derive(Clone, Copy, Debug)]
pub struct Output {
	/// Print JSON instead of text.
	pub json: bool,
	/// Draw progress bars: stderr is a terminal and the reader is a person.
	pub progress: bool,
}

impl Output {
	/// Text or JSON; progress bars only where a person looks at stderr.
	pub fn new(json: bool) -> Self {
		Output { json, progress: !json && std::io::stderr().is_terminal() }
	}

	/// Prints nothing but reports, and those as text; for tests.
	pub fn quiet() -> Self {
		Output { json: false, progress: false }
	}

	/// Prints the result of a command.
	pub fn report<R: Serialize + Display>(&self, report: &R) {
		if self.json {
			print_json(report);
		} else {
			print_line(report.to_string().trim_end());
		}
	}

	/// Prints one line of a running command: text at once, or one JSON object a line.
	pub fn line<R: Serialize + Display>(&self, line: &R) {
		if self.json {
			if let Ok(text) = serde_json::to_string(line) {
				print_line(&text);
			}
		} else {
			print_line(&line.to_string());
		}
	}

	/// A spinner with `message` while something of unknown length goes on.
	pub fn spinner(&self, message: impl Into<String>) -> ProgressBar {
		if !self.progress {
			return ProgressBar::hidden();
		}
		let bar = ProgressBar::new_spinner().with_message(message.into());
		bar.enable_steady_tick(Duration::from_millis(100));
		bar
	}

	/// A bar over `length` steps.
	pub fn bar(&self, message: impl Into<String>, length: u64) -> ProgressBar {
		if !self.progress {
			return ProgressBar::hidden();
		}
		let bar = ProgressBar::new(length).with_message(message.into());
		if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len} {eta}") {
			bar.set_style(style);
		}
		bar
	}
}

fn print_json<R: Serialize>(report: &R) {
	match serde_json::to_string_pretty(report) {
		Ok(text) => print_line(&text),
		Err(error) => note(&format!("cannot write JSON: {error}")),
	}
}

/// The exit code of a command whose reader has gone: as a shell reports one that a closed pipe ended.
const CLOSED_PIPE: i32 = 141;

/// Prints a line to stdout. When nobody reads any more, as behind `| head`, the command ends quietly.
fn print_line(text: &str) {
	match writeln!(std::io::stdout().lock(), "{text}") {
		Ok(()) => {},
		Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
			std::process::exit(CLOSED_PIPE)
		},
		Err(error) => {
			note(&format!("error: cannot print: {error}"));
			std::process::exit(1);
		},
	}
}

/// Prints a line to stderr, for people; whether they look is their business.
pub fn note(text: &str) {
	let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// `0x` and hex.
pub fn hex0x(bytes: &[u8]) -> String {
	format!("0x{}", hex::encode(bytes))
}

/// Text of a stranger, as it can be shown on a terminal: what would move the cursor, change colours or
/// turn the direction of writing is replaced.
pub fn printable(text: &str) -> String {
	let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
	let shown = |c: char| if c.is_control() || turns(c) { char::REPLACEMENT_CHARACTER } else { c };
	text.chars().map(shown).collect()
}

/// A byte count for people.
pub fn bytes(count: u64) -> String {
	match count {
		0..=9_999 => format!("{count} B"),
		10_000..=9_999_999 => format!("{:.1} KiB", count as f64 / 1024.0),
		_ => format!("{:.1} MiB", count as f64 / (1024.0 * 1024.0)),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn text_of_strangers_moves_no_cursor() {
		assert_eq!(printable("reads 7 as 1 – é"), "reads 7 as 1 – é");
		assert_eq!(printable("a\x1b[2Jb\n\u{202e}c"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}c");
	}
}
