//! What `assay-devnet` does: a network that is started and left running.
//!
//! | module | what it does |
//! |---|---|
//! | `start` | starts the nodes, and makes a new chain worth trying |
//! | `process` | knows a node by its process id, and stops it |
//! | `report` | says what runs and what to try |
//!
//! Its folder holds, for each node, its data, its log and the file of its process id; the models; and, from
//! when a new chain is started until everybody on it has a role, a file that says it is not finished.

mod process;
mod report;
mod start;

pub use start::Options;

use crate::node::Ports;
use anyhow::{bail, Context, Result};
use process::Process;
use std::{
	fs,
	path::{Path, PathBuf},
};

/// A node of the network.
#[derive(Clone, Debug)]
struct Member {
	/// Its name, also of its folder, log and file.
	name: &'static str,
	/// Its authority's flag, and the flag of what it does besides.
	flags: [&'static str; 2],
	/// What it is, for people.
	part: &'static str,
	ports: Ports,
	/// Of the network. Fixed, as an authority does not start without one; not a secret.
	key: u64,
}

/// The nodes, the first of which the others connect to.
const MEMBERS: [Member; 2] = [
	Member {
		name: "alice",
		flags: ["--alice", "--operator"],
		part: "authority, operator",
		ports: Ports { rpc: 9944, prometheus: 9615, network: 30333 },
		key: 0xa11ce,
	},
	Member {
		name: "bob",
		flags: ["--bob", "--watch"],
		part: "authority, watcher",
		ports: Ports { rpc: 9945, prometheus: 9616, network: 30334 },
		key: 0xb0b,
	},
];

/// A network that outlives the program that started it, by its folder.
#[derive(Debug)]
pub struct Standing {
	data: PathBuf,
	members: [Member; 2],
}

impl Standing {
	/// The network in the folder `data`, which need not be there yet.
	///
	/// # Errors
	/// The path is empty.
	pub fn new(data: &Path) -> Result<Standing> {
		let data = std::path::absolute(data).context("the folder of data")?;
		Ok(Standing { data, members: MEMBERS })
	}

	/// Says what runs; whether anything does.
	pub fn status(&self) -> bool {
		let mut any = false;
		for process in self.processes() {
			let name = process.name;
			if let Some(pid) = process.pid() {
				let log = self.data.join(format!("{name}.log"));
				println!("{name} runs (process {pid}, log {})", log.display());
				any = true;
			} else {
				println!("{name} does not run");
			}
		}
		any
	}

	/// Stops it, the first node last.
	///
	/// # Errors
	/// A node cannot be stopped.
	pub fn stop(&self) -> Result<()> {
		// All of them, whatever happens to one.
		let stopped: Vec<Result<()>> =
			self.processes().rev().map(|process| process.stop()).collect();
		stopped.into_iter().collect()
	}

	/// Stops it and deletes what it and the demonstration wrote, and the folder if nothing else is in it: a
	/// folder named by mistake loses nothing of its own.
	///
	/// # Errors
	/// The folder is not a network's, or a node cannot be stopped, and then nothing is deleted; or something
	/// cannot be deleted.
	pub fn clean(&self) -> Result<()> {
		self.ensure_own()?;
		self.stop()?;
		if !self.data.exists() {
			return Ok(());
		}
		for own in self.own_names() {
			remove(&self.data.join(own))?;
		}
		let folder = || self.data.display().to_string();
		if self.data.read_dir().with_context(folder)?.next().is_none() {
			fs::remove_dir(&self.data).with_context(folder)?;
		} else {
			println!("{} holds other files, which were left", self.data.display());
		}
		Ok(())
	}

	/// What a network and the demonstration write into their folder.
	fn own_names(&self) -> Vec<String> {
		let of_nodes = self.members.iter().flat_map(|Member { name, .. }| {
			[name.to_string(), format!("{name}.log"), format!("{name}.pid")]
		});
		let shared = ["models", "unfinished", "demo-models", "demo.json"].map(str::to_string);
		of_nodes.chain(shared).collect()
	}

	/// Refuses a folder that was not made for a network: it has no chain in it, and other things.
	fn ensure_own(&self) -> Result<()> {
		let chain = self.data.join(self.members[0].name).join("chains");
		if !self.data.exists() || chain.is_dir() {
			return Ok(());
		}
		let own = self.own_names();
		for entry in self.data.read_dir().with_context(|| self.data.display().to_string())? {
			let name = entry?.file_name();
			if !own.iter().any(|own| name == own.as_str()) {
				bail!(
					"{} is no folder of a network: it holds {}; name another one by ASSAY_DEVNET",
					self.data.display(),
					name.display()
				);
			}
		}
		Ok(())
	}

