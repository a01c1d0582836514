//! Nodes that outlive the program that started them, by files of their process ids.
//!
//! Ids are given again: one in a file may be another program's by now. So a process counts as a node only
//! if its command line says so, with the node's own folder of data, and nothing else is ever signalled.

use crate::{node, standing::remove};
use anyhow::{bail, Context, Result};
use std::{
	fs,
	path::{Path, PathBuf},
	process::Command,
	thread::sleep,
	time::{Duration, Instant},
};

/// How the node's program is called.
pub(super) const PROGRAM: &str = "assay-node";

/// How long a node may take to stop until it is killed.
const PATIENCE: Duration = Duration::from_secs(10);

/// The process of the node that has its data in the folder `name` of `dir`.
#[derive(Clone, Debug)]
pub(super) struct Process<'a> {
	pub(super) dir: &'a Path,
	pub(super) name: &'a str,
}

impl Process<'_> {
	/// The file that its id is in.
	pub(super) fn file(&self) -> PathBuf {
		self.dir.join(format!("{}.pid", self.name))
	}

	/// Its id, if it runs.
	pub(super) fn pid(&self) -> Option<u32> {
		let file = self.file();
		// Nothing that blocks, and nothing large.
		let metadata = file.symlink_metadata().ok()?;
		if !metadata.is_file() || metadata.len() > 32 {
			return None;
		}
		let pid = fs::read_to_string(file).ok()?.trim().parse().ok()?;
		is_node(&command_line(pid)?, &self.dir.join(self.name)).then_some(pid)
	}

	/// Notes that it runs under this id.
	///
	/// # Errors
	/// The file cannot be written.
	pub(super) fn note(&self, pid: u32) -> Result<()> {
		let file = self.file();
		remove(&file)?;
		fs::write(&file, format!("{pid}\n")).with_context(|| file.display().to_string())
	}

	/// Stops it, if it runs, says so, and forgets its id.
	///
	/// # Errors
	/// It cannot be stopped: it may be somebody else's.
	pub(super) fn stop(&self) -> Result<()> {
		self.stop_within(PATIENCE)
	}

	fn stop_within(&self, patience: Duration) -> Result<()> {
		let name = self.name;
		if let Some(pid) = self.pid() {
			self.signal(pid, "INT").with_context(|| format!("stopping {name}"))?;
			if self.ends_within(patience) {
				println!("{name} stopped");
			} else {
				self.signal(pid, "KILL").with_context(|| format!("killing {name}"))?;
				if !self.ends_within(PATIENCE) {
					bail!("{name} (process {pid}) cannot be killed");
				}
				println!("{name} did not stop in {} s and was killed", patience.as_secs());
			}
		}
		remove(&self.file())
	}

	/// Sends a signal; that it has ended meanwhile is no error.
	fn signal(&self, pid: u32, signal: &str) -> Result<()> {
		match node::signal(pid, signal) {
			Err(error) if self.pid().is_some() => Err(error),
			_ => Ok(()),
		}
	}

	fn ends_within(&self, patience: Duration) -> bool {
		let start = Instant::now();
		while self.pid().is_some() {
			if start.elapsed() > patience {
				return false;
			}
			sleep(Duration::from_millis(100));
		}
		true
	}
}

/// The words of a process's command line; `None` if there is none, or it has ended.
fn command_line(pid: u32) -> Option<Vec<String>> {
	if !Path::new("/proc/self/cmdline").exists() {
		let ps =
			Command::new("ps").args(["-ww", "-o", "command=", "-p", &pid.to_string()]).output();
		let text = String::from_utf8_lossy(&ps.ok()?.stdout).trim().to_string();
		return (!text.is_empty()).then(|| words_of(&text));
	}
	let folder = PathBuf::from(format!("/proc/{pid}"));
	// One that has ended has no command line, nor for a moment has one that becomes another program.
	for _ in 0..200 {
		let words = fs::read(folder.join("cmdline")).ok()?;
		if !words.is_empty() {
			let words = String::from_utf8_lossy(&words);
			return Some(words.trim_end_matches('\0').split('\0').map(str::to_string).collect());
		}
		if has_ended(&fs::read_to_string(folder.join("stat")).ok()?) {
			return None;
		}
		sleep(Duration::from_millis(10));
	}
	None
}

/// Whether a process has ended and is only waited for, by its `stat`: what it is called, in brackets, then its
/// state.
fn has_ended(stat: &str) -> bool {
	let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
	matches!(state, Some('Z' | 'X'))
}

/// The words of a command line that `ps` has joined. Folders may have spaces in their names: a word ends where an
/// option begins.
fn words_of(line: &str) -> Vec<String> {
	let mut parts = line.split(" --");
	let mut words = vec![parts.next().unwrap_or_default().to_string()];
	for option in parts {
		let (name, value) = option.split_once(' ').unwrap_or((option, ""));
		words.push(format!("--{name}"));
		words.push(value.to_string());
	}
	words
}

