//! One node process.

use anyhow::{bail, Context, Result};
use assay_client::Api;
use std::{
	fs::File,
	io::{Read, Write},
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

/// A running node; killed when dropped.
#[derive(Debug)]
pub struct Node {
	/// Its name.
	pub name: String,
	binary: PathBuf,
	args: Vec<String>,
	rpc_port: u16,
	prometheus_port: u16,
	log: PathBuf,
	child: Option<Child>,
}

/// The node's binary: `ASSAY_NODE`, or beside the running program, or one folder above it.
pub fn find_binary() -> Result<PathBuf> {
	if let Some(path) = std::env::var_os("ASSAY_NODE") {
		let path = PathBuf::from(path);
		anyhow::ensure!(path.is_file(), "ASSAY_NODE names no file: {}", path.display());
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
		let (rpc_port, prometheus_port) = (free_port()?, free_port()?);
		let mut args: Vec<String> = [
			"--base-path",
			&dir.join(&spec.name).to_string_lossy(),
			"--name",
			&spec.name,
			"--rpc-port",
			&rpc_port.to_string(),
			"--rpc-methods",
			"unsafe",
			"--prometheus-port",
			&prometheus_port.to_string(),
			"--listen-addr",
			"/ip4/127.0.0.1/tcp/0",
			"--no-mdns",
			"--no-telemetry",
		]
		.map(String::from)
		.to_vec();
		args.extend(common.iter().chain(&spec.args).cloned());
		let mut node = Node {
			name: spec.name.clone(),
			binary: binary.to_owned(),
			args,
			rpc_port,
			prometheus_port,
			log: dir.join(format!("{}.log", spec.name)),
			child: None,
		};
		node.spawn()?;
		Ok(node)
	}

	fn spawn(&mut self) -> Result<()> {
		let log = File::options().create(true).append(true).open(&self.log)?;
		let child = Command::new(&self.binary)
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
		format!("ws://127.0.0.1:{}", self.rpc_port)
	}

	/// Its log file.
	pub fn log(&self) -> &Path {
		&self.log
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
				let log = self.log_tail(20);
				bail!("{} ended with {status} while starting; its log ends:\n{log}", self.name);
			}
			// The port is tried first: a refused connection costs nothing.
			if TcpStream::connect(("127.0.0.1", self.rpc_port)).is_ok() {
				if let Ok(api) = Api::connect(&self.url()).await {
					return Ok(api);
				}
			}
			if start.elapsed() > START_TIMEOUT {
				bail!("{} did not answer; its log ends:\n{}", self.name, self.log_tail(20));
			}
			tokio::time::sleep(Duration::from_millis(200)).await;
		}
	}

	/// How it ended, if it has.
	pub fn exited(&mut self) -> Result<Option<ExitStatus>> {
		match &mut self.child {
			Some(child) => Ok(child.try_wait()?),
			None => Ok(None),
		}
	}

	/// Sends `signal` (`INT`, `TERM`) and waits for the process to end; returns how it ended and
	/// how long that took.
	pub async fn stop(&mut self, signal: &str) -> Result<(ExitStatus, Duration)> {
		let child = self.child.as_mut().context("the node does not run")?;
		let start = Instant::now();
		let pid = child.id().to_string();
		let sent = Command::new("kill").args(["-s", signal, &pid]).status()?;
		anyhow::ensure!(sent.success(), "kill -s {signal} {pid} failed");
		loop {
			if let Some(status) = child.try_wait()? {
				self.child = None;
				return Ok((status, start.elapsed()));
			}
			if start.elapsed() > Duration::from_secs(60) {
				bail!("{} did not stop on SIG{signal}", self.name);
			}
			tokio::time::sleep(Duration::from_millis(50)).await;
		}
	}

	/// Starts a stopped node again on the same data and ports.
	pub async fn restart(&mut self) -> Result<Api> {
		anyhow::ensure!(self.child.is_none(), "{} runs already", self.name);
		self.spawn()?;
		self.ready().await
	}

	/// Its Prometheus metrics as text.
	pub fn metrics(&self) -> Result<String> {
		let mut stream = TcpStream::connect(("127.0.0.1", self.prometheus_port))?;
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
}
