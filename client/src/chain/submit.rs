//! Signing, submitting and waiting, with refusals in words.

use super::{
	api::{Api, At},
	block::{BlockView, Failure, Step},
	AssayConfig,
};
use crate::{
	account,
	error::{Error, Kind, Result},
};
use std::time::Duration;
use subxt::{
	client::OnlineClientAtBlockImpl,
	config::DefaultExtrinsicParamsBuilder,
	error::{BackendError, ExtrinsicError, RpcError},
	transactions::{Payload, SubmittableTransaction, TransactionProgress, TransactionStatus},
	utils::H256,
};
use subxt_signer::sr25519::Keypair;

/// How far a transaction must get before [`Api::submit`] returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Until {
	/// In a block of the best chain.
	InBlock,
	/// In a finalized block.
	Finalized,
}

/// Blocks after which an unincluded transaction is void.
const MORTALITY: u64 = 64;

/// How often a call is signed again because another transaction of the account had its nonce. Seldom: a
/// node that lies about that can keep each signed copy and include them all.
const SIGNED_AGAIN: u32 = 2;

/// How often the nonce is asked for until it is another one, and how long apart: two blocks in all.
const NONCE_LOOKS: u32 = 12;
const NONCE_PAUSE: Duration = Duration::from_millis(500);

/// How often a transaction that a fork made invalid is handed over once more, and how long after.
const HANDED_AGAIN: u32 = 4;
const FORK_PAUSE: Duration = Duration::from_secs(3);

/// What to do with a transaction of which a fork may hold a copy.
const ON_A_FORK: &str = "it may be in a block; look before sending it again";

type Signed = SubmittableTransaction<AssayConfig, OnlineClientAtBlockImpl<AssayConfig>>;

/// A transaction that succeeded.
#[derive(Clone, Debug)]
pub struct Receipt {
	/// The extrinsic with its cost and events.
	pub step: Step,
	/// Hash of the block.
	pub block_hash: H256,
	/// Time of the block in milliseconds since 1970.
	pub time_ms: u64,
}

/// A transaction that the node has taken.
pub struct Pending {
	api: Api,
	name: String,
	signed: Box<Signed>,
	progress: TransactionProgress<AssayConfig, OnlineClientAtBlockImpl<AssayConfig>>,
}

/// Sends one account's transactions one after another without waiting for blocks in between.
///
/// # Examples
///
/// ```no_run
/// use assay_client::{account, chain::{calls, ChainEvent}, Api, Until};
/// # use subxt::utils::H256;
///
/// # async fn example(
/// #     (api, model, inputs, fee): (Api, H256, &[Vec<u8>], u128),
/// # ) -> assay_client::Result<()> {
/// let alice = account::keypair("//Alice")?;
/// let mut sender = api.sender(&alice).await?;
/// // All are handed over before the first one is waited for.
/// let mut sent = Vec::new();
/// for input in inputs {
///     sent.push(sender.send(&calls::request_job(model, input, fee, None)).await?);
/// }
/// for pending in sent {
///     let receipt = pending.wait(Until::InBlock).await?;
///     println!("{:?}", receipt.step.event("Jobs::Requested").and_then(ChainEvent::job));
/// }
/// # Ok(())
/// # }
/// ```
pub struct Sender {
	api: Api,
	at: At,
	signer: Keypair,
	nonce: u64,
}

impl Api {
	/// Signs `call`, submits it and waits.
	///
	/// # Errors
	/// [`Kind::Refused`] with the chain's own words when the pool or the runtime refuses it; the
	/// error's `code` is then `Pallet::Error`.
	///
	/// # Examples
	///
	/// ```no_run
	/// use assay_client::{account, amount::{Amount, ASY}, chain::calls, Api, Kind, Until};
	///
	/// # async fn example(api: Api) -> assay_client::Result<()> {
	/// let (alice, bob) = (account::keypair("//Alice")?, account::account("//Bob")?);
	/// match api.submit(&calls::transfer(&bob, 5 * ASY), &alice, Until::InBlock).await {
	///     Ok(sent) => println!("in block {} for {}", sent.step.block, Amount(sent.step.fee)),
	///     Err(error) if error.kind == Kind::Refused => println!("refused: {:?}", error.code),
	///     Err(error) => return Err(error),
	/// }
	/// # Ok(())
	/// # }
	/// ```
	pub async fn submit<C: Payload>(
		&self,
		call: &C,
		signer: &Keypair,
		until: Until,
	) -> Result<Receipt> {
		self.sender(signer).await?.send(call).await?.wait(until).await
	}