/// Whether a command line is that of a node with its data in the folder `base`.
fn is_node(words: &[String], base: &Path) -> bool {
	// The program is what stands before the first option: it may be run by another, as by nohup.
	let options = words.iter().position(|word| word.starts_with("--")).unwrap_or(words.len());
	let (programs, options) = words.split_at(options);
	let program = programs.last().map(Path::new).and_then(Path::file_name);
	let folder = options.windows(2).find(|pair| pair[0] == "--base-path").map(|pair| &pair[1]);
	program.is_some_and(|name| name == PROGRAM)
		&& folder.is_some_and(|folder| is_same(Path::new(folder), base))
}

/// Whether two paths lead to the same folder.
fn is_same(one: &Path, other: &Path) -> bool {
	let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
	one == other || real(one) == real(other)
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		node::{Node, NodeSpec, Ports},
		standing::testing::{program, STUBBORN, WILLING},
	};

	#[test]
	fn a_node_is_known_by_its_program_and_its_folder() {
		let base = Path::new("/data/my net/alice");
		let line = |program: &str, base: &str| {
			words_of(&format!("{program} --base-path {base} --name alice --rpc-port 9944"))
		};
		for program in ["/bin/assay-node", "nohup /bin/assay-node", "/my bin/assay-node"] {
			assert!(is_node(&line(program, "/data/my net/alice"), base), "{program}");
		}
		for (program, folder) in [
			("/bin/assay-node", "/data/my net/bob"),
			("/bin/assay-node", "/data/my net/alice/x"),
			("/bin/assay-node-2", "/data/my net/alice"),
			("vim /src/assay-node.rs", "/data/my net/alice"),
			("/bin/polkadot", "/data/my net/alice"),
		] {
			assert!(!is_node(&line(program, folder), base), "{program} {folder}");
		}
		for other in
			["", "assay-node", "sleep 100", "/bin/assay-node --dev", "tail -f /data/alice.log"]
		{
			assert!(!is_node(&words_of(other), base), "{other}");
		}
		// What the system keeps apart need not be guessed.
		let words = ["/a --b/assay-node", "--base-path", "/data/a --b"].map(str::to_string);
		assert!(is_node(&words, Path::new("/data/a --b")));
	}

	#[test]
	fn what_has_ended_is_told_from_what_begins() {
		for (stat, ended) in [
			("7 (assay-node) S 1 7", false),
			("7 (a) Z b) R 1 7", false),
			("7 (assay-node) Z 1 7", true),
			("7 (a) S b) X 1 7", true),
			("", false),
		] {
			assert_eq!(has_ended(stat), ended, "{stat}");
		}
	}

	#[test]
	fn one_folder_has_many_names() {
		let dir = tempfile::tempdir().unwrap();
		fs::create_dir(dir.path().join("alice")).unwrap();
		assert!(is_same(&dir.path().join("alice"), &dir.path().join("alice/../alice")));
		assert!(!is_same(&dir.path().join("alice"), &dir.path().join("bob")));
		assert!(is_same(Path::new("/nonexistent/a"), Path::new("/nonexistent/a")));
	}

	#[test]
	fn another_process_under_the_id_is_left_alone() {
		let dir = tempfile::tempdir().unwrap();
		let mut stranger = Command::new("sleep").arg("100").spawn().unwrap();
		let process = Process { dir: dir.path(), name: "alice" };
		assert_eq!(process.pid(), None);
		process.stop().unwrap();

		process.note(stranger.id()).unwrap();
		assert!(command_line(stranger.id()).is_some());
		assert_eq!(process.pid(), None);
		process.stop().unwrap();
		assert!(!process.file().exists());
		assert!(stranger.try_wait().unwrap().is_none());

		fs::remove_file(process.file()).ok();
		std::os::unix::fs::symlink("/dev/zero", process.file()).unwrap();
		assert_eq!(process.pid(), None);
		process.note(1).unwrap();
		assert!(process.file().symlink_metadata().unwrap().is_file());
		fs::write(process.file(), "1".repeat(1000)).unwrap();
		assert_eq!(process.pid(), None);
		for nonsense in ["", "x", "-1", "0", "99999999999"] {
			fs::write(process.file(), nonsense).unwrap();
			assert_eq!(process.pid(), None, "{nonsense}");
		}
		stranger.kill().unwrap();
		// Not waited for: it has ended all the same.
		let id = stranger.id();
		while command_line(id).is_some_and(|words| words.contains(&"sleep".to_string())) {
			sleep(Duration::from_millis(10));
		}
		stranger.wait().unwrap();
		assert_eq!(command_line(id), None);
	}

	#[test]
	fn a_detached_node_is_found_and_stopped() {
		for script in [WILLING, STUBBORN] {
			let dir = tempfile::tempdir().unwrap();
			let binary = program(dir.path(), script);
			let spec = NodeSpec::new("alice", &[]);
			let ports = Ports::free().unwrap();
			let node = Node::start_detached(&binary, &spec, &[], dir.path(), ports).unwrap();
			let pid = node.pid().unwrap();
			let process = Process { dir: dir.path(), name: "alice" };
			process.note(pid).unwrap();
			// Until the script has set its trap.
			while !dir.path().join("alice.log").metadata().is_ok_and(|log| log.len() > 0) {
				sleep(Duration::from_millis(10));
			}
			assert_eq!(process.pid(), Some(pid));
			process.stop_within(Duration::from_secs(2)).unwrap();
			assert_eq!((process.pid(), process.file().exists()), (None, false));
			drop(node);
		}
	}
}
