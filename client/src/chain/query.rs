//! Reading the chain's records.

use super::{
	api::{Api, At},
	job::Job,
	records::{
		AccountInfo, Balance, BlockWeight, Challenge, Demand, Endorsement, EndorsementRecord,
		KeyRecord, Model, ModelMetadata, ModelRecord, Operator, OperatorRecord, Periods,
	},
	runtime::{self, runtime_types},
};
use crate::error::{Error, Result};
use codec::{Decode, Encode};
use subxt::{
	ext::scale_decode::DecodeAsType,
	storage::{Address, PrefixOf},
	utils::{AccountId32, H256},
	view_functions::Payload,
};

/// What a pallet's view function says.
///
/// The runtime takes the arguments as one byte string behind the function's name, and answers with one;
/// subxt 0.51 by itself leaves both out.
async fn view<P: Payload>(at: &At, asked: P) -> Result<P::ReturnType> {
	let (pallet, name) = (asked.pallet_name().to_owned(), asked.function_name().to_owned());
	let unanswered = |why: &str| Error::failed(format!("{pallet}.{name}: {why}"));
	let functions = at.view_functions();
	functions.validate(&asked)?;
	let named = functions.encode_args(&asked)?;
	let (id, arguments) = named.split_at_checked(32).ok_or_else(|| unanswered("it has no name"))?;
	let request = [id.to_vec(), arguments.to_vec().encode()].concat();
	let said = functions.call_raw(Some(&request)).await?;
	let Some((0, mut answer)) = said.split_first().map(|(first, rest)| (*first, rest)) else {
		return Err(unanswered("the chain does not answer"));
	};
	let answer = Vec::<u8>::decode(&mut answer)
		.map_err(|_| unanswered("the chain's answer is cut short"))?;
	let metadata = at.metadata_ref();
	let pallets = metadata.pallet_by_name(&pallet);
	let function = pallets.and_then(|pallet| pallet.view_function_by_name(&name));
	let kind = function.ok_or_else(|| unanswered("there is no such function"))?.output_ty();
	P::ReturnType::decode_as_type(&mut &answer[..], kind, metadata.types())
		.map_err(|why| unanswered(&why.to_string()))
}

/// One entry of a map with one key, decoded as `V`.
async fn get<A, K, V>(at: &At, address: A, key: K) -> Result<Option<V>>
where
	A: Address<KeyParts = (K,)>,
	V: DecodeAsType,
{
	match at.storage().try_fetch(address, (key,)).await? {
		Some(value) => Ok(Some(value.decode_as()?)),
		None => Ok(None),
	}
}

/// Goes through the entries of a map below `prefix`, in pages, until `each` says that it has enough;
/// it gets the last part of each key.
async fn entries<A, P, K, V>(
	at: &At,
	address: A,
	prefix: P,
	mut each: impl FnMut(K, V) -> bool,
) -> Result<()>
where
	A: Address,
	P: PrefixOf<A::KeyParts>,
	K: DecodeAsType,
	V: DecodeAsType,
{
	let mut entries = at.storage().iter(address, prefix).await?;
	while let Some(next) = entries.next().await {
		let next = next?;
		let key = next.key()?.parts().last().map(|part| part.decode_as::<K>()).transpose()?;
		let key =
			key.flatten().ok_or_else(|| Error::failed("a map of the chain hides its keys"))?;
		if !each(key, next.value().decode_as()?) {
			break;
		}
	}
	Ok(())
}

/// All entries of a map with one key, decoded as `V`.
async fn all<A, K, V>(at: &At, address: A) -> Result<Vec<(K, V)>>
where
	A: Address,
	(): PrefixOf<A::KeyParts>,
	K: DecodeAsType,
	V: DecodeAsType,
{
	let mut out = Vec::new();
	let each = |key, value| {
		out.push((key, value));
		true
	};
	entries(at, address, (), each).await?;
	Ok(out)
}

impl Api {
	/// The model with this name; `None` if it is not registered.
	pub async fn model(&self, at: &At, id: H256) -> Result<Option<Model>> {
		let Some(record) =
			get::<_, _, ModelRecord>(at, runtime::storage().models().models(), id).await?
		else {
			return Ok(None);
		};
		let metadata =
			get::<_, _, ModelMetadata>(at, runtime::storage().models().metadata(), id).await?;
		Ok(Some(Model::new(id, record, metadata)))
	}

	/// Every registered model, by name.
	pub async fn models(&self, at: &At) -> Result<Vec<Model>> {
		let mut models = Vec::new();
		for (id, record) in
			all::<_, H256, ModelRecord>(at, runtime::storage().models().models()).await?
		{
			let metadata =
				get::<_, _, ModelMetadata>(at, runtime::storage().models().metadata(), id).await?;
			models.push(Model::new(id, record, metadata));
		}
		models.sort_by(|a, b| (&a.words.name, a.id).cmp(&(&b.words.name, b.id)));
		Ok(models)
	}

