//! The transactions that the client sends.

use subxt::{
	dynamic::{self, Value},
	ext::scale_value::Composite,
	transactions::DynamicPayload,
	utils::{AccountId32, H256},
};

/// A transaction's call.
pub type Call = DynamicPayload<Composite<()>>;

type Fields = Vec<(&'static str, Value)>;

fn call(pallet: &'static str, name: &'static str, fields: Fields) -> Call {
	dynamic::tx(pallet, name, Composite::named(fields))
}

fn bytes(bytes: impl AsRef<[u8]>) -> Value {
	Value::from_bytes(bytes)
}

fn number(number: impl Into<u128>) -> Value {
	Value::u128(number.into())
}

fn option(value: Option<Value>) -> Value {
	match value {
		Some(value) => Value::unnamed_variant("Some", [value]),
		None => Value::unnamed_variant("None", []),
	}
}

/// What `models.register` says about a model besides its roots.
#[derive(Clone, Debug, Default)]
pub struct ModelDescription {
	/// Name for people.
	pub name: String,
	/// Version in the publisher's own scheme.
	pub version: String,
	/// Hash of the file that the model was compiled from.
	pub source_hash: [u8; 32],
	/// The model that this one was made from.
	pub parent: Option<H256>,
	/// Licence, best as an SPDX expression.
	pub licence: String,
}

/// `models.register`: a model from its program's bytes.
pub fn register_model(program: &[u8], weights_root: [u8; 32], about: &ModelDescription) -> Call {
	let metadata = Value::named_composite([
		("name", bytes(&about.name)),
		("version", bytes(&about.version)),
		("source_hash", bytes(about.source_hash)),
		("parent", option(about.parent.map(|id| bytes(id.0)))),
		("licence", bytes(&about.licence)),
	]);
	let fields = vec![
		("program", bytes(program)),
		("weights_root", bytes(weights_root)),
		("metadata", metadata),
	];
	call("Models", "register", fields)
}

/// `models.retire`: no new jobs for a model.
pub fn retire_model(model: H256) -> Call {
	call("Models", "retire", vec![("model", bytes(model.0))])
}

/// `models.remove`: forget a retired model.
pub fn remove_model(model: H256) -> Call {
	call("Models", "remove", vec![("model", bytes(model.0))])
}

/// `operators.stake`: put money behind future claims.
pub fn stake(amount: u128) -> Call {
	call("Operators", "stake", vec![("amount", number(amount))])
}

/// `operators.unstake`: take money out of the stake, to be withdrawn later.
pub fn unstake(amount: u128) -> Call {
	call("Operators", "unstake", vec![("amount", number(amount))])
}

/// `operators.withdraw`: get back what was unstaked long enough ago.
pub fn withdraw() -> Call {
	call("Operators", "withdraw", vec![])
}

/// `operators.set_service_key`: name the key with which a node acts for the account.
pub fn set_service_key(key: Option<[u8; 32]>) -> Call {
	call("Operators", "set_service_key", vec![("key", option(key.map(bytes)))])
}

/// `operators.serve`: the models that the operator serves from now on.
pub fn serve(models: &[H256]) -> Call {
	let models = models.iter().map(|id| bytes(id.0)).collect::<Vec<_>>();
	call("Operators", "serve", vec![("models", Value::unnamed_composite(models))])
}

/// `operators.chill`: take no new work.
pub fn chill() -> Call {
	call("Operators", "chill", vec![])
}

/// `operators.activate`: take new work again.
pub fn activate() -> Call {
	call("Operators", "activate", vec![])
}

/// `jobs.request`: pay for a run.
pub fn request_job(model: H256, input: &[u8], fee: u128, operator: Option<&AccountId32>) -> Call {
	let fields = vec![
		("model", bytes(model.0)),
		("input", bytes(input)),
		("fee", number(fee)),
		("operator", option(operator.map(|account| bytes(account.0)))),
	];
	call("Jobs", "request", fields)
}

/// `jobs.cancel`: take back a job that nobody accepted.
pub fn cancel_job(job: u64) -> Call {
	call("Jobs", "cancel", vec![("job", number(job))])
}

/// `jobs.poke`: apply what is overdue in a job.
pub fn poke_job(job: u64) -> Call {
	call("Jobs", "poke", vec![("job", number(job))])
}

/// `jobs.accept`, signed by the operator's own account.
pub fn accept_job(job: u64) -> Call {
	call("Jobs", "accept", vec![("job", number(job)), ("auth", option(None))])
}

/// `jobs.claim`, signed by the operator's own account.
pub fn claim_job(job: u64, attempt: u32, output_root: [u8; 32], output: &[u8]) -> Call {
	let fields = vec![
		("job", number(job)),
		("attempt", number(attempt)),
		("output_root", bytes(output_root)),
		("output", bytes(output)),
		("auth", option(None)),
	];
	call("Jobs", "claim", fields)
}

/// `challenges.open`: say that a claim is false.
pub fn open_challenge(job: u64, output_root: [u8; 32]) -> Call {
	let fields =
		vec![("job", number(job)), ("output_root", bytes(output_root)), ("auth", option(None))];
	call("Challenges", "open", fields)
}

/// `challenges.prove_fault`, signed by anybody.
pub fn prove_fault(job: u64, proof: &[u8]) -> Call {
	let fields = vec![("job", number(job)), ("proof", bytes(proof)), ("auth", option(None))];
	call("Challenges", "prove_fault", fields)
}

/// `challenges.lapse`: apply what is overdue in a challenge.
pub fn lapse_challenge(challenge: u64) -> Call {
	call("Challenges", "lapse", vec![("challenge", number(challenge))])
}

/// `balances.transfer_keep_alive`: send money.
pub fn transfer(to: &AccountId32, amount: u128) -> Call {
	let to = Value::unnamed_variant("Id", [bytes(to.0)]);
	call("Balances", "transfer_keep_alive", vec![("dest", to), ("value", number(amount))])
}
