//! What wallets, custodians and light clients expect of any Substrate chain, each used once. Calls are
//! made by name from the node's own metadata, as software does that knows nothing of Assay.

use super::{Scene, PATIENCE};
use assay_client::{
	account,
	amount::ASY,
	chain::{At, Receipt},
	Until,
};
use assay_tests::roles::{self, Account};
use serde_json::{json, Value as Json};
use subxt::{
	dynamic::{self, Value},
	ext::scale_value::Composite,
	rpcs::rpc_params,
	transactions::DynamicPayload,
	utils::{AccountId32, H256},
};

/// Two that sign for one account.
const SIGNERS: [&str; 2] = ["//Charlie//stash", "//Ferdie//stash"];
/// Longest call that the scheduler keeps as it is.
const LONGEST_INLINE: usize = 128;

type Call = DynamicPayload<Composite<()>>;

fn call(pallet: &str, name: &str, arguments: impl IntoIterator<Item = Value>) -> Call {
	dynamic::tx(pallet, name, Composite::unnamed(arguments))
}

fn id(account: &AccountId32) -> Value {
	Value::from_bytes(account.0)
}

fn address(account: &AccountId32) -> Value {
	Value::unnamed_variant("Id", [id(account)])
}

fn none() -> Value {
	Value::unnamed_variant("None", [])
}

fn transfer(to: &AccountId32, amount: u128) -> Call {
	call("Balances", "transfer_keep_alive", [address(to), Value::u128(amount)])
}

fn batch(calls: impl IntoIterator<Item = Call>) -> Call {
	let calls = calls.into_iter().map(Call::into_value);
	call("Utility", "batch_all", [Value::unnamed_composite(calls)])
}

fn sudo(inner: Call) -> Call {
	call("Sudo", "sudo", [inner.into_value()])
}

/// What events named `envelope` say of the calls in them, in their order.
fn results(receipt: &Receipt, envelope: &str) -> Vec<Json> {
	let opened = receipt.step.events.iter().filter(|event| event.is(envelope));
	opened.map(|event| event.fields["result"].clone()).collect()
}

/// What an event says of a call that succeeded.
fn done() -> Json {
	json!({ "Ok": [] })
}

/// What an event says of a call that a filter kept back.
fn filtered(at: &At) -> Json {
	let system = at.metadata_ref().pallet_by_name("System").unwrap();
	let mut errors = system.error_variants().unwrap().iter();
	let error = errors.find(|error| error.name == "CallFiltered").unwrap();
	let bytes = format!("0x{:02x}000000", error.index);
	json!({ "Err": { "Module": { "index": system.error_index(), "error": bytes } } })
}

/// Batches, proxies, accounts of several signers, schedules, preimages, the brakes, and where a light
/// client starts. Nothing else may move money meanwhile: for a block or two nobody can.
pub(super) async fn what_wallets_expect_is_there(scene: &Scene) {
	let payee = roles::dev("//Newcomer").unwrap();
	futures::join!(
		a_proxy_serves_and_pays_nobody(scene, &payee),
		two_sign_for_one_account(scene, &payee),
		root_acts_later(scene, &payee),
		a_light_client_learns_where_to_start(scene),
	);
	// Alone: it would stop the others' payments.
	let block = the_brakes_hold(scene, &payee).await;
	let at = scene.api.at(block).await.unwrap();
	let owned = scene.api.balance(&at, &payee.id).await.unwrap().total();
	assert_eq!(owned, 5 * ASY, "one from two signers, two from root, two from between the brakes");
}

