//! Making accounts play their roles.

use anyhow::{Context, Result};
use assay_client::{
	account,
	chain::{
		calls::{self, ProvenKey},
		Receipt,
	},
	commands::model::{compile, CompileArgs},
	output::Output,
	Api, Until,
};
use std::path::Path;
use subxt::utils::{AccountId32, H256};
use subxt_signer::sr25519::Keypair;

/// An account by its dev path.
#[derive(Clone, Debug)]
pub struct Account {
	/// The path, as in `//Alice`.
	pub path: String,
	/// Its key.
	pub key: Keypair,
	/// Its address.
	pub id: AccountId32,
}

/// The account of a dev path.
pub fn dev(path: &str) -> Result<Account> {
	let key = account::keypair(path)?;
	Ok(Account { path: path.into(), id: account::account_of(&key), key })
}

/// Gives each of `to` so much of the money of `from`, and waits until they have it.
pub async fn give(api: &Api, from: &Account, to: &[&Account], amount: u128) -> Result<()> {
	let mut giver = api.sender(&from.key).await?;
	let mut gifts = Vec::new();
	for who in to {
		gifts.push(giver.send(&calls::transfer(&who.id, amount)).await?);
	}
	for gift in gifts {
		gift.wait(Until::InBlock).await?;
	}
	Ok(())
}

/// The service key of an account: the one derived from it by `//service`.
pub fn service_path(account: &Account) -> String {
	format!("{}//service", account.path)
}

/// Puts the account's service key into a node's keystore and returns it with its proof.
pub async fn insert_service_key(node: &Api, account: &Account) -> Result<ProvenKey> {
	let path = service_path(account);
	let service = account::keypair(&path)?;
	node.insert_service_key(&path, service.public_key().0).await?;
	Ok(account::prove_possession(&service, &node.genesis_hash(), &account.id))
}

/// Makes `account` an operator: stake, service key in the keystore of `node` and on the chain,
/// and the models it serves. Returns the receipts of the transactions.
pub async fn become_operator(
	node: &Api,
	account: &Account,
	stake: u128,
	models: &[H256],
) -> Result<Vec<Receipt>> {
	let key = insert_service_key(node, account).await?;
	let mut models = models.to_vec();
	models.sort();
	let mut sender = node.sender(&account.key).await?;
	let sent = [
		sender.send(&calls::stake(stake)).await?,
		sender.send(&calls::set_service_key(Some(key))).await?,
		sender.send(&calls::serve(&models)).await?,
	];
	let mut receipts = Vec::with_capacity(sent.len());
	for pending in sent {
		receipts.push(pending.wait(Until::InBlock).await?);
	}
	Ok(receipts)
}

/// Gives `account` a service key on `node`, which makes it a watcher there.
pub async fn become_watcher(node: &Api, account: &Account) -> Result<()> {
	let key = insert_service_key(node, account).await?;
	node.submit(&calls::set_service_key(Some(key)), &account.key, Until::InBlock).await?;
	Ok(())
}

/// Compiles the digits network for batches of `batch` images into the folder `to`.
pub fn compile_digits(onnx: &Path, to: &Path, batch: u32) -> Result<H256> {
	let name = if batch == 1 { "digits".into() } else { format!("digits-{batch}") };
	compile_model(onnx, to, &name, vec![("N".into(), batch)])
}

/// Compiles a network without free dimensions into the folder `to`.
pub fn compile_plain(onnx: &Path, to: &Path, name: &str) -> Result<H256> {
	compile_model(onnx, to, name, Vec::new())
}

fn compile_model(onnx: &Path, to: &Path, name: &str, dims: Vec<(String, u32)>) -> Result<H256> {
	let args = CompileArgs {
		onnx: onnx.to_owned(),
		output: to.to_owned(),
		dims: dims.into_iter().map(|(name, size)| (name, size.into())).collect(),
		name: Some(name.into()),
		model_version: "1".into(),
		licence: "Apache-2.0".into(),
		..Default::default()
	};
	let report = compile(&args, &Output::quiet())?;
	let only = report.models.first().context("nothing was compiled")?;
	Ok(H256(account::hash(&only.model_id)?))
}
