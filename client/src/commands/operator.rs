//! `assay operator`: stake, serve, and the service key.

use super::{model, Done};
use crate::{
	account,
	address::{self, address},
	amount::Amount,
	chain::{
		calls::{self, ProvenKey},
		records::Operator,
		Api, Until,
	},
	cli::{parse_amount, Global},
	error::{self, Error, Result},
	files,
	output::hex0x,
};
use clap::{Args, Subcommand};
use serde::Serialize;
use std::{fmt, path::PathBuf};
use subxt::{
	transactions::Payload,
	utils::{AccountId32, H256},
};
use subxt_signer::sr25519::Keypair;

/// Commands of an operator.
#[derive(Subcommand, Debug)]
pub enum OperatorCommand {
	/// Put money behind future claims.
	Stake(StakeArgs),
	/// Say which models the operator serves, instead of those said before.
	Serve(ServeArgs),
	/// Show an operator: stake, exposure, key, models.
	Status(AccountArgs),
	/// List all operators.
	List,
	/// The service key, with which a node acts for the account.
	#[command(subcommand)]
	Key(KeyCommand),
	/// Take no new work for a while, `assay operator status` says until when; open claims go on.
	Chill,
	/// Take new work again.
	Activate,
	/// Take money out of the stake; it can be withdrawn after the unstaking period.
	Unstake(AmountArgs),
	/// Get back what was unstaked long enough ago.
	Withdraw,
}

/// Arguments of `assay operator stake`.
#[derive(Args, Debug)]
pub struct StakeArgs {
	/// How much, in ASY: 12.5 or 12.5ASY.
	#[arg(value_parser = parse_amount)]
	pub amount: Amount,
	/// Also name this service key by its secret, which signs for it: a dev path, a phrase or 0x hex.
	#[arg(long, value_name = "SURI")]
	pub service_key: Option<String>,
	/// Also name the service key whose seed is in this file, as `key new` writes it.
	#[arg(long, value_name = "FILE", conflicts_with = "service_key")]
	pub service_file: Option<PathBuf>,
}

/// Arguments of `assay operator serve`.
#[derive(Args, Debug)]
pub struct ServeArgs {
	/// Models: ids, names or bundle folders. The node needs their bundles in its --models-dir.
	#[arg(required = true, value_name = "MODEL")]
	pub models: Vec<String>,
}

/// An account; the signing key's own by default.
#[derive(Args, Debug)]
pub struct AccountArgs {
	/// Address, public key or dev path.
	pub account: Option<String>,
}

/// An amount of ASY.
#[derive(Args, Debug)]
pub struct AmountArgs {
	/// How much, in ASY: 12.5 or 12.5ASY.
	#[arg(value_parser = parse_amount)]
	pub amount: Amount,
}

/// Commands about service keys.
#[derive(Subcommand, Debug)]
pub enum KeyCommand {
	/// Make a new service key and write its seed to a file only its owner can read.
	New {
		/// The file.
		#[arg(short, long, value_name = "FILE")]
		output: PathBuf,
	},
	/// Put a service key into the node's keystore and name it on the chain.
	Insert {
		/// File with the seed, as `key new` writes it.
		#[arg(long, value_name = "FILE", required_unless_present = "service_suri")]
		service_file: Option<PathBuf>,
		/// The seed itself: a dev path, a phrase or 0x hex.
		#[arg(long, value_name = "SURI", conflicts_with = "service_file")]
		service_suri: Option<String>,
		/// Leave the chain alone.
		#[arg(long)]
		keystore_only: bool,
	},
	/// Show that a service key may act for an account: prints what `key set` takes, on a machine that
	/// holds the seed and not the account's key.
	Prove {
		/// File with the seed, as `key new` writes it.
		#[arg(long, value_name = "FILE")]
		service_file: PathBuf,
		/// The account it is to act for: address, public key or dev path.
		#[arg(long)]
		account: String,
	},
	/// Name a service key on the chain, with the proof that `key prove` prints.
	Set {
		/// The key: public key, address or dev path.
		key: String,
		/// Its signature of the account, 64 bytes of hex.
		#[arg(long, value_name = "HEX")]
		proof: String,
	},
	/// Say how much the service key may put on hold from now on, for bonds and questions.
	Allow(AmountArgs),
	/// Unset the service key and get its deposit back.
	Unset,
	/// Show the service key of an account and whether the node holds it.
	Show(AccountArgs),
}

/// Runs one of them.
pub async fn run(command: OperatorCommand, global: &Global) -> Result<()> {
	match command {
		OperatorCommand::Stake(args) => stake(args, global).await,
		OperatorCommand::Serve(args) => serve(args, global).await,
		OperatorCommand::Status(args) => status(args, global).await,
		OperatorCommand::List => list(global).await,
		OperatorCommand::Key(command) => key(command, global).await,
		OperatorCommand::Chill => send(global, calls::chill()).await,
		OperatorCommand::Activate => send(global, calls::activate()).await,
		OperatorCommand::Unstake(args) => send(global, calls::unstake(args.amount.0)).await,
		OperatorCommand::Withdraw => send(global, calls::withdraw()).await,
	}
}