	/// A sender for the account of `signer`.
	pub async fn sender(&self, signer: &Keypair) -> Result<Sender> {
		let nonce = self.next_nonce(&account::account_of(signer)).await?;
		let at = self.finalized().await?;
		Ok(Sender { api: self.clone(), at, signer: signer.clone(), nonce })
	}
}

impl Sender {
	/// Signs `call` and hands it to the node.
	///
	/// Other senders may use the account meanwhile: a transaction whose nonce was taken is signed again
	/// with the next one.
	///
	/// # Errors
	/// [`Kind::Refused`] when the node's pool refuses it; the next one can still be sent.
	pub async fn send<C: Payload>(&mut self, call: &C) -> Result<Pending> {
		let name = name_of(call);
		let submit = async |signed: Signed| {
			let progress = signed.submit_and_watch().await?;
			Ok((signed, progress))
		};
		let handed = self.hand_over(call, submit).await;
		let (signed, progress) = handed.map_err(|e| e.context(&name))?;
		Ok(Pending { api: self.api.clone(), name, signed: Box::new(signed), progress })
	}

	/// Signs `call` and hands it to the node, without asking what becomes of it.
	///
	/// # Errors
	/// As [`Sender::send`].
	pub async fn post<C: Payload>(&mut self, call: &C) -> Result<()> {
		// What a node refused on one fork may lie in its pool for another: then it is handed over.
		let submit = async |signed: Signed| match signed.submit().await {
			Err(error) if is_known(&words_of(&error)) => Ok(()),
			other => other.map(drop),
		};
		self.hand_over(call, submit).await.map_err(|e| e.context(name_of(call)))
	}

	/// Makes later transactions live from the latest finalized block on.
	pub async fn renew(&mut self) -> Result<()> {
		self.at = self.api.finalized().await?;
		Ok(())
	}

	async fn sign<C: Payload>(&self, call: &C) -> std::result::Result<Signed, ExtrinsicError> {
		let params = DefaultExtrinsicParamsBuilder::<AssayConfig>::new()
			.nonce(self.nonce)
			.mortal(MORTALITY)
			.build();
		self.at.transactions().create_signed(call, &self.signer, params).await
	}

	/// Gives the node `call` as `submit` does. What was refused for its nonce is in no pool, so it is
	/// safe to sign it again.
	async fn hand_over<C: Payload, R>(
		&mut self,
		call: &C,
		submit: impl AsyncFn(Signed) -> std::result::Result<R, ExtrinsicError>,
	) -> Result<R> {
		let mut tries = 0;
		loop {
			let signed = self.sign(call).await?;
			let refused = match submit(signed).await {
				Ok(handed) => {
					self.nonce += 1;
					return Ok(handed);
				},
				Err(refused) => refused,
			};
			tries += 1;
			let taken = is_nonce_taken(&words_of(&refused));
			if tries > SIGNED_AGAIN || !taken || !self.take_next_nonce().await? {
				return Err(refused_by_pool(refused));
			}
		}
	}

	/// Takes the node's next nonce; whether it is another one. Waits while it is still the one that was
	/// refused: between a block and the pool's view of it, and while a fork's transactions return to the
	/// pool, the node names a nonce that is not free.
	async fn take_next_nonce(&mut self) -> Result<bool> {
		let account = account::account_of(&self.signer);
		for _ in 0..NONCE_LOOKS {
			let next = self.api.next_nonce(&account).await?;
			if next != self.nonce {
				self.nonce = next;
				return Ok(true);
			}
			tokio::time::sleep(NONCE_PAUSE).await;
		}
		Ok(false)
	}
}

fn name_of<C: Payload>(call: &C) -> String {
	format!("{}.{}", call.pallet_name(), call.call_name())
}

impl Pending {
	/// Waits until the transaction is in a block or finalized, and takes its outcome.
	///
	/// The node drops a transaction as invalid when another fork becomes the best one and what came before
	/// it in the account is not there. The same signed transaction is then handed over again, which cannot
	/// happen twice on one chain.
	///
	/// # Errors
	/// As [`Api::submit`].
	pub async fn wait(self, until: Until) -> Result<Receipt> {
		let name = self.name.clone();
		self.outcome(until).await.map_err(|e| e.context(name))
	}

