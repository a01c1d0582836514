//! Starting the network.

use super::{process::PROGRAM, remove, report::report, Member, Standing};
use crate::{
	command::{say, timed},
	devnet::{self, address, joining},
	node::{Node, NodeSpec},
};
use anyhow::{ensure, Context, Error, Result};
use assay_client::{
	amount::{Amount, ASY},
	cli::{self, Cli, Command, Global},
	commands::{
		model::{CompileArgs, ModelCommand, PublishArgs},
		operator::{KeyCommand, OperatorCommand, ServeArgs, StakeArgs},
	},
	Api,
};
use std::{
	fs,
	path::{Path, PathBuf},
	time::Duration,
};

/// How long the first finalized block may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// What Alice stakes.
const STAKE: Amount = Amount(10_000 * ASY);

/// What starting is told.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
	/// The node's program, beside which that of the client is.
	#[arg(long, value_name = "FILE")]
	pub node: PathBuf,
	/// The digits network, ONNX.
	#[arg(long, value_name = "FILE")]
	pub digits: PathBuf,
	/// Google's file classifier Magika, ONNX.
	#[arg(long, value_name = "FILE")]
	pub magika: PathBuf,
	/// A Python that has NumPy, for what is said to try next.
	#[arg(long, value_name = "FILE")]
	pub python: PathBuf,
}

impl Standing {
	/// Starts the network, unless it runs, and says what to try on it.
	///
	/// A new chain gets models, an operator and a watcher. When its future is dropped, and when it fails,
	/// what was started is stopped.
	///
	/// # Errors
	/// A part of the network runs, a port is in use, or a node does not start.
	pub async fn start(&self, options: &Options) -> Result<()> {
		if self.runs()? {
			self.status();
		} else {
			self.start_new(options).await?;
		}
		let programs = options.node.parent().unwrap_or(Path::new("."));
		print!("{}", report(&self.data, programs, &options.python));
		Ok(())
	}

	async fn start_new(&self, options: &Options) -> Result<()> {
		ensure!(
			options.node.file_name().is_some_and(|name| name == PROGRAM) && options.node.is_file(),
			"{} is no {PROGRAM}",
			options.node.display()
		);
		self.ensure_ports_free()?;
		let is_new = self.prepare()?;
		timed("compiling the demonstration models", self.compile(options)).await?;
		let parts = self.members.iter().map(|member| format!("{} ({})", member.name, member.part));
		say(&format!("starting {}", parts.collect::<Vec<_>>().join(" and ")));
		let mut starting = Starting { network: self, nodes: Vec::new() };
		let api = starting.nodes(&options.node).await?;
		starting.blocks(&api).await?;
		if is_new {
			say(
				"publishing the models, staking Alice as an operator, giving Bob's watcher its key",
			);
			tokio::select! {
				cast = self.cast() => cast?,
				failed = first_to_end(&mut starting.nodes) => return Err(failed),
			}
			fs::remove_file(self.unfinished())
				.context("the file that says that the network is not finished")?;
		}
		starting.leave();
		Ok(())
	}

	fn ensure_ports_free(&self) -> Result<()> {
		for Member { name, ports, .. } in &self.members {
			ports.ensure_free(name).map_err(|error| {
				Error::msg(format!(
					"{error}; perhaps it is the network of another clone, which `scripts/devnet --stop` stops there"
				))
			})?;
		}
		Ok(())
	}

	/// Makes the folder ready; whether the chain is new. A chain that goes on knows the models it was given;
	/// a new one gets what this compiler makes, and so does one whose start was broken off.
	fn prepare(&self) -> Result<bool> {
		let unfinished = self.unfinished();
		let [first, other] = &self.members;
		self.ensure_own()?;
		let is_new = unfinished.exists() || !self.data.join(first.name).is_dir();
		if is_new {
			fs::create_dir_all(&self.data).with_context(|| self.data.display().to_string())?;
			fs::write(&unfinished, "").with_context(|| unfinished.display().to_string())?;
			for folder in [self.models(), self.data.join(first.name), self.data.join(other.name)] {
				remove(&folder)?;
			}
		}
		Ok(is_new)
	}

