//! One node process.

use anyhow::{bail, ensure, Context, Result};
use assay_client::Api;
use std::{
	fs::File,
	io::{ErrorKind, Read, Write},
	net::{TcpListener, TcpStream},
	path::{Path, PathBuf},
	process::{Child, Command, ExitStatus, Stdio},
	time::{Duration, Instant},
};

/// How long a node may take until it answers. Long, because machines that test are busy.
const START_TIMEOUT: Duration = Duration::from_secs(180);

/// What a node is started with, besides what every node of a network gets.
#[derive(Clone, Debug)]
pub struct NodeSpec {
	/// Its name, also of its folder and log.
	pub name: String,
	/// Arguments of its own.
	pub args: Vec<String>,
}

impl NodeSpec {
	/// A node `name` with these arguments.
	pub fn new(name: &str, args: &[&str]) -> Self {
		NodeSpec { name: name.into(), args: args.iter().map(|arg| arg.to_string()).collect() }
	}
}

/// The ports of a node on this machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ports {
	/// Of its RPC.
	pub rpc: u16,
	/// Of its metrics.
	pub prometheus: u16,
	/// At which other nodes reach it; 0 for one that it chooses.
	pub network: u16,
}

impl Ports {
	/// Ports that nobody listens on now.
	///
	/// # Errors
	/// The system gives none.
	pub fn free() -> Result<Ports> {
		Ok(Ports { rpc: free_port()?, prometheus: free_port()?, network: 0 })
	}

	/// # Errors
	/// Somebody listens on a port that the node `name` needs. Without this look it would start all the same,
	/// on another port.
	pub fn ensure_free(&self, name: &str) -> Result<()> {
		let needed = [
			(self.rpc, "--rpc-port"),
			(self.prometheus, "--prometheus-port"),
			(self.network, "--listen-addr"),
		];
		for (port, option) in needed {
			ensure!(
				!is_taken(port)?,
				"port {port}, which {name} needs ({option}), is in use: stop what listens there"
			);
		}
		Ok(())
	}
}

/// Whether somebody listens on a port of this machine.
fn is_taken(port: u16) -> Result<bool> {
	// Some systems let two listen on one port, if only one of them listens on all addresses.
	if port != 0 && TcpStream::connect(("127.0.0.1", port)).is_ok() {
		return Ok(true);
	}
	match TcpListener::bind(("127.0.0.1", port)) {
		Ok(_) => Ok(false),
		Err(error) if error.kind() == ErrorKind::AddrInUse => Ok(true),
		Err(error) => Err(error).with_context(|| format!("port {port}")),
	}
}

/// Sends `signal` (`INT`, `TERM`, `KILL`) to a process.
///
/// # Errors
/// There is no such process, or it is somebody else's.
pub(crate) fn signal(pid: u32, signal: &str) -> Result<()> {
	// The shell has it built in; not every system has a program of this name.
	let pid = pid.to_string();
	let sent =
		Command::new("sh").args(["-c", "kill -s \"$1\" \"$2\"", "sh", signal, &pid]).status()?;
	ensure!(sent.success(), "kill -s {signal} {pid} failed");
	Ok(())
}

/// A running node; killed when dropped.
#[derive(Debug)]
pub struct Node {
	/// Its name.
	pub name: String,
	binary: PathBuf,
	args: Vec<String>,
	ports: Ports,
	log: PathBuf,
	/// It ignores that its terminal closes, and what is typed there does not reach it.
	detached: bool,
	child: Option<Child>,
}

/// The node's binary: `ASSAY_NODE`, or beside the running program, or one folder above it.
pub fn find_binary() -> Result<PathBuf> {
	if let Some(path) = std::env::var_os("ASSAY_NODE") {
		let path = PathBuf::from(path);
		ensure!(path.is_file(), "ASSAY_NODE names no file: {}", path.display());
		return Ok(path);
	}
	let here = std::env::current_exe()?;
	let folders = here.ancestors().skip(1).take(2);
	let found = folders.map(|dir| dir.join("assay-node")).find(|path| path.is_file());
	found.context(
		"there is no assay-node beside this program: build it with \
		 `cargo build --workspace --bins`, or name one in ASSAY_NODE",
	)
}