	async fn outcome(mut self, until: Until) -> Result<Receipt> {
		let hash = self.progress.extrinsic_hash();
		let mut tries = 0;
		while let Some(status) = self.progress.next().await {
			let block = match status? {
				TransactionStatus::InBestBlock(block) if until == Until::InBlock => block,
				TransactionStatus::InFinalizedBlock(block) => block,
				TransactionStatus::Invalid { .. } if tries < HANDED_AGAIN => {
					tries += 1;
					tokio::time::sleep(FORK_PAUSE).await;
					self.hand_over_again().await?;
					continue;
				},
				TransactionStatus::Error { message }
				| TransactionStatus::Invalid { message }
				| TransactionStatus::Dropped { message } => {
					let what = format!("the node dropped the transaction: {message}");
					let hint = if tries == 0 {
						"look at the node's log; sending it again is safe"
					} else {
						ON_A_FORK
					};
					return Err(Error::new(Kind::Refused, what).hint(hint));
				},
				_ => continue,
			};
			let at = self.api.at(block.block_hash()).await?;
			return receipt(self.api.block(&at).await?, hash);
		}
		Err(Error::new(Kind::Unreachable, "the node stopped telling about the transaction")
			.hint("it may still be included; look before sending it again"))
	}

	/// Hands the same bytes to the node once more. Whatever it says against them, they may be in a block of the
	/// other fork: their nonce is taken then, or their time is over.
	async fn hand_over_again(&mut self) -> Result<()> {
		self.progress = self.signed.submit_and_watch().await.map_err(|refused| {
			let words = words_of(&refused);
			let what =
				format!("the node dropped the transaction for another fork, and then: {words}");
			Error::new(Kind::Refused, what).hint(ON_A_FORK)
		})?;
		Ok(())
	}
}

fn receipt(view: BlockView, hash: H256) -> Result<Receipt> {
	let step = view.steps.into_iter().find(|step| step.hash == hash);
	let step = step.ok_or_else(|| Error::failed("the block does not hold the transaction"))?;
	match &step.failure {
		Some(failure) => Err(refused(failure)),
		None => Ok(Receipt { step, block_hash: view.hash, time_ms: view.time_ms }),
	}
}

/// A dispatch error in the chain's own words.
fn refused(failure: &Failure) -> Error {
	let error = Error::new(Kind::Refused, format!("refused: {}", failure.code));
	let error = error.code(failure.code.clone());
	if failure.docs.is_empty() {
		error
	} else {
		error.hint(failure.docs.clone())
	}
}

/// What the node says about a refusal: its message and, where there is one, the reason beside it.
fn words_of(error: &ExtrinsicError) -> String {
	let ExtrinsicError::ErrorSubmittingTransaction(BackendError::Rpc(RpcError::ClientError(
		subxt::rpcs::Error::User(said),
	))) = error
	else {
		return error.to_string();
	};
	match &said.data {
		Some(data) => format!("{}: {}", said.message, data.get().trim_matches('"')),
		None => said.message.clone(),
	}
}

/// Whether the pool or the chain has another transaction with the nonce.
fn is_nonce_taken(words: &str) -> bool {
	let words = words.to_lowercase();
	words.contains("priority is too low") || words.contains("outdated")
}

/// Whether the pool has this very transaction.
fn is_known(words: &str) -> bool {
	words.to_lowercase().contains("already imported")
}

/// The pool's answer 1010 and its like, with what to do.
fn refused_by_pool(error: ExtrinsicError) -> Error {
	let text = words_of(&error);
	let known = [
		("Inability to pay", "the account cannot pay the transaction fee", "fund it first"),
		("outdated", "the nonce was used meanwhile", "send it again"),
		("Priority is too low", "another transaction of this account waits", "send it again later"),
		("ancient", "the transaction is too old", "send it again"),
		("already imported", "it has this transaction", "look for it before you send it again"),
		("exhaust", "the transaction does not fit into a block", "send less at once"),
		("too big", "the transaction does not fit into a block", "send less at once"),
		("bad signature", "the signature is not valid for this chain", "check --url and the key"),
	];
	let lower = text.to_lowercase();
	match known.iter().find(|(words, ..)| lower.contains(&words.to_lowercase())) {
		Some((_, what, hint)) => {
			Error::new(Kind::Refused, format!("refused by the node: {what}")).hint(*hint)
		},
		None if lower.starts_with("invalid transaction") => {
			Error::new(Kind::Refused, format!("refused by the node: {text}"))
		},
		None => Error::from(error),
	}
}