async fn send(global: &Global, call: impl Payload) -> Result<()> {
	let signer = global.signer()?;
	let api = global.api().await?;
	let receipt = api.submit(&call, &signer, global.until()).await?;
	global.output().report(&Done::new(&receipt));
	Ok(())
}

async fn stake(args: StakeArgs, global: &Global) -> Result<()> {
	let key = match (&args.service_key, &args.service_file) {
		(Some(suri), _) => Some(account::keypair(suri)?),
		(None, Some(path)) => Some(account::keypair_from_file(path)?),
		(None, None) => None,
	};
	if let Some(key) = key {
		let (signer, api) = (global.signer()?, global.api().await?);
		api.submit(&calls::stake(args.amount.0), &signer, Until::InBlock).await?;
		let account = account::account_of(&signer);
		let proven = account::prove_possession(&key, &api.genesis_hash(), &account);
		let name_key = calls::set_service_key(Some(proven));
		let receipt = api.submit(&name_key, &signer, global.until()).await?;
		global.output().report(&Done::new(&receipt));
		return Ok(());
	}
	send(global, calls::stake(args.amount.0)).await
}

async fn serve(args: ServeArgs, global: &Global) -> Result<()> {
	let signer = global.signer()?;
	let api = global.api().await?;
	let at = api.best().await?;
	let mut ids = Vec::with_capacity(args.models.len());
	for text in &args.models {
		ids.push(model::resolve(&api, &at, text).await?.id);
	}
	// The chain wants each model once, in ascending order.
	ids.sort();
	ids.dedup();
	let receipt = api.submit(&calls::serve(&ids), &signer, global.until()).await?;
	global.output().report(&Done::new(&receipt));
	Ok(())
}

fn account_or_own(args: &AccountArgs, global: &Global) -> Result<AccountId32> {
	match &args.account {
		Some(text) => account::account(text),
		None => global.signer().map(|key| account::account_of(&key)).map_err(|_| {
			Error::usage("whose? no account was named").hint("name an account, or give your key")
		}),
	}
}

async fn status(args: AccountArgs, global: &Global) -> Result<()> {
	let account = account_or_own(&args, global)?;
	let api = global.api().await?;
	let found = api.operator(&api.best().await?, &account).await?;
	let operator: Operator = found.ok_or_else(|| {
		Error::not_found(format!("{} is no operator", address(&account)))
			.hint("become one: assay operator stake AMOUNT --key-file FILE")
	})?;
	global.output().report(&operator);
	Ok(())
}

#[derive(Serialize)]
#[serde(transparent)]
struct List(Vec<Operator>);

impl fmt::Display for List {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		if self.0.is_empty() {
			return writeln!(f, "no operators; become one with `assay operator stake AMOUNT`");
		}
		for o in &self.0 {
			let stake = Amount(o.record.stake).to_string();
			let (status, models) = (o.record.status, o.serves.len());
			writeln!(f, "{}  {status:<8} {stake:>16}  {models} models", address(&o.account))?;
		}
		Ok(())
	}
}

async fn list(global: &Global) -> Result<()> {
	let api = global.api().await?;
	let at = api.best().await?;
	let mut operators = Vec::new();
	for (account, _) in api.operators(&at).await? {
		operators.extend(api.operator(&at, &account).await?);
	}
	global.output().report(&List(operators));
	Ok(())
}

async fn key(command: KeyCommand, global: &Global) -> Result<()> {
	match command {
		KeyCommand::New { output } => new_key(output, global),
		KeyCommand::Insert { service_file, service_suri, keystore_only } => {
			let (suri, key) = match (service_file, service_suri) {
				(Some(path), _) => {
					let text = files::read_text(&path, account::MAX_KEY_FILE)?;
					(text.trim().to_string(), account::keypair_from_file(&path)?)
				},
				(None, Some(suri)) => (suri.clone(), account::keypair(&suri)?),
				(None, None) => return Err(Error::usage("no service key was given")),
			};
			insert_key(&suri, &key, keystore_only, global).await
		},
		KeyCommand::Prove { service_file, account } => {
			let service = account::keypair_from_file(&service_file)?;
			let account = account::account(&account)?;
			let genesis = global.api().await?.genesis_hash();
			let proven = account::prove_possession(&service, &genesis, &account);
			global.output().report(&Proof {
				service_key: H256(proven.key),
				account,
				proof: hex0x(&proven.proof),
			});
			Ok(())
		},
		KeyCommand::Set { key, proof } => {
			let key = account::service_key(&key)?;
			let proof = hex::decode(proof.trim().trim_start_matches("0x"))
				.ok()
				.and_then(|bytes| bytes.try_into().ok())
				.ok_or_else(|| {
					Error::usage("the proof is not 64 bytes of hex")
						.hint("make it with `assay operator key prove`")
				})?;
			send(global, calls::set_service_key(Some(ProvenKey { key, proof }))).await
		},
		KeyCommand::Allow(args) => send(global, calls::set_key_allowance(args.amount.0)).await,
		KeyCommand::Unset => send(global, calls::set_service_key(None)).await,
		KeyCommand::Show(args) => show_key(args, global).await,
	}
}