	/// Compiles the two demonstration models, unless they are there already, as `compile_bundles` of
	/// `scripts/lib.sh` does.
	async fn compile(&self, options: &Options) -> Result<()> {
		let folder = self.models();
		fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
		let models = [("digits", &options.digits, "N"), ("magika", &options.magika, "unk__214")];
		for (name, onnx, dim) in models {
			let output = folder.join(name);
			if output.is_dir() {
				continue;
			}
			let compile = ModelCommand::Compile(CompileArgs {
				onnx: onnx.clone(),
				output,
				dims: vec![(dim.into(), 1.into())],
				name: Some(name.into()),
				model_version: "1".into(),
				..Default::default()
			});
			self.assay(&self.members[0], "//Alice", Command::Model(compile)).await?;
		}
		Ok(())
	}

	/// Gives everybody on a new chain their roles.
	async fn cast(&self) -> Result<()> {
		let [alice, bob] = &self.members;
		let publish = |name: &str| {
			let bundle = self.models().join(name);
			Command::Model(ModelCommand::Publish(PublishArgs { bundle, parent: None }))
		};
		let service_key = Some("//Alice".into());
		let stake = StakeArgs { amount: STAKE, service_key, service_file: None };
		let serve = ServeArgs { models: vec!["digits".into(), "magika".into()] };
		for command in [
			publish("digits"),
			publish("magika"),
			Command::Operator(OperatorCommand::Stake(stake)),
			Command::Operator(OperatorCommand::Serve(serve)),
		] {
			self.assay(alice, "//Alice", command).await?;
		}
		let insert = KeyCommand::Insert {
			service_file: None,
			service_suri: Some("//Bob".into()),
			keystore_only: false,
		};
		self.assay(bob, "//Bob", Command::Operator(OperatorCommand::Key(insert))).await
	}

	/// Does what a command of `assay` does, on the node of `member` and with the key `suri`.
	async fn assay(&self, member: &Member, suri: &str, command: Command) -> Result<()> {
		let global = Global {
			url: format!("ws://127.0.0.1:{}", member.ports.rpc),
			suri: Some(suri.into()),
			key_file: None,
			json: false,
			in_block: true,
			models_dir: self.models(),
		};
		Ok(Box::pin(cli::run(Cli { global, command })).await?)
	}
}

/// Nodes that are stopped when this is dropped before they may be left alone.
struct Starting<'a> {
	network: &'a Standing,
	nodes: Vec<Node>,
}

impl Starting<'_> {
	/// Starts all nodes, and waits until they answer; the connection to the first.
	async fn nodes(&mut self, binary: &Path) -> Result<Api> {
		let network = self.network;
		let [first, other] = &network.members;
		let api = self.node(binary, first, None)?.ready().await?;
		let address = address(&api).await?;
		self.node(binary, other, Some(&address))?.ready().await?;
		Ok(api)
	}

	fn node(&mut self, binary: &Path, member: &Member, first: Option<&str>) -> Result<&mut Node> {
		let network = self.network;
		let mut common = joining(member.key, first);
		common.extend(["--rpc-cors", "all", "--models-dir"].map(String::from));
		common.push(network.models().to_string_lossy().into_owned());
		let spec = NodeSpec::new(member.name, &member.flags);
		let node = Node::start_detached(binary, &spec, &common, &network.data, member.ports)?;
		self.nodes.push(node);
		// From here on it is stopped with the others. Without its id in the file nobody else could.
		let node = self.nodes.last_mut().context("it was just started")?;
		let pid = node.pid().context("it was just started")?;
		network.process(member).note(pid)?;
		Ok(node)
	}

	/// Waits for a finalized block, for as long as all nodes run.
	async fn blocks(&mut self, api: &Api) -> Result<()> {
		let waited = tokio::select! {
			waited = devnet::wait_for_finality(api, 1, PATIENCE) => waited,
			failed = first_to_end(&mut self.nodes) => return Err(failed),
		};
		waited.map_err(|error| {
			let logs = self.nodes.iter().map(|node| node.log().display().to_string());
			Error::msg(format!("{error:#}; see {}", Vec::from_iter(logs).join(" and ")))
		})
	}

	/// Leaves the nodes running.
	fn leave(mut self) {
		self.nodes.drain(..).for_each(Node::leave);
	}
}

/// Waits until a node has ended, and says which.
async fn first_to_end(nodes: &mut [Node]) -> Error {
	loop {
		for node in nodes.iter_mut() {
			match node.exited() {
				Ok(None) => {},
				Ok(Some(status)) => {
					let words = node.last_words();
					return Error::msg(format!("{} ended with {status}; {words}", node.name));
				},
				Err(error) => return error,
			}
		}
		tokio::time::sleep(Duration::from_millis(500)).await;
	}
}

