//! The transactions that the client sends.

use super::runtime::{
	self,
	runtime_types::{
		assay_primitives::service::app::{Public as ServiceKey, Signature as ServiceSignature},
		assay_runtime::RuntimeCall,
		bounded_collections::bounded_vec::BoundedVec,
		pallet_challenges::pallet::Call as ChallengesCall,
		pallet_jobs::{pallet::Call as JobsCall, types as jobs},
		pallet_models::types as models,
	},
};
use subxt::{
	transactions::Payload,
	utils::{AccountId32, MultiAddress, H256},
};

fn bounded<T>(items: Vec<T>) -> BoundedVec<T> {
	BoundedVec(items)
}

/// What an endorser says about a model.
#[derive(Clone, Debug, Default)]
pub struct ModelDescription {
	/// Name for people.
	pub name: String,
	/// Version in the endorser's own scheme.
	pub version: String,
	/// Hash of the file that the model was compiled from.
	pub source_hash: [u8; 32],
	/// The model that this one was made from.
	pub parent: Option<H256>,
	/// Licence, best as an SPDX expression.
	pub licence: String,
}

impl ModelDescription {
	fn metadata(&self) -> models::ModelMetadata {
		let text = |text: &str| bounded(text.as_bytes().to_vec());
		models::ModelMetadata {
			name: text(&self.name),
			version: text(&self.version),
			source_hash: H256(self.source_hash),
			parent: self.parent,
			licence: text(&self.licence),
		}
	}
}

/// `models.register`: a model from its program's bytes.
pub fn register_model(
	program: &[u8],
	weights_root: [u8; 32],
	about: &ModelDescription,
) -> impl Payload {
	let program = bounded(program.to_vec());
	runtime::tx().models().register(program, H256(weights_root), about.metadata())
}

/// `models.endorse`: stand behind a model that is registered already.
pub fn endorse_model(model: H256, about: &ModelDescription) -> impl Payload {
	runtime::tx().models().endorse(model, about.metadata())
}

/// `models.recall`: warn of a model, for good.
pub fn recall_model(model: H256, reason: &str) -> impl Payload {
	runtime::tx().models().recall(model, bounded(reason.as_bytes().to_vec()))
}

/// `models.retire`: withdraw the endorsement of a model.
pub fn retire_model(model: H256) -> impl Payload {
	runtime::tx().models().retire(model)
}

/// `models.remove`: forget a model behind which nobody stands.
pub fn remove_model(model: H256) -> impl Payload {
	runtime::tx().models().remove(model)
}

/// `operators.stake`: put money behind future claims.
pub fn stake(amount: u128) -> impl Payload {
	runtime::tx().operators().stake(amount)
}

/// `operators.unstake`: take money out of the stake, to be withdrawn later.
pub fn unstake(amount: u128) -> impl Payload {
	runtime::tx().operators().unstake(amount)
}

/// `operators.withdraw`: get back what was unstaked long enough ago.
pub fn withdraw() -> impl Payload {
	runtime::tx().operators().withdraw()
}

/// A service key with its own signature of the account that it is to act for, see
/// [`account::prove_possession`](crate::account::prove_possession).
#[derive(Clone, Copy, Debug)]
pub struct ProvenKey {
	/// Public half of the key.
	pub key: [u8; 32],
	/// Its signature.
	pub proof: [u8; 64],
}

/// `operators.set_service_key`: name the key with which a node acts for the account.
pub fn set_service_key(key: Option<ProvenKey>) -> impl Payload {
	let key = key.map(|proven| (ServiceKey(proven.key), ServiceSignature(proven.proof)));
	runtime::tx().operators().set_service_key(key)
}

/// `operators.set_key_allowance`: what the service key may put on hold from now on.
pub fn set_key_allowance(allowance: u128) -> impl Payload {
	runtime::tx().operators().set_key_allowance(allowance)
}

/// `operators.serve`: the models that the operator serves from now on.
pub fn serve(models: &[H256]) -> impl Payload {
	runtime::tx().operators().serve(bounded(models.to_vec()))
}

/// `operators.chill`: take no new work.
pub fn chill() -> impl Payload {
	runtime::tx().operators().chill()
}

/// `operators.activate`: take new work again.
pub fn activate() -> impl Payload {
	runtime::tx().operators().activate()
}