	fn process(&self, member: &Member) -> Process<'_> {
		Process { dir: &self.data, name: member.name }
	}

	fn processes(&self) -> impl DoubleEndedIterator<Item = Process<'_>> {
		self.members.iter().map(|member| self.process(member))
	}

	fn models(&self) -> PathBuf {
		self.data.join("models")
	}

	/// The file that says that not everybody has a role yet on a new chain.
	fn unfinished(&self) -> PathBuf {
		self.data.join("unfinished")
	}

	/// Whether it runs as a whole.
	///
	/// # Errors
	/// A part of it runs, or what runs is not finished.
	fn runs(&self) -> Result<bool> {
		let advice = "`scripts/devnet --stop` stops it, `scripts/devnet` starts it again";
		let is_up = |process: &Process<'_>| process.pid().is_some();
		let (up, down): (Vec<_>, Vec<_>) = self.processes().partition(is_up);
		match (up.first(), down.first()) {
			(None, _) => Ok(false),
			(Some(up), Some(down)) => bail!("{} runs, {} does not: {advice}", up.name, down.name),
			(Some(_), None) if self.unfinished().exists() => {
				bail!("the network runs, but its start was broken off, so that it may lack models: {advice}")
			},
			(Some(_), None) => Ok(true),
		}
	}
}

/// Deletes a file, a link or a folder, if it is there.
fn remove(path: &Path) -> Result<()> {
	let Ok(metadata) = path.symlink_metadata() else { return Ok(()) };
	let removed = if metadata.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
	removed.with_context(|| path.display().to_string())
}

#[cfg(test)]
mod testing {
	use std::{
		fs,
		os::unix::fs::PermissionsExt,
		path::{Path, PathBuf},
	};

	/// Scripts that stand for a node: one stops when it is told to, one does not, one fails.
	pub(super) const WILLING: &str = "trap 'exit 0' INT\necho ready\nwhile :; do sleep 0.1; done";
	pub(super) const STUBBORN: &str = "trap '' INT\necho ready\nwhile :; do sleep 0.1; done";
	pub(super) const BROKEN: &str = "echo 'no disk' >&2\nexit 3";

	/// Writes one of them into `dir`, under the node's name.
	pub(super) fn program(dir: &Path, script: &str) -> PathBuf {
		let path = dir.join(super::process::PROGRAM);
		fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
		fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
		path
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn empty() -> (tempfile::TempDir, Standing) {
		let dir = tempfile::tempdir().unwrap();
		let network = Standing::new(&dir.path().join("data")).unwrap();
		(dir, network)
	}

	#[test]
	fn where_nothing_was_started_nothing_runs() {
		let (_dir, network) = empty();
		assert!(!network.status());
		assert!(!network.runs().unwrap());
		network.stop().unwrap();
		network.clean().unwrap();
	}

	#[test]
	fn cleaning_forgets_everything() {
		let (_dir, network) = empty();
		fs::create_dir_all(network.data.join("alice/chains")).unwrap();
		// Of a process that ended long ago.
		fs::write(network.data.join("alice.pid"), "4194304999").unwrap();
		network.clean().unwrap();
		assert!(!network.data.exists());
	}

	#[test]
	fn cleaning_leaves_what_is_not_its_own() {
		let (_dir, network) = empty();
		fs::create_dir_all(network.data.join("models/digits")).unwrap();
		fs::write(network.data.join("thesis.txt"), "years of work").unwrap();
		let refused = network.clean().unwrap_err().to_string();
		assert!(refused.contains("thesis.txt"), "{refused}");
		assert!(network.data.join("models/digits").exists());

		fs::create_dir_all(network.data.join("alice/chains")).unwrap();
		network.clean().unwrap();
		let left: Vec<_> =
			network.data.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
		assert_eq!(left, ["thesis.txt"]);
	}

	#[test]
	fn members_share_no_port_and_no_key() {
		let ports =
			MEMBERS.map(|member| [member.ports.rpc, member.ports.prometheus, member.ports.network]);
		let mut ports = ports.concat();
		ports.sort();
		ports.dedup();
		assert_eq!(ports.len(), 6);
		assert_ne!(MEMBERS[0].key, MEMBERS[1].key);
	}

	#[test]
	fn a_folder_has_a_name() {
		assert!(Standing::new(Path::new("")).is_err());
	}
}