/// A port that nobody listens on now.
fn free_port() -> Result<u16> {
	Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

impl Node {
	/// Starts a node with `common` and its own arguments, its data and log below `dir`. Returns
	/// at once; see [`Node::ready`].
	pub fn start(binary: &Path, spec: &NodeSpec, common: &[String], dir: &Path) -> Result<Node> {
		let mut node = Node::new(binary, spec, common, dir, Ports::free()?);
		// Found by the first node's address only: other networks may run on this machine.
		node.args.push("--no-mdns".into());
		node.spawn()?;
		Ok(node)
	}

	/// The same on these ports and with a new log, for a node that may live on when this program and its
	/// terminal are gone; see [`Node::leave`].
	pub fn start_detached(
		binary: &Path,
		spec: &NodeSpec,
		common: &[String],
		dir: &Path,
		ports: Ports,
	) -> Result<Node> {
		let mut node = Node::new(binary, spec, common, dir, ports);
		std::fs::write(&node.log, "").with_context(|| node.log.display().to_string())?;
		node.detached = true;
		node.spawn()?;
		Ok(node)
	}

	fn new(binary: &Path, spec: &NodeSpec, common: &[String], dir: &Path, ports: Ports) -> Node {
		let mut args: Vec<String> = [
			"--base-path",
			&dir.join(&spec.name).to_string_lossy(),
			"--name",
			&spec.name,
			"--rpc-port",
			&ports.rpc.to_string(),
			"--rpc-methods",
			"unsafe",
			"--prometheus-port",
			&ports.prometheus.to_string(),
			"--listen-addr",
			&format!("/ip4/127.0.0.1/tcp/{}", ports.network),
			"--no-telemetry",
		]
		.map(String::from)
		.to_vec();
		args.extend(common.iter().chain(&spec.args).cloned());
		Node {
			name: spec.name.clone(),
			binary: binary.to_owned(),
			args,
			ports,
			log: dir.join(format!("{}.log", spec.name)),
			detached: false,
			child: None,
		}
	}

	fn spawn(&mut self) -> Result<()> {
		let log = File::options().create(true).append(true).open(&self.log)?;
		let mut command =
			if self.detached { detached(&self.binary) } else { Command::new(&self.binary) };
		let child = command
			.args(&self.args)
			.stdin(Stdio::null())
			.stdout(log.try_clone()?)
			.stderr(log)
			.spawn()
			.with_context(|| format!("cannot start {}", self.binary.display()))?;
		self.child = Some(child);
		Ok(())
	}

	/// Address of its RPC.
	pub fn url(&self) -> String {
		format!("ws://127.0.0.1:{}", self.ports.rpc)
	}

	/// Its log file.
	pub fn log(&self) -> &Path {
		&self.log
	}

	/// Its process, if it runs.
	pub fn pid(&self) -> Option<u32> {
		self.child.as_ref().map(Child::id)
	}

	/// Leaves it running.
	pub fn leave(mut self) {
		self.child = None;
	}

	/// The last `lines` lines of its log.
	pub fn log_tail(&self, lines: usize) -> String {
		let text = std::fs::read_to_string(&self.log).unwrap_or_default();
		let from = text.lines().count().saturating_sub(lines);
		text.lines().skip(from).collect::<Vec<_>>().join("\n")
	}

	/// Waits until the node answers.
	pub async fn ready(&mut self) -> Result<Api> {
		let start = Instant::now();
		loop {
			if let Some(status) = self.exited()? {
				bail!("{} ended with {status} while starting; {}", self.name, self.last_words());
			}
			// The port is tried first: a refused connection costs nothing.
			if TcpStream::connect(("127.0.0.1", self.ports.rpc)).is_ok() {
				if let Ok(api) = Api::connect(&self.url()).await {
					return Ok(api);
				}
			}
			if start.elapsed() > START_TIMEOUT {
				bail!("{} did not answer; {}", self.name, self.last_words());
			}
			tokio::time::sleep(Duration::from_millis(200)).await;
		}
	}

	/// Where its log is, and how it ends.
	pub(crate) fn last_words(&self) -> String {
		format!("its log, {}, ends:\n{}", self.log.display(), self.log_tail(20))
	}

	/// How it ended, if it has.
	pub fn exited(&mut self) -> Result<Option<ExitStatus>> {
		match &mut self.child {
			Some(child) => Ok(child.try_wait()?),
			None => Ok(None),
		}
	}

	/// Sends the signal `with` (`INT`, `TERM`) and waits for the process to end; returns how it ended and
	/// how long that took.
	pub async fn stop(&mut self, with: &str) -> Result<(ExitStatus, Duration)> {
		let child = self.child.as_mut().context("the node does not run")?;
		let start = Instant::now();
		signal(child.id(), with)?;
		loop {
			if let Some(status) = child.try_wait()? {
				self.child = None;
				return Ok((status, start.elapsed()));
			}
			if start.elapsed() > Duration::from_secs(60) {
				bail!("{} did not stop on SIG{with}", self.name);
			}
			tokio::time::sleep(Duration::from_millis(50)).await;
		}
	}

	/// Starts a stopped node again on the same data and ports.
	pub async fn restart(&mut self) -> Result<Api> {
		ensure!(self.child.is_none(), "{} runs already", self.name);
		self.spawn()?;
		self.ready().await
	}

	/// Its Prometheus metrics as text.
	pub fn metrics(&self) -> Result<String> {
		let mut stream = TcpStream::connect(("127.0.0.1", self.ports.prometheus))?;
		stream.set_read_timeout(Some(Duration::from_secs(5)))?;
		write!(stream, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
		let mut text = String::new();
		stream.read_to_string(&mut text)?;
		Ok(text)
	}

	/// The sum of all series of the metric `name`; `None` if there is none.
	pub fn metric(&self, name: &str) -> Option<f64> {
		sum_of(&self.metrics().ok()?, name)
	}

	/// The most memory the process has used, in bytes, where the system tells (Linux).
	pub fn peak_memory(&self) -> Option<u64> {
		let pid = self.child.as_ref()?.id();
		let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
		let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
		let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
		Some(kib * 1024)
	}
}

impl Drop for Node {
	fn drop(&mut self) {
		if let Some(mut child) = self.child.take() {
			// Errors mean that it has ended already.
			let _ = child.kill();
			let _ = child.wait();
		}
	}
}

/// A program that neither a closing terminal nor what is typed there ends.
fn detached(program: &Path) -> Command {
	let mut command = Command::new("nohup");
	command.arg(program);
	#[cfg(unix)]
	std::os::unix::process::CommandExt::process_group(&mut command, 0);
	command
}

/// The sum of the values of a metric's series in Prometheus text.
fn sum_of(text: &str, name: &str) -> Option<f64> {
	let values = text.lines().filter_map(|line| {
		let rest = line.strip_prefix(name)?;
		let rest = match rest.strip_prefix('{') {
			Some(labels) => labels.rsplit_once('}')?.1,
			None if rest.starts_with(' ') => rest,
			None => return None,
		};
		rest.trim().parse::<f64>().ok()
	});
	values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn metrics_are_summed_over_their_labels() {
		let text = "# HELP a\na{x=\"1\"} 2\na{x=\"2\"} 3\nab 7\nb 1\n";
		assert_eq!(sum_of(text, "a"), Some(5.0));
		assert_eq!(sum_of(text, "b"), Some(1.0));
		assert_eq!(sum_of(text, "c"), None);
	}

	#[test]
	fn a_port_in_use_is_named_with_its_option() {
		let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
		let taken = (taken.local_addr().unwrap().port(), taken);
		let free = Ports::free().unwrap();
		free.ensure_free("alice").unwrap();
		let cases = [
			(Ports { rpc: taken.0, ..free }, "--rpc-port"),
			(Ports { prometheus: taken.0, ..free }, "--prometheus-port"),
			(Ports { network: taken.0, ..free }, "--listen-addr"),
		];
		for (ports, option) in cases {
			let error = ports.ensure_free("alice").unwrap_err().to_string();
			let named = format!("port {}, which alice needs ({option}), is in use", taken.0);
			assert!(error.starts_with(&named), "{error}");
		}
	}

	#[test]
	fn arguments_name_ports_and_folder() {
		let ports = Ports { rpc: 1, prometheus: 2, network: 3 };
		let spec = NodeSpec::new("alice", &["--operator"]);
		let dir = Path::new("/data");
		let node = Node::new(Path::new("/bin/assay-node"), &spec, &["--alice".into()], dir, ports);
		assert_eq!(
			node.args.join(" "),
			"--base-path /data/alice --name alice --rpc-port 1 --rpc-methods unsafe --prometheus-port 2 \
			 --listen-addr /ip4/127.0.0.1/tcp/3 --no-telemetry --alice --operator"
		);
		assert_eq!(
			(node.log(), node.url()),
			(Path::new("/data/alice.log"), "ws://127.0.0.1:1".into())
		);
	}
}
