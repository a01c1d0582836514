//! Asking and running other programs.

use anyhow::{ensure, Context, Result};
use std::{
	io::{stdout, IsTerminal},
	path::Path,
	process::{Command, Output},
	time::Instant,
};

/// What `command` prints, as bytes; what it says on stderr is kept for the error.
///
/// # Errors
/// It cannot be run, or it fails: with what it says is wrong.
pub(crate) fn printed(command: &mut Command) -> Result<Vec<u8>> {
	let program = name(command);
	let Output { status, stdout, stderr } = command.output().with_context(|| program.clone())?;
	ensure!(status.success(), "{program}: {}", String::from_utf8_lossy(&stderr).trim_end());
	Ok(stdout)
}

/// What `program` prints when it is run in `root`.
///
/// # Errors
/// It cannot be run, says what is wrong, or prints no text.
pub(crate) fn output(root: &Path, program: &str, arguments: &[&str]) -> Result<String> {
	let printed = printed(Command::new(program).args(arguments).current_dir(root))?;
	Ok(String::from_utf8(printed)?)
}

/// The same for the cargo of [`cargo`].
pub(crate) fn cargo_output(root: &Path, arguments: &[&str]) -> Result<String> {
	Ok(String::from_utf8(printed(cargo(root).args(arguments))?)?)
}

/// The cargo that runs this program, or else the one in the path, to be run in `root`.
pub(crate) fn cargo(root: &Path) -> Command {
	let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
	cargo.current_dir(root);
	cargo
}

/// Runs `command` to its end; what it prints is seen.
///
/// # Errors
/// It cannot be run, or it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
	let program = name(command);
	let status = command.status().with_context(|| format!("cannot run {program}"))?;
	ensure!(status.success(), "{program} failed: {status}");
	Ok(())
}

fn name(command: &Command) -> String {
	command.get_program().to_string_lossy().into_owned()
}

/// Says what comes next, as the scripts do.
pub(crate) fn say(what: &str) {
	if stdout().is_terminal() {
		println!("\x1b[1m==> {what}\x1b[0m");
	} else {
		println!("==> {what}");
	}
}

/// Does a step of a longer task, and says how long it took.
///
/// # Errors
/// Those of the step, with its name.
pub(crate) fn timed<T>(what: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
	say(what);
	let start = Instant::now();
	let done = step().with_context(|| what.to_string())?;
	println!("    {what}: {} s", start.elapsed().as_secs());
	Ok(done)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn failures_say_which_program_and_why() {
		let failed = printed(Command::new("sh").args(["-c", "echo no >&2; exit 3"])).unwrap_err();
		assert_eq!(failed.to_string(), "sh: no");
		let failed = run(Command::new("sh").args(["-c", "exit 3"])).unwrap_err();
		assert!(failed.to_string().starts_with("sh failed: "), "{failed}");
		assert!(printed(&mut Command::new("/nonexistent/program")).is_err());
	}

	#[test]
	fn output_is_what_a_program_prints_in_the_folder() {
		assert_eq!(output(Path::new("/"), "pwd", &[]).unwrap(), "/\n");
	}
}