/// `jobs.request`: pay for a run.
///
/// # Examples
///
/// ```no_run
/// use assay_client::{account, chain::calls, Api, Error, Until};
/// # use subxt::utils::H256;
///
/// # async fn example(api: Api, id: H256, input: &[u8]) -> assay_client::Result<()> {
/// let at = api.best().await?;
/// let model = api.model(&at, id).await?.ok_or_else(|| Error::not_found("no such model"))?;
/// // The least that the chain takes for one run of the model.
/// let fee = api.least_fee(&at, model.record.info.units)?;
/// let request = calls::request_job(id, input, fee, None);
/// api.submit(&request, &account::keypair("//Alice")?, Until::InBlock).await?;
/// # Ok(())
/// # }
/// ```
pub fn request_job(
	model: H256,
	input: &[u8],
	fee: u128,
	operator: Option<&AccountId32>,
) -> impl Payload {
	runtime::tx().jobs().request(model, bounded(input.to_vec()), fee, operator.cloned())
}

/// `utility.batch_all` of [`request_job`]s, each of a model, an input, a fee and an operator if only one
/// may accept: all or none.
pub fn request_jobs(jobs: Vec<(H256, Vec<u8>, u128, Option<AccountId32>)>) -> impl Payload {
	let one = |(model, input, fee, operator)| {
		RuntimeCall::Jobs(JobsCall::request { model, input: bounded(input), fee, operator })
	};
	runtime::tx().utility().batch_all(jobs.into_iter().map(one).collect())
}

/// `utility.batch_all` of [`open_challenge`]s, each against a job with a root.
pub fn open_challenges(against: Vec<(u64, [u8; 32])>) -> impl Payload {
	let one = |(job, root): (u64, [u8; 32])| {
		RuntimeCall::Challenges(ChallengesCall::open { job, output_root: H256(root), auth: None })
	};
	runtime::tx().utility().batch_all(against.into_iter().map(one).collect())
}

/// `jobs.cancel`: take back a job that nobody accepted.
pub fn cancel_job(job: u64) -> impl Payload {
	runtime::tx().jobs().cancel(job)
}

/// `jobs.demand`: have the operator deliver pieces of an output that its claim did not bring.
pub fn demand_output(job: u64, first: u32, pieces: u32) -> impl Payload {
	runtime::tx().jobs().demand(job, first, pieces)
}

/// `jobs.poke`: apply what is overdue in a job.
pub fn poke_job(job: u64) -> impl Payload {
	runtime::tx().jobs().poke(bounded(vec![job]), None)
}

/// `jobs.accept`, signed by the operator's own account: jobs, each with its
/// [content](super::Job::content).
pub fn accept_jobs(offers: &[(u64, H256)]) -> impl Payload {
	let offers = offers.iter().map(|(job, content)| jobs::Offer { job: *job, content: *content });
	runtime::tx().jobs().accept(bounded(offers.collect()), None)
}

/// `jobs.claim`, signed by the operator's own account: the same answer to some jobs, each with its
/// [content](super::Job::content).
pub fn claim_jobs(of: &[(u64, H256)], output_root: [u8; 32], output: &[u8]) -> impl Payload {
	let answer = |(job, content): &(u64, H256)| jobs::Answer {
		job: *job,
		content: *content,
		output_root: H256(output_root),
		output: bounded(output.to_vec()),
	};
	runtime::tx().jobs().claim(bounded(of.iter().map(answer).collect()), None)
}

/// `challenges.open`: say that a claim is false.
pub fn open_challenge(job: u64, output_root: [u8; 32]) -> impl Payload {
	runtime::tx().challenges().open(job, H256(output_root), None)
}

/// `challenges.prove_fault`, signed by anybody.
pub fn prove_fault(job: u64, proof: &[u8]) -> impl Payload {
	runtime::tx().challenges().prove_fault(job, bounded(proof.to_vec()), None)
}

/// `challenges.lapse`: apply what is overdue in a challenge.
pub fn lapse_challenge(challenge: u64) -> impl Payload {
	runtime::tx().challenges().lapse(challenge, None)
}

/// `balances.transfer_keep_alive`: send money.
pub fn transfer(to: &AccountId32, amount: u128) -> impl Payload {
	runtime::tx().balances().transfer_keep_alive(MultiAddress::Id(*to), amount)
}