	/// Tells `each` the name of every registered model, as its first endorser wrote it.
	pub async fn model_names(&self, at: &At, mut each: impl FnMut(H256, &[u8])) -> Result<()> {
		let metadata = runtime::storage().models().metadata();
		entries(at, metadata, (), |id: H256, said: ModelMetadata| {
			each(id, &said.name);
			true
		})
		.await
	}

	/// What `account` says about a model; `None` if it neither stands behind it nor warns of it.
	pub async fn endorsement(
		&self,
		at: &At,
		model: H256,
		account: &AccountId32,
	) -> Result<Option<Endorsement>> {
		let address = runtime::storage().models().endorsements();
		let found = at.storage().try_fetch(address, (model, *account)).await?;
		let Some(found) = found else { return Ok(None) };
		let record: EndorsementRecord = found.decode_as()?;
		Ok(Some(Endorsement::new(*account, record)))
	}

	/// Who stands behind a model or warns of it, the oldest first, of at most so many that the chain
	/// names first: strangers may be as many as can pay for it.
	pub async fn endorsements(
		&self,
		at: &At,
		model: H256,
		most: usize,
	) -> Result<Vec<Endorsement>> {
		let mut found = Vec::new();
		let each = |account, record| {
			found.push(Endorsement::new(account, record));
			found.len() < most
		};
		entries(at, runtime::storage().models().endorsements(), (model,), each).await?;
		found.sort_by_key(|endorsement| (endorsement.since, endorsement.account.0));
		Ok(found)
	}

	/// The operator of this account; `None` if it has no stake.
	pub async fn operator(&self, at: &At, account: &AccountId32) -> Result<Option<Operator>> {
		let account = *account;
		let record =
			get::<_, _, OperatorRecord>(at, runtime::storage().operators().operators(), account);
		let Some(record) = record.await? else { return Ok(None) };
		let serves = get::<_, _, Vec<H256>>(at, runtime::storage().operators().serving(), account);
		let key = self.key_record(at, &account).await?;
		Ok(Some(Operator {
			record,
			service_key: key.as_ref().map(|record| H256(record.key)),
			allowance: key.map_or(0, |record| record.left()),
			serves: serves.await?.unwrap_or_default(),
			balance: self.balance(at, &account).await?,
			account,
		}))
	}

	/// Accounts of all operators.
	pub async fn operators(&self, at: &At) -> Result<Vec<(AccountId32, OperatorRecord)>> {
		all(at, runtime::storage().operators().operators()).await
	}

	/// The service key that acts for an account.
	pub async fn service_key(&self, at: &At, account: &AccountId32) -> Result<Option<[u8; 32]>> {
		Ok(self.key_record(at, account).await?.map(|record| record.key))
	}

	/// The service key of an account and what it may spend.
	pub async fn key_record(&self, at: &At, account: &AccountId32) -> Result<Option<KeyRecord>> {
		get(at, runtime::storage().operators().service_keys(), *account).await
	}

	/// The job with this number; `None` if there is none or it was reaped.
	pub async fn job(&self, at: &At, id: u64) -> Result<Option<Job>> {
		get(at, runtime::storage().jobs().jobs(), id).await
	}

	/// All jobs that are not reaped, in the order of their requests.
	pub async fn jobs(&self, at: &At) -> Result<Vec<(u64, Job)>> {
		let mut found = all::<_, u64, Job>(at, runtime::storage().jobs().jobs()).await?;
		found.sort_by_key(|(id, _)| *id);
		Ok(found)
	}

	/// The jobs of one model that are not reaped, in the order of their requests. `progress` is told how
	/// many jobs of the chain were looked at: there is no index by model.
	pub async fn jobs_of(
		&self,
		at: &At,
		model: H256,
		mut progress: impl FnMut(u64),
	) -> Result<Vec<(u64, Job)>> {
		let (mut seen, mut found) = (0, Vec::new());
		let each = |id: u64, job: Job| {
			seen += 1;
			progress(seen);
			if job.model == model {
				found.push((id, job));
			}
			true
		};
		entries(at, runtime::storage().jobs().jobs(), (), each).await?;
		found.sort_by_key(|(id, _)| *id);
		Ok(found)
	}

	/// The input of a job, until it is reaped.
	pub async fn job_input(&self, at: &At, id: u64) -> Result<Option<Vec<u8>>> {
		get(at, runtime::storage().jobs().inputs(), id).await
	}

	/// The output of a job whose claim brought it whole, until it is reaped.
	pub async fn job_output(&self, at: &At, id: u64) -> Result<Option<Vec<u8>>> {
		get(at, runtime::storage().jobs().outputs(), id).await
	}