/// A serving proxy says what its operator serves, and cannot pay anybody from the operator's
/// account.
async fn a_proxy_serves_and_pays_nobody(scene: &Scene, payee: &Account) {
	let (api, operator) = (&scene.api, &scene.honest);
	let delegate = roles::dev("//Ferdie").unwrap();
	let serving = Value::unnamed_variant("Serving", []);
	let appoint = call("Proxy", "add_proxy", [address(&delegate.id), serving, Value::u128(0)]);
	// Finalized: on a fork without the appointment, the proxy's own transaction would fail.
	api.submit(&appoint, &operator.key, Until::Finalized).await.unwrap();
	let by_proxy =
		|inner: Call| call("Proxy", "proxy", [address(&operator.id), none(), inner.into_value()]);
	// The same again: what it serves does not change under the jobs of other tests.
	let at = api.best().await.unwrap();
	let models = api.operator(&at, &operator.id).await.unwrap().unwrap().serves;
	let models = models.iter().map(|model| Value::from_bytes(model.0));
	let serve = call("Operators", "serve", [Value::unnamed_composite(models)]);
	let both = batch([by_proxy(serve), by_proxy(transfer(&payee.id, ASY))]);
	let receipt = api.submit(&both, &delegate.key, Until::InBlock).await.unwrap();
	let event = receipt.step.event("Operators::Serves").unwrap();
	assert_eq!(account::account(event.text_of("operator").unwrap()).unwrap(), operator.id);
	let at = api.at(receipt.block_hash).await.unwrap();
	assert_eq!(results(&receipt, "Proxy::ProxyExecuted"), [done(), filtered(&at)]);
}

/// An account of two signers pays when both have signed, not before.
async fn two_sign_for_one_account(scene: &Scene, payee: &Account) {
	let api = &scene.api;
	let [first, second] = SIGNERS.map(|path| roles::dev(path).unwrap());
	let sign = |with: &Account, begun: Value| {
		let others = Value::unnamed_composite([id(&with.id)]);
		let inner = transfer(&payee.id, ASY).into_value();
		let limit = [("ref_time", 1_000_000_000u128), ("proof_size", 10_000)];
		let limit = limit.map(|(dimension, most)| (dimension, Value::u128(most)));
		let limit = Value::named_composite(limit);
		call("Multisig", "as_multi", [Value::u128(2), others, begun, inner, limit])
	};
	// Finalized: the second signature says where the first one is.
	let begun = api.submit(&sign(&second, none()), &first.key, Until::Finalized).await.unwrap();
	assert!(results(&begun, "Multisig::MultisigExecuted").is_empty(), "one has signed");
	let step = &begun.step;
	let shared = step.event("Multisig::NewMultisig").unwrap().text_of("multisig").unwrap();
	let shared = account::account(shared).unwrap();
	let place = [("height", u128::from(step.block)), ("index", u128::from(step.index))];
	let place = place.map(|(name, number)| (name, Value::u128(number)));
	let place = Value::unnamed_variant("Some", [Value::named_composite(place)]);
	let finish = batch([transfer(&shared, 2 * ASY), sign(&first, place)]);
	// Finalized: the brakes come next, and would stop the payment if it were made again after them.
	let paid = api.submit(&finish, &second.key, Until::Finalized).await.unwrap();
	assert_eq!(results(&paid, "Multisig::MultisigExecuted"), [done()]);
}

