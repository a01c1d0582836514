//! Reading the chain's records.

use super::{
	api::{Api, At},
	job::Job,
	records::{
		AccountInfo, Balance, Challenge, KeyRecord, Model, ModelMetadata, ModelRecord, Operator,
		OperatorRecord,
	},
};
use crate::error::{Error, Result};
use subxt::{
	dynamic::{constant, storage},
	ext::{scale_decode::DecodeAsType, scale_encode::EncodeAsType},
	utils::{AccountId32, H256},
};

/// One entry of a map with one key.
async fn get<K, V>(at: &At, pallet: &str, entry: &str, key: K) -> Result<Option<V>>
where
	K: EncodeAsType + DecodeAsType + Send + Sync,
	V: DecodeAsType,
{
	let address = storage::<(K,), V>(pallet, entry);
	match at.storage().try_fetch(address, (key,)).await? {
		Some(value) => Ok(Some(value.decode()?)),
		None => Ok(None),
	}
}

/// All entries of a map with one key.
async fn all<K, V>(at: &At, pallet: &str, entry: &str) -> Result<Vec<(K, V)>>
where
	K: DecodeAsType + EncodeAsType + Send + Sync,
	V: DecodeAsType,
{
	let address = storage::<(K,), V>(pallet, entry);
	let mut entries = at.storage().iter(address, ()).await?;
	let mut out = Vec::new();
	while let Some(next) = entries.next().await {
		let next = next?;
		let key = next.key()?.part(0).map(|part| part.decode_as::<K>()).transpose()?.flatten();
		let key = key.ok_or_else(|| Error::failed(format!("{pallet}.{entry} hides its keys")))?;
		out.push((key, next.value().decode()?));
	}
	Ok(out)
}

impl Api {
	/// The model with this name; `None` if it is not registered.
	pub async fn model(&self, at: &At, id: H256) -> Result<Option<Model>> {
		let Some(record) = get::<_, ModelRecord>(at, "Models", "Models", id).await? else {
			return Ok(None);
		};
		let metadata = get::<_, ModelMetadata>(at, "Models", "Metadata", id).await?;
		Ok(Some(Model::new(id, record, metadata)))
	}

	/// Every registered model, by name.
	pub async fn models(&self, at: &At) -> Result<Vec<Model>> {
		let mut models = Vec::new();
		for (id, record) in all::<H256, ModelRecord>(at, "Models", "Models").await? {
			let metadata = get::<_, ModelMetadata>(at, "Models", "Metadata", id).await?;
			models.push(Model::new(id, record, metadata));
		}
		models.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
		Ok(models)
	}

	/// The operator of this account; `None` if it has no stake.
	pub async fn operator(&self, at: &At, account: &AccountId32) -> Result<Option<Operator>> {
		let account = account.clone();
		let record = get::<_, OperatorRecord>(at, "Operators", "Operators", account.clone());
		let Some(record) = record.await? else { return Ok(None) };
		let serves = get::<_, Vec<H256>>(at, "Operators", "Serving", account.clone());
		Ok(Some(Operator {
			record,
			service_key: self.service_key(at, &account).await?.map(H256),
			serves: serves.await?.unwrap_or_default(),
			balance: self.balance(at, &account).await?,
			account,
		}))
	}

	/// Accounts of all operators.
	pub async fn operators(&self, at: &At) -> Result<Vec<(AccountId32, OperatorRecord)>> {
		all(at, "Operators", "Operators").await
	}

	/// The service key that acts for an account.
	pub async fn service_key(&self, at: &At, account: &AccountId32) -> Result<Option<[u8; 32]>> {
		let record = get::<_, KeyRecord>(at, "Operators", "ServiceKeys", account.clone()).await?;
		Ok(record.map(|record| record.key))
	}

	/// The job with this number; `None` if there is none or it was reaped.
	pub async fn job(&self, at: &At, id: u64) -> Result<Option<Job>> {
		get(at, "Jobs", "Jobs", id).await
	}

	/// All jobs that are not reaped, in the order of their requests.
	pub async fn jobs(&self, at: &At) -> Result<Vec<(u64, Job)>> {
		let mut found = all::<u64, Job>(at, "Jobs", "Jobs").await?;
		found.sort_by_key(|(id, _)| *id);
		Ok(found)
	}

	/// The input of a job, until it is reaped.
	pub async fn job_input(&self, at: &At, id: u64) -> Result<Option<Vec<u8>>> {
		get(at, "Jobs", "Inputs", id).await
	}

	/// The output of a job whose claim brought it whole, until it is reaped.
	pub async fn job_output(&self, at: &At, id: u64) -> Result<Option<Vec<u8>>> {
		get(at, "Jobs", "Outputs", id).await
	}

	/// Number of the next job.
	pub async fn next_job(&self, at: &At) -> Result<u64> {
		let address = storage::<(), u64>("Jobs", "NextJob");
		let value = at.storage().try_fetch(address, ()).await?;
		Ok(value.map(|value| value.decode()).transpose()?.unwrap_or_default())
	}

	/// The least fee that the chain takes for a job of `units` cost units.
	pub fn least_fee(&self, at: &At, units: u64) -> Result<u128> {
		let base: u128 = self.constant(at, "Jobs", "FeeBase")?;
		let per_unit: u128 = self.constant(at, "Jobs", "FeePerUnit")?;
		Ok(base.saturating_add(per_unit.saturating_mul(u128::from(units))))
	}

	/// The challenge with this number; `None` if it is not on record.
	pub async fn challenge(&self, at: &At, id: u64) -> Result<Option<Challenge>> {
		get(at, "Challenges", "Challenges", id).await
	}

	/// All challenges on record, in the order of their opening.
	pub async fn challenges(&self, at: &At) -> Result<Vec<(u64, Challenge)>> {
		let mut found = all::<u64, Challenge>(at, "Challenges", "Challenges").await?;
		found.sort_by_key(|(id, _)| *id);
		Ok(found)
	}

	/// An account's money; zero for an account that does not exist.
	pub async fn balance(&self, at: &At, account: &AccountId32) -> Result<Balance> {
		let info = get::<_, AccountInfo>(at, "System", "Account", account.clone()).await?;
		Ok(info.map(|info| info.data).unwrap_or_default())
	}

	/// A constant of the runtime.
	pub fn constant<V: DecodeAsType>(&self, at: &At, pallet: &str, name: &str) -> Result<V> {
		Ok(at.constants().entry(constant::<V>(pallet, name))?)
	}
}
