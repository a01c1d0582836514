//! `drill`: runs attacks on the game against the real runtime, in this process.

use anyhow::Context;
use assay_drills::{drill, drills, Cast, Drill, Outcome};
use clap::Parser;
use serde::Serialize;
use std::{
	panic::{catch_unwind, AssertUnwindSafe},
	path::PathBuf,
	process::ExitCode,
	sync::{
		atomic::{AtomicUsize, Ordering},
		Mutex, PoisonError,
	},
	time::Instant,
};

/// Plays attacks on the game against the real runtime, in this process.
#[derive(Parser, Debug)]
#[command(name = "drill", version)]
struct Arguments {
	/// The drill to run and to narrate block by block.
	#[arg(required_unless_present_any = ["list", "all"], conflicts_with_all = ["list", "all"])]
	name: Option<String>,

	/// Print one drill per line: its name, then what it shows.
	#[arg(long, conflicts_with = "all")]
	list: bool,

	/// Run all drills.
	#[arg(long)]
	all: bool,

	/// Write what came of it to this file, with `--all`.
	#[arg(long, value_name = "FILE", requires = "all")]
	json: Option<PathBuf>,

	/// Leave the watchers out, to see that what goes wrong then is noticed.
	#[arg(long)]
	without_watcher: bool,
}

/// One line of the report.
#[derive(Serialize)]
struct Line {
	name: &'static str,
	shows: &'static str,
	milliseconds: u64,
	#[serde(flatten)]
	outcome: Outcome,
}

/// What `--json` writes.
#[derive(Serialize)]
struct Report<'a> {
	drills: &'a [Line],
	frauds_final: usize,
	honest_slashed: usize,
	lost: usize,
	good: bool,
}

fn main() -> ExitCode {
	let arguments = Arguments::parse();
	match run(&arguments) {
		Ok(code) => code,
		Err(error) => {
			eprintln!("error: {error:#}");
			ExitCode::FAILURE
		},
	}
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
	let all = drills::all();
	let width = all.iter().map(|one| one.name.len()).max().unwrap_or_default();
	if arguments.list {
		for one in all {
			println!("{:width$}  {}", one.name, one.shows);
		}
		return Ok(ExitCode::SUCCESS);
	}
	let cast = Cast { aloud: false, without_watcher: arguments.without_watcher };
	let lines = match &arguments.name {
		Some(name) => {
			let Some(one) = drill::find(all, name) else { return Ok(unknown(all, name)) };
			println!("{}: {}", one.name, one.shows);
			vec![play(one, &Cast { aloud: true, ..cast })]
		},
		None => play_all(all, &cast, width),
	};
	for line in &lines {
		for what in &line.outcome.unexpected {
			println!("{}: not as it must be: {what}", line.name);
		}
	}
	let sum = |of: fn(&Outcome) -> usize| lines.iter().map(|line| of(&line.outcome)).sum::<usize>();
	let report = Report {
		frauds_final: sum(|one| one.frauds_final),
		honest_slashed: sum(|one| one.honest_slashed),
		lost: sum(|one| one.lost),
		good: lines.iter().all(|line| line.outcome.is_good()),
		drills: &lines,
	};
	if let Some(path) = &arguments.json {
		let text = serde_json::to_string_pretty(&report)?;
		std::fs::write(path, text).with_context(|| path.display().to_string())?;
	}
	let Report { frauds_final, honest_slashed, lost, good, .. } = report;
	println!(
		"{} drills: frauds final {frauds_final}, honest slashed {honest_slashed}, lost {lost}",
		lines.len(),
	);
	Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn unknown(all: &[Drill], name: &str) -> ExitCode {
	let close = drill::close_names(all, name);
	let hint = if close.is_empty() {
		"see --list".to_string()
	} else {
		format!("did you mean {}?", close.join(", "))
	};
	eprintln!("error: there is no drill {name:?}; {hint}");
	ExitCode::from(2)
}

fn play(one: &Drill, cast: &Cast) -> Line {
	let start = Instant::now();
	// A panic is a drill that went wrong, not the end of the others.
	let outcome = catch_unwind(AssertUnwindSafe(|| (one.play)(cast)));
	let outcome = outcome.unwrap_or_else(|_| Outcome {
		unexpected: vec!["it panicked".into()],
		..Outcome::default()
	});
	let milliseconds = start.elapsed().as_millis() as u64;
	Line { name: one.name, shows: one.shows, milliseconds, outcome }
}

/// Plays all on all processors; tells of each when it is over.
fn play_all(all: &'static [Drill], cast: &Cast, width: usize) -> Vec<Line> {
	let threads = std::thread::available_parallelism().map_or(1, usize::from);
	let next = AtomicUsize::new(0);
	let lines = Mutex::new(Vec::new());
	std::thread::scope(|scope| {
		for _ in 0..threads {
			scope.spawn(|| {
				while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
					let line = play(one, cast);
					let verdict = if line.outcome.is_good() { "ok" } else { "FAILED" };
					println!(
						"{:width$}  {verdict:6}  {:4} blocks  {:6.1} s",
						line.name,
						line.outcome.blocks,
						line.milliseconds as f64 / 1e3,
					);
					lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
				}
			});
		}
	});
	let mut lines = lines.into_inner().unwrap_or_else(PoisonError::into_inner);
	lines.sort_by_key(|line| all.iter().position(|one| one.name == line.name));
	lines
}