impl Drop for Starting<'_> {
	fn drop(&mut self) {
		if self.nodes.is_empty() {
			return;
		}
		// What cannot be asked to stop is killed, as nodes are that go out of scope.
		if let Err(error) = self.network.stop() {
			eprintln!("error: {error:#}");
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		node::Ports,
		standing::{
			testing::{program, BROKEN, WILLING},
			MEMBERS,
		},
	};
	use tempfile::TempDir;

	/// A network whose nodes are this script, and their program.
	fn network(script: &str) -> (TempDir, Standing, PathBuf) {
		let dir = tempfile::tempdir().unwrap();
		let members = MEMBERS.map(|member| Member { ports: Ports::free().unwrap(), ..member });
		let network = Standing { data: dir.path().join("data"), members };
		fs::create_dir(&network.data).unwrap();
		let binary = program(dir.path(), script);
		(dir, network, binary)
	}

	#[tokio::test]
	async fn a_node_that_fails_says_why_and_leaves_nothing() {
		let (_dir, network, binary) = network(BROKEN);
		let mut starting = Starting { network: &network, nodes: Vec::new() };
		let error = starting.nodes(&binary).await.err().expect("it fails").to_string();
		assert!(error.starts_with("alice ended with exit status: 3 while starting; "), "{error}");
		assert!(error.ends_with("\nno disk"), "{error}");
		drop(starting);
		assert!(network.processes().all(|process| !process.file().exists()));
	}

	#[tokio::test]
	async fn what_is_broken_off_is_stopped() {
		let (_dir, network, binary) = network(WILLING);
		let process = network.process(&network.members[0]);
		let mut starting = Starting { network: &network, nodes: Vec::new() };
		let waited = tokio::time::timeout(Duration::from_secs(1), starting.nodes(&binary)).await;
		assert!(waited.is_err());
		assert!(process.pid().is_some());
		assert!(network.runs().is_err(), "a part of it runs");
		drop(starting);
		assert_eq!((process.pid(), process.file().exists()), (None, false));
	}

	#[test]
	fn what_has_started_is_left_running() {
		let (_dir, network, binary) = network(WILLING);
		let mut starting = Starting { network: &network, nodes: Vec::new() };
		for member in &network.members {
			starting.node(&binary, member, Some("/ip4/127.0.0.1/tcp/1")).unwrap();
		}
		starting.leave();
		let pids: Vec<_> = network.processes().filter_map(|process| process.pid()).collect();
		assert_eq!(pids.len(), 2);
		assert!(network.runs().unwrap());
		fs::write(network.unfinished(), "").unwrap();
		assert!(network.runs().is_err(), "it is not finished");
		network.stop().unwrap();
		assert!(!network.runs().unwrap());
	}

	#[tokio::test]
	async fn a_port_in_use_stops_the_start_before_anything_is_done() {
		let (dir, network, node) = network(WILLING);
		let taken =
			std::net::TcpListener::bind(("127.0.0.1", network.members[1].ports.rpc)).unwrap();
		let file = dir.path().join("none");
		let options = Options { node, digits: file.clone(), magika: file.clone(), python: file };
		let error = network.start(&options).await.unwrap_err().to_string();
		let port = taken.local_addr().unwrap().port();
		let said = format!("port {port}, which bob needs (--rpc-port), is in use: ");
		assert!(error.starts_with(&said) && error.contains("scripts/devnet --stop"), "{error}");
		assert!(!network.unfinished().exists());
	}

	#[test]
	fn a_chain_whose_start_was_broken_off_begins_anew() {
		let (_dir, network, _) = network(WILLING);
		let chain = network.data.join("alice/chains");
		assert!(network.prepare().unwrap());
		fs::create_dir_all(&chain).unwrap();
		fs::create_dir_all(network.models().join("digits")).unwrap();
		assert!(network.prepare().unwrap());
		assert!(!chain.exists() && !network.models().exists());
		fs::create_dir_all(&chain).unwrap();
		fs::remove_file(network.unfinished()).unwrap();
		assert!(!network.prepare().unwrap());
		assert!(chain.exists() && !network.unfinished().exists());
	}
}