	/// Last block at which what is demanded of a job's output may be delivered; `None` if nothing is.
	pub async fn demand_deadline(&self, at: &At, id: u64) -> Result<Option<u64>> {
		let demand = get::<_, _, Demand>(at, runtime::storage().jobs().demands(), id).await?;
		Ok(demand.map(|demand| demand.deadline.into()))
	}

	/// What a requester pays for each piece of an output that it demands.
	pub fn delivery_fee(&self, at: &At) -> Result<u128> {
		Ok(at.constants().entry(runtime::constants().jobs().delivery_fee())?)
	}

	/// Bytes of a piece of an output.
	pub fn piece_bytes(&self, at: &At) -> Result<u32> {
		Ok(at.constants().entry(runtime::constants().jobs().piece_bytes())?)
	}

	/// Most pieces of an output that are demanded at a time.
	pub fn max_pieces(&self, at: &At) -> Result<u32> {
		Ok(at.constants().entry(runtime::constants().jobs().max_pieces())?)
	}

	/// The extrinsics of the block with this number on the best chain, as they were encoded.
	///
	/// # Errors
	/// [`Kind::NotFound`](crate::Kind::NotFound) when the node does not have the block.
	pub async fn extrinsics(&self, number: u64) -> Result<Vec<Vec<u8>>> {
		let gone = || Error::not_found(format!("the node does not have block {number}"));
		let hash = self.methods.chain_get_block_hash(Some(number.into())).await?;
		let block = self.methods.chain_get_block(Some(hash.ok_or_else(gone)?)).await?;
		let extrinsics = block.ok_or_else(gone)?.block.extrinsics;
		Ok(extrinsics.into_iter().map(|bytes| bytes.0).collect())
	}

	/// Number of the next job.
	pub async fn next_job(&self, at: &At) -> Result<u64> {
		let value = at.storage().try_fetch(runtime::storage().jobs().next_job(), ()).await?;
		Ok(value.map(|value| value.decode()).transpose()?.unwrap_or_default())
	}

	/// The least fee that the chain takes for a job of `units` cost units.
	pub fn least_fee(&self, at: &At, units: u64) -> Result<u128> {
		let constants = runtime::constants().jobs();
		let base = at.constants().entry(constants.fee_base())?;
		let per_unit = at.constants().entry(constants.fee_per_unit())?;
		Ok(base.saturating_add(per_unit.saturating_mul(u128::from(units))))
	}

	/// What a job of `model` gives time for, as the chain says; `None` if the model is not registered.
	pub async fn periods(&self, at: &At, model: H256) -> Result<Option<Periods>> {
		let asked = runtime::view_functions().jobs().periods(model);
		let Some(periods) = view(at, asked).await? else { return Ok(None) };
		let block_millis = at.constants().entry(runtime::constants().jobs().block_millis())?;
		let runtime_types::pallet_jobs::types::Periods { queue, claim, window, .. } = periods;
		Ok(Some(Periods { queue, claim, window, block_millis }))
	}

	/// The challenge with this number; `None` if it is not on record.
	pub async fn challenge(&self, at: &At, id: u64) -> Result<Option<Challenge>> {
		get(at, runtime::storage().challenges().challenges(), id).await
	}

	/// All challenges on record, in the order of their opening.
	pub async fn challenges(&self, at: &At) -> Result<Vec<(u64, Challenge)>> {
		let mut found =
			all::<_, u64, Challenge>(at, runtime::storage().challenges().challenges()).await?;
		found.sort_by_key(|(id, _)| *id);
		Ok(found)
	}

	/// The time that a block states, in milliseconds since 1970.
	pub async fn time_ms(&self, at: &At) -> Result<u64> {
		let value = at.storage().try_fetch(runtime::storage().timestamp().now(), ()).await?;
		Ok(value.map(|value| value.decode()).transpose()?.unwrap_or_default())
	}

	/// Reference time that a block used up, by weight, in picoseconds.
	pub async fn block_ref_time(&self, at: &At) -> Result<u64> {
		let value = at.storage().try_fetch(runtime::storage().system().block_weight(), ()).await?;
		let Some(value) = value else { return Ok(0) };
		let BlockWeight { normal, operational, mandatory } = value.decode_as()?;
		Ok([normal, operational, mandatory].iter().map(|weight| weight.ref_time).sum())
	}

	/// An account's money; zero for an account that does not exist.
	pub async fn balance(&self, at: &At, account: &AccountId32) -> Result<Balance> {
		let info =
			get::<_, _, AccountInfo>(at, runtime::storage().system().account(), *account).await?;
		Ok(info.map(|info| info.data).unwrap_or_default())
	}
}