/// Root schedules a call that is too long to be kept as it is: it is found by its preimage, whose
/// deposit comes back afterwards.
async fn root_acts_later(scene: &Scene, payee: &Account) {
	let (api, root) = (&scene.api, roles::dev("//Alice").unwrap());
	let force = |path: &str| {
		let from = roles::dev(path).unwrap();
		let (from, to) = (address(&from.id), address(&payee.id));
		call("Balances", "force_transfer", [from, to, Value::u128(ASY)])
	};
	let later = batch(SIGNERS.map(force));
	let at = api.best().await.unwrap();
	let bytes = at.transactions().call_data(&later).unwrap();
	assert!(bytes.len() > LONGEST_INLINE, "{} bytes need no preimage", bytes.len());
	let note = call("Preimage", "note_preimage", [Value::from_bytes(&bytes)]);
	let (after, priority) = (Value::u128(1), Value::u128(0));
	let schedule = [after, none(), priority, later.into_value()];
	let schedule = sudo(call("Scheduler", "schedule_after", schedule));
	let mut sender = api.sender(&root.key).await.unwrap();
	let note = sender.send(&note).await.unwrap();
	let schedule = sender.send(&schedule).await.unwrap();
	let noted = note.wait(Until::InBlock).await.unwrap();
	let scheduled = schedule.wait(Until::InBlock).await.unwrap();
	assert!(scheduled.step.event("Scheduler::Scheduled").is_some());
	let preimage = |receipt: &Receipt| {
		let event = receipt.step.event("Preimage::Noted").unwrap();
		account::hash(event.text_of("hash").unwrap()).unwrap()
	};
	let hash = preimage(&noted);
	assert_eq!(preimage(&scheduled), hash, "the call that waits is the one that was noted");

	let ran = scene.recorder.until("the scheduled call", PATIENCE, |blocks| {
		let mut hooks = blocks.iter().flat_map(|block| block.hooks.iter());
		hooks.find(|event| event.is("Scheduler::Dispatched")).cloned()
	});
	assert_eq!(ran.await.unwrap().fields["result"], done());
	let unnote = call("Preimage", "unnote_preimage", [Value::from_bytes(hash)]);
	let unnoted = sender.send(&unnote).await.unwrap().wait(Until::InBlock).await.unwrap();
	let events = &unnoted.step.events;
	assert!(unnoted.step.event("Balances::Released").is_some(), "no deposit in {events:#?}");
}

/// The node hands out its chain's specification with a finalized block in it, and what must be known
/// to go on from there.
async fn a_light_client_learns_where_to_start(scene: &Scene) {
	let raw = rpc_params![true];
	let spec: Json = scene.api.rpc().request("sync_state_genSyncSpec", raw).await.unwrap();
	assert!(spec["genesis"]["raw"]["top"].is_object());
	let start = &spec["lightSyncState"];
	for known in ["babeEpochChanges", "grandpaAuthoritySet"] {
		assert!(start[known].is_string(), "{known} is missing");
	}
	// A header begins with the hash of the block before it: here, one that this chain has.
	let header = start["finalizedBlockHeader"].as_str().unwrap();
	let parent = H256(account::hash(&header[..66]).unwrap());
	scene.api.at(parent).await.unwrap();
}

/// Root stops all money, then one call alone, and lets go again. Answers the block in which all of it
/// was done.
///
/// One account sends everything before anything is looked at: so it happens in this order, in whatever
/// blocks, and the brakes come off whatever is found.
async fn the_brakes_hold(scene: &Scene, payee: &Account) -> H256 {
	let root = roles::dev("//Alice").unwrap();
	let pay = transfer(&payee.id, ASY);
	let otherwise = [address(&payee.id), Value::u128(ASY)];
	let otherwise = call("Balances", "transfer_allow_death", otherwise);
	let paused = ["Balances", "transfer_keep_alive"].map(Value::from_bytes);
	let paused = Value::unnamed_composite(paused);
	let plan = [
		(sudo(call("SafeMode", "force_enter", [])), "SafeMode::Entered"),
		(pay.clone(), "System::CallFiltered"),
		(sudo(call("SafeMode", "force_exit", [])), "SafeMode::Exited"),
		(sudo(call("TxPause", "pause", [paused.clone()])), "TxPause::CallPaused"),
		(pay.clone(), "System::CallFiltered"),
		(otherwise, "Balances::Transfer"),
		(sudo(call("TxPause", "unpause", [paused])), "TxPause::CallUnpaused"),
		(pay, "Balances::Transfer"),
	];
	let mut sender = scene.api.sender(&root.key).await.unwrap();
	let mut sent = Vec::new();
	for (step, outcome) in &plan {
		sent.push((sender.send(step).await.unwrap(), *outcome));
	}
	let mut block = H256::zero();
	for (pending, outcome) in sent {
		match pending.wait(Until::InBlock).await {
			Ok(receipt) => {
				let events = &receipt.step.events;
				assert!(receipt.step.event(outcome).is_some(), "no {outcome} in {events:#?}");
				block = receipt.block_hash;
			},
			Err(error) => assert_eq!(error.code.as_deref(), Some(outcome), "{error}"),
		}
	}
	block
}