#[derive(Serialize)]
struct Proof {
	/// Public half.
	service_key: H256,
	/// Whom it may act for.
	#[serde(serialize_with = "address::serialize")]
	account: AccountId32,
	/// The key's signature of that.
	proof: String,
}

impl fmt::Display for Proof {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let key = hex0x(&self.service_key.0);
		writeln!(f, "service key  {key}")?;
		writeln!(f, "account      {}", address(&self.account))?;
		writeln!(f, "next         assay operator key set {key} --proof {}", self.proof)
	}
}

#[derive(Serialize)]
struct KeyReport {
	/// Public half.
	service_key: H256,
	/// Whether the node's keystore holds the secret half.
	in_keystore: Option<bool>,
	/// Where the seed was written.
	file: Option<PathBuf>,
	/// Whom it acts for on the chain.
	#[serde(serialize_with = "address::serialize_option")]
	account: Option<AccountId32>,
	/// What it may still put on hold.
	#[serde(skip_serializing_if = "Option::is_none")]
	allowance: Option<Amount>,
}

impl fmt::Display for KeyReport {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		writeln!(f, "service key  {}", hex0x(&self.service_key.0))?;
		if let Some(account) = &self.account {
			writeln!(f, "acts for     {}", address(account))?;
		}
		if let Some(allowance) = self.allowance {
			writeln!(f, "allowance    {allowance} left for bonds and questions")?;
		}
		match self.in_keystore {
			Some(true) => writeln!(f, "keystore     the node holds it")?,
			Some(false) => {
				writeln!(f, "keystore     the node does NOT hold it: assay operator key insert")?
			},
			None => {},
		}
		if let Some(file) = &self.file {
			writeln!(f, "seed         {}", file.display())?;
			let file = file.display();
			writeln!(f, "next         assay operator key insert --service-file {file}")?;
		}
		Ok(())
	}
}

fn new_key(path: PathBuf, global: &Global) -> Result<()> {
	use std::io::Write;
	let seed = account::new_seed()?;
	let public = account::keypair(&seed)?.public_key().0;
	let mut options = std::fs::OpenOptions::new();
	options.write(true).create_new(true);
	#[cfg(unix)]
	std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
	let mut file = options.open(&path).map_err(|e| error::io(&path, e))?;
	writeln!(file, "{seed}").map_err(|e| error::io(&path, e))?;
	global.output().report(&KeyReport {
		service_key: H256(public),
		in_keystore: None,
		file: Some(path),
		account: None,
		allowance: None,
	});
	Ok(())
}

async fn insert_key(
	suri: &str,
	service: &Keypair,
	keystore_only: bool,
	global: &Global,
) -> Result<()> {
	let public = service.public_key().0;
	let signer = if keystore_only { None } else { Some(global.signer()?) };
	let api = global.api().await?;
	api.insert_service_key(suri, public).await?;
	if let Some(signer) = &signer {
		set_key_if_other(&api, signer, service, global.until()).await?;
	}
	global.output().report(&KeyReport {
		service_key: H256(public),
		in_keystore: api.has_service_key(public).await,
		file: None,
		account: signer.as_ref().map(account::account_of),
		allowance: None,
	});
	Ok(())
}

/// Names the service key on the chain unless the chain has it so already.
pub async fn set_key_if_other(
	api: &Api,
	signer: &Keypair,
	service: &Keypair,
	until: Until,
) -> Result<()> {
	let account = account::account_of(signer);
	let public = service.public_key().0;
	if api.service_key(&api.best().await?, &account).await? != Some(public) {
		let proven = account::prove_possession(service, &api.genesis_hash(), &account);
		api.submit(&calls::set_service_key(Some(proven)), signer, until).await?;
	}
	Ok(())
}

async fn show_key(args: AccountArgs, global: &Global) -> Result<()> {
	let account = account_or_own(&args, global)?;
	let api = global.api().await?;
	let record = api.key_record(&api.best().await?, &account).await?.ok_or_else(|| {
		Error::not_found(format!("{} has no service key", address(&account)))
			.hint("make one: assay operator key new, then assay operator key insert")
	})?;
	global.output().report(&KeyReport {
		service_key: H256(record.key),
		in_keystore: api.has_service_key(record.key).await,
		file: None,
		account: Some(account),
		allowance: Some(Amount(record.left())),
	});
	Ok(())
}
